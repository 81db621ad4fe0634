"""Runs the verify.py of the workload in a directory, and then checks what that computed by what is
known of it in another way: most of them are the definition that the workload has, too."""

import math
import os
import runpy
import sys
from operator import mul


def dot(x, y):
    return math.fsum(map(mul, x, y))


def by(matrix, x):
    return [dot(row, x) for row in matrix]


def close(got, want):
    """Every number is what is wanted, but for rounding."""
    scale = max(map(abs, want))
    for g, w in zip(got, want, strict=True):
        assert abs(g - w) <= 1e-9 * scale, (g, w)


def parts(f, n):
    return [[f(i, j) % n / n for j in range(n)] for i in range(n)]


def gemm(v):
    """Each element by itself, summed without rounding."""
    n = v["N"]
    a, c, columns = parts(lambda i, j: i * j + 1, n), parts(lambda i, j: 3 * i + j, n), list(zip(*v["b"]))
    for got, row, start in zip(v["c"], a, c, strict=True):
        close(got, [1.2 * x + 1.5 * dot(row, column) for x, column in zip(start, columns)])


def product2(v):
    """D x = 1.5 A (B (C x)) + 1.2 D x, for a vector x: Freivalds' algorithm."""
    n = v["N"]
    a, b, c, d = (parts(f, n) for f in (lambda i, j: i * j + 1, lambda i, j: i + 2 * j, lambda i, j: 3 * i + j, lambda i, j: i + j))
    x = [math.sin(i + 1) for i in range(n)]
    close(by(v["d"], x), [1.5 * y + 1.2 * z for y, z in zip(by(a, by(b, by(c, x))), by(d, x))])


def product3(v):
    """(A B) (C D) x = A (B (C (D x)))."""
    n = v["N"]
    a, b, c, d = (parts(f, n) for f in (lambda i, j: i * j + 1, lambda i, j: i + 2 * j, lambda i, j: 3 * i + j, lambda i, j: i + j))
    x = [math.sin(i + 1) for i in range(n)]
    close(by(v["multiply"](v["ab"], v["cd"]), x), by(a, by(b, by(c, by(d, x)))))


def atax(v):
    """The rounds again, summed without rounding and by columns."""
    n = v["N"]
    columns, x = list(zip(*v["a"])), [1 + i / n for i in range(n)]
    for _ in range(v["ROUNDS"]):
        y = by(columns, by(v["a"], x))
        x = [s / (n * n) for s in y]
    close(v["y"], y)


def bicg(v):
    n = v["N"]
    columns = list(zip(*v["a"]))
    p, r = [i % 7 / 7 for i in range(n)], [i % 5 / 5 for i in range(n)]
    for _ in range(v["ROUNDS"]):
        q, s = by(v["a"], p), by(columns, r)
        p, r = [x / n for x in q], [x / n for x in s]
    close(v["q"], q)
    close(v["s"], s)


def mvt(v):
    """Each round adds the same product."""
    for x, start, rows, y in ("x1", 3, v["a"], "y1"), ("x2", 11, list(zip(*v["a"])), "y2"):
        close(v[x], [i % start / start + v["ROUNDS"] * dot(row, v[y]) for i, row in enumerate(rows)])


def lu(v):
    """L U is the matrix."""
    n, m = v["N"], v["a"]
    columns = list(zip(*m))
    for i, row in enumerate(m):
        want = [float(n) if i == j else (i * j + i + 1) % n / n for j in range(n)]
        close([dot(row[: min(i, j + 1)], columns[j][: min(i, j + 1)]) + (row[j] if i <= j else 0) for j in range(n)], want)


def cholesky(v):
    """L L^T is the matrix."""
    n, m = v["N"], v["a"]
    for i, row in enumerate(m):
        close([dot(row, m[j]) for j in range(i + 1)], [float(n) if i == j else (i + j) % n / n for j in range(i + 1)])


def durbin(v):
    """The solution solves the Yule-Walker equations."""
    n, r, y = v["N"], v["r"], v["y"]
    band = r[n - 2 :: -1] + [1.0] + r[: n - 1]
    close([dot(band[n - 1 - i : 2 * n - 1 - i], y) for i in range(n)], [-x for x in r])


def nbody(v):
    """Momentum and angular momentum stay the same, and but for the size of a step the energy."""
    start = [
        ((0, 0, 0), (0, 0, 0), 40),
        ((5, -1, 0.125), (0.5, 2.75, 0), 0.04),
        ((8, 4, -0.25), (-1, 1.75, 0.0625), 0.01),
        ((13, -15, -0.5), (1, 0.875, -0.03125), 0.002),
        ((15, -26, 0.25), (1, 0.5, -0.0625), 0.002),
    ]

    def momenta(bodies):
        yield from (math.fsum(m * u[k] for _, u, m in bodies) for k in range(3))
        yield from (math.fsum(m * (x[k - 2] * u[k - 1] - x[k - 1] * u[k - 2]) for x, u, m in bodies) for k in range(3))

    def energy(bodies):
        moving = sum(m * dot(u, u) / 2 for _, u, m in bodies)
        return moving - sum(m * n / math.dist(x, y) for i, (x, _, m) in enumerate(bodies) for y, _, n in bodies[:i])

    close(list(momenta(v["bodies"])), list(momenta(start)))
    assert abs(energy(v["bodies"]) / energy(start) - 1) < 0.01, (energy(v["bodies"]), energy(start))


def mandelbrot(v):
    """The set is symmetric, its two largest parts have equations, and its area is 1.5066: after few rounds it is more."""
    n, count = v["N"], 0
    for i in range(n):
        for j in range(n):
            x, y = 2 * j / n - 1.5, 2 * i / n - 1
            bit = v["inside"](x, y)
            count += bit == "1"
            assert bit == v["inside"](x, -y), (x, y)
            q = (x - 0.25) ** 2 + y * y
            if q * (q + x - 0.25) < y * y / 4 or (x + 1) ** 2 + y * y < 1 / 16:
                assert bit == "1", (x, y)
    assert 1.5066 < 4 * count / (n * n) < 1.6, 4 * count / (n * n)


def jacobi1(v):
    """Each wave fades by a factor of its own, over the line between the fixed ends."""
    n, steps = v["N"] - 1, 2 * v["STEPS"]
    sine = [math.sin(math.pi * i / n) for i in range(2 * n)]
    start = [i * 7 % 101 / 101 for i in range(n + 1)]
    line = [start[0] + (start[-1] - start[0]) * i / n for i in range(n + 1)]
    want = line[:]
    for k in range(1, n):
        fades = ((1 + 2 * math.cos(math.pi * k / n)) / 3) ** steps
        if fades > 1e-20:
            wave = [sine[k * i % (2 * n)] for i in range(n + 1)]
            size = 2 / n * fades * (dot(start, wave) - dot(line, wave))
            want = [x + size * w for x, w in zip(want, wave)]
    close(v["a"], want)


def smoothed(start):
    """The edge stays, and all else becomes smoother without leaving what there was; its mean hardly moves."""

    def roughness(a):
        return max(abs(up[j] + down[j] + here[j - 1] + here[j + 1] - 4 * here[j]) for up, here, down in zip(a, a[1:], a[2:]) for j in range(1, len(here) - 1))

    def check(v):
        n, a = v["N"], v["a"]
        was = parts(start, n)
        for got, want in (a[0], was[0]), (a[-1], was[-1]), ([r[0] for r in a], [r[0] for r in was]), ([r[-1] for r in a], [r[-1] for r in was]):
            assert list(got) == list(want)
        assert all(0 <= x < 1 for row in a for x in row) and roughness([r[9:-9] for r in a[9:-9]]) < roughness(was) / 100
        assert abs(sum(map(sum, a)) - sum(map(sum, was))) < 0.05 * n * n, (sum(map(sum, a)), sum(map(sum, was)))

    return check


checks = {
    "2mm": product2,
    "3mm": product3,
    "atax": atax,
    "bicg": bicg,
    "cholesky": cholesky,
    "durbin": durbin,
    "gemm": gemm,
    "jacobi-1d": jacobi1,
    "jacobi-2d": smoothed(lambda i, j: i * (j + 2)),
    "lu": lu,
    "mandelbrot": mandelbrot,
    "mvt": mvt,
    "nbody": nbody,
    "seidel-2d": smoothed(lambda i, j: i * (j + 2) + 2),
}

folder = sys.argv[1]
computed = runpy.run_path(os.path.join(folder, "verify.py"))
if check := checks.get(os.path.basename(folder)):
    check(computed)
