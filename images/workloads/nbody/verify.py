"""Computes what nbody must print, independently of nbody.c: by Python's floats, in the order that the definition has."""

import itertools
import math
import struct


def fold(sum, data):
    for byte in data:
        sum = (sum ^ byte) * 16777619 & 0xFFFFFFFF
    return sum


DT, STEPS = 0.01, 100000
bodies = [
    ([0, 0, 0], [0, 0, 0], 40),
    ([5, -1, 0.125], [0.5, 2.75, 0], 0.04),
    ([8, 4, -0.25], [-1, 1.75, 0.0625], 0.01),
    ([13, -15, -0.5], [1, 0.875, -0.03125], 0.002),
    ([15, -26, 0.25], [1, 0.5, -0.0625], 0.002),
]
pairs = list(itertools.combinations(bodies, 2))
for _ in range(STEPS):
    for ((ax, ay, az), u, m), ((bx, by, bz), v, n) in pairs:
        x, y, z = ax - bx, ay - by, az - bz
        square = x * x + y * y + z * z
        pull = DT / (square * math.sqrt(square))
        u[0] -= x * n * pull
        u[1] -= y * n * pull
        u[2] -= z * n * pull
        v[0] += x * m * pull
        v[1] += y * m * pull
        v[2] += z * m * pull
    for at, speed, _ in bodies:
        for k in range(3):
            at[k] += DT * speed[k]

sum = 2166136261
for row in (pair for at, speed, _ in bodies for pair in zip(at, speed)):
    sum = fold(sum, struct.pack(f"<{len(row)}d", *row))
print(sum)
