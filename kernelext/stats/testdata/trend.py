"""Writes trend.json: Mann and Kendall's test as SciPy has it (Kendall's tau of
the values and their times), and Pettitt's by ranks, which is another way than
the package's. Run it in this directory: python trend.py"""

import json

import numpy as np
from scipy import stats

rng = np.random.default_rng(20261126)
series = {
    "flat": rng.normal(10, 1, 40),
    "rising": np.arange(30) * 0.1 + rng.normal(10, 1, 30),
    "falling, ties": np.round(-np.arange(50) * 0.05 + rng.normal(5, 1, 50)),
    "step": np.concatenate([rng.normal(12, 1, 8), rng.normal(10, 1, 32)]),
    "step, ties": np.round(np.concatenate([rng.normal(3, 1, 25), rng.normal(5, 1, 15)])),
    "long": np.concatenate([rng.lognormal(1.2, 0.3, 60), rng.lognormal(1, 0.3, 440)]),
}
out = {}
for name, x in series.items():
    n = len(x)
    ranks = stats.rankdata(x)
    u = np.abs(2 * np.cumsum(ranks)[:-1] - np.arange(1, n) * (n + 1))
    k = float(u.max())
    s = sum(int(np.sign(x[i + 1 :] - x[i]).sum()) for i in range(n))
    out[name] = {
        "x": x.tolist(),
        "s": s,
        "p": float(stats.kendalltau(np.arange(n), x, method="asymptotic").pvalue),
        "at": int(u.argmax()) + 1,
        "pettitt_p": min(1.0, float(2 * np.exp(-6 * k**2 / (n**3 + n**2)))),
    }
json.dump(out, open("trend.json", "w"), indent=1)
