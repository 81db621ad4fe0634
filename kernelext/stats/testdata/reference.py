"""Writes reference.json: values of the statistics of this package computed by
NumPy and SciPy. Run it in this directory: python reference.py"""

import json
import sys

import numpy as np
import scipy
from scipy import special, stats

rng = np.random.default_rng(20261124)
samples = {
    "one": [3.5],
    "two": [4.0, 1.0],
    "ties": [2.0, 2.0, 2.0, 5.0, 5.0, 7.0, 2.0, 7.0, 7.0],
    "even": [9.0, 1.0, 8.0, 2.0, 7.0, 3.0],
    "lognormal30": rng.lognormal(2, 0.5, 30).tolist(),
    "lognormal101": rng.lognormal(-1, 1.5, 101).tolist(),
    "pareto1000": (rng.pareto(1.5, 1000) + 1).tolist(),
}
ps = [0, 0.01, 0.25, 1 / 3, 0.5, 0.75, 0.9, 0.99, 1]


def median_interval(x, level):
    """Order statistics; k by the binomial quantile, None where there is none."""
    x = np.sort(x)
    n = len(x)
    tail = (1 - level) / 2
    k = 0
    while k < n and stats.binom.cdf(k, n, 0.5) <= tail:
        k += 1
    return [x[k - 1], x[n - k]] if k > 0 else None


def t_interval(x, level):
    if len(x) < 2:
        return None
    return np.array(stats.t.interval(level, len(x) - 1, np.mean(x), stats.sem(x)))


def geometric_t_interval(x, level):
    i = t_interval(np.log(x), level)
    return None if i is None else np.exp(i).tolist()


def mean_t_interval(x, level):
    i = t_interval(x, level)
    return None if i is None else i.tolist()


out = {"versions": {"python": sys.version.split()[0], "numpy": np.__version__, "scipy": scipy.__version__}, "samples": {}}
for name, x in samples.items():
    out["samples"][name] = {
        "x": x,
        "quantiles": [[p, float(np.quantile(x, p, method="linear"))] for p in ps],
        "median": float(np.median(x)),
        "mad": float(stats.median_abs_deviation(x, scale=1)),
        "geometric_mean": float(stats.gmean(x)),
        "median_interval": {str(level): median_interval(x, level) for level in (0.5, 0.9, 0.95, 0.99)},
        "geometric_mean_interval": {str(level): geometric_t_interval(x, level) for level in (0.5, 0.9, 0.95, 0.99)},
        "mean": float(np.mean(x)),
        "mean_interval": {str(level): mean_t_interval(x, level) for level in (0.5, 0.9, 0.95, 0.99)},
    }

# The bootstrap draws other numbers in each program, so both take so many
# resamples that what remains of chance is small beside the tolerance.
x = samples["lognormal30"]
y = rng.lognormal(2.3, 0.5, 40).tolist()
many = dict(n_resamples=200_000, confidence_level=0.95, rng=np.random.default_rng(7))
ratio = lambda a, b, axis: np.median(a, axis=axis) / np.median(b, axis=axis)
out["bootstrap"] = {
    "x": "lognormal30",
    "y": y,
    "mean_percentile": list(stats.bootstrap((x,), np.mean, method="percentile", **many).confidence_interval),
    "mean_bca": list(stats.bootstrap((x,), np.mean, method="BCa", **many).confidence_interval),
    "std_bca": list(stats.bootstrap((x,), np.std, method="BCa", **many).confidence_interval),
    "median_percentile": list(stats.bootstrap((x,), np.median, method="percentile", **many).confidence_interval),
    "ratio_percentile": list(
        stats.bootstrap((x, y), ratio, method="percentile", batch=10_000, **many).confidence_interval
    ),
    "ratio": float(np.median(x) / np.median(y)),
}
out["incomplete_beta"] = [
    [a, b, z, float(special.betainc(a, b, z))]
    for a in (0.5, 1, 2.5, 30, 5000)
    for b in (0.5, 1, 7, 30, 4900)
    for z in (0.001, 0.3, 0.5, 0.502, 0.97)
]
out["student_quantile"] = [
    [p, v, float(stats.t.ppf(p, v))] for p in (0.75, 0.95, 0.975, 0.995) for v in (1, 2, 5, 29, 1000)
]

with open("reference.json", "w") as f:
    json.dump(out, f, indent=1)
    f.write("\n")
