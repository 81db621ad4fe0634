"""Writes inference.json: hierarchies, ratios, tests, power and changes of level
as NumPy, SciPy, statsmodels and ruptures have them, or by other formulas than
the package's. Run it in this directory: python inference.py"""

import json

import numpy as np
import ruptures
import scipy
import statsmodels
from scipy import optimize, stats
from statsmodels.stats.multitest import multipletests

rng = np.random.default_rng(20261126)
out = {"versions": {m.__name__: m.__version__ for m in (np, scipy, statsmodels, ruptures)}}


def nested(runs, invocations, calls):
    return (
        10
        + rng.normal(0, 1, (runs, 1, 1))
        + rng.normal(0, 0.5, (runs, invocations, 1))
        + rng.normal(0, 0.2, (runs, invocations, calls))
    )


def components(x):
    """By the mean squares of the nested analysis of variance."""
    a, b, c = x.shape
    inner = ((x - x.mean(2, keepdims=True)) ** 2).sum() / (a * b * (c - 1))
    middle = c * ((x.mean(2) - x.mean((1, 2))[:, None]) ** 2).sum() / (a * (b - 1))
    outer = b * c * ((x.mean((1, 2)) - x.mean()) ** 2).sum() / (a - 1)
    return [(outer - middle) / (b * c), (middle - inner) / c, inner]


def half(x, level):
    means = x.mean((1, 2))
    return stats.t.ppf((1 + level) / 2, len(means) - 1) * stats.sem(means)


def fieller(x, y, level):
    """The roots of (mx - r my)^2 = hx^2 + r^2 hy^2."""
    hx, hy, mx, my = half(x, level), half(y, level), x.mean(), y.mean()
    return sorted(np.roots([my**2 - hy**2, -2 * mx * my, mx**2 - hx**2]).real.tolist())


x, y = nested(7, 4, 5), nested(6, 3, 8) * 1.2
costs = [20.0, 3.0, 0.1]
t = components(x)
out["nested"] = {
    "x": x.tolist(),
    "y": y.tolist(),
    "mean": x.mean(),
    "variances": t,
    "interval": [x.mean() - half(x, 0.95), x.mean() + half(x, 0.95)],
    "ratio": x.mean() / y.mean(),
    "ratio_interval": fieller(x, y, 0.95),
    "costs": costs,
    "repetitions": [int(np.ceil(np.sqrt(costs[i - 1] / costs[i] * t[i] / t[i - 1]))) for i in (1, 2)],
}

out["pairs"] = []
for nx, ny, ratio, sx, sy in ((6, 6, 1.0, 0.1, 0.1), (5, 12, 1.3, 0.4, 0.05), (30, 30, 1.01, 0.02, 0.03), (3, 3, 1.0, 0.1, 0.2)):
    a, b = rng.lognormal(np.log(ratio), sx, nx), rng.lognormal(0, sy, ny)
    test = stats.ttest_ind(np.log(a), np.log(b), equal_var=False)
    d, freedom = np.log(a).mean() - np.log(b).mean(), min(nx, ny) - 1
    error = d / test.statistic
    reach = stats.t.ppf(0.975, freedom) * error
    out["pairs"].append(
        {
            "x": a.tolist(),
            "y": b.tolist(),
            "ratio": float(stats.gmean(a) / stats.gmean(b)),
            "interval": np.exp([d - reach, d + reach]).tolist(),
            "difference": float(2 * stats.t.sf(abs(test.statistic), freedom)),
            "equivalence": {
                str(m): float(stats.t.sf((np.log(m) - abs(d)) / error, freedom)) for m in (1.01, 1.05, 1.5)
            },
        }
    )

suite = [(np.array(p["x"]), np.array(p["y"])) for p in out["pairs"][:3]]
v = [(np.log(s).var(ddof=1) / len(s), len(s)) for pair in suite for s in pair]
total = sum(a for a, _ in v)
log = np.mean([np.log(a).mean() - np.log(b).mean() for a, b in suite])
most = sum(min(len(a), len(b)) - 1 for a, b in suite)
reach = stats.t.ppf(0.975, min(most, total**2 / sum(a * a / (n - 1) for a, n in v))) * np.sqrt(total) / len(suite)
out["suite"] = {"ratio": float(np.exp(log)), "interval": np.exp([log - reach, log + reach]).tolist()}

p = [0.01, 0.04, 0.03, 0.005, 0.9, 0.03]
out["holm"] = {"p": p, "adjusted": multipletests(p, method="holm")[1].tolist()}


def power(effect, n, alpha):
    """Of the test with n - 1 degrees of freedom where both sides vary alike."""
    critical, shift = stats.t.ppf(1 - alpha / 2, n - 1), effect * np.sqrt(n / 2)
    return stats.nct.sf(critical, 2 * (n - 1), shift) + np.nan_to_num(stats.nct.cdf(-critical, 2 * (n - 1), shift))


out["detectable"] = [
    [n, s, alpha, wanted, float(np.exp(s * optimize.brentq(lambda e: power(e, n, alpha) - wanted, 1e-6, 30 / np.sqrt(n))))]
    for n in (3, 6, 10, 30, 200)
    for s, alpha, wanted in ((0.05, 0.05, 0.8), (0.2, 0.01, 0.9))
]

series = {
    "flat": rng.lognormal(0, 0.1, 60),
    "outlier": np.concatenate([rng.lognormal(0, 0.1, 30), [40.0], rng.lognormal(0, 0.1, 29)]),
    "seven": np.concatenate([rng.lognormal(0.5, 0.1, 7), rng.lognormal(0, 0.1, 53)]),
    "steps": np.concatenate([rng.lognormal(m, 0.2, 40) for m in (1, 0.4, 0)]),
    "ties": np.round(np.concatenate([rng.normal(12, 1, 25), rng.normal(9, 1, 75)])),
    "slower": np.concatenate([rng.lognormal(0, 0.1, 50), rng.lognormal(0.3, 0.1, 50)]),
    "late": np.concatenate([rng.lognormal(0, 0.1, 90), rng.lognormal(0.5, 0.1, 10)]),
    "long": np.concatenate([rng.lognormal(0.1, 0.3, 400), rng.lognormal(0, 0.3, 1600)]),
}
out["changes"] = {}
for name, x in series.items():
    z = stats.norm.ppf((stats.rankdata(x) - 0.5) / len(x))
    pelt = ruptures.Pelt(model="l2", min_size=1, jump=1).fit(z)
    out["changes"][name] = {"x": x.tolist(), "at": pelt.predict(pen=2 * np.log(len(x)) + 1)[:-1]}

json.dump(out, open("inference.json", "w"), indent=1)
