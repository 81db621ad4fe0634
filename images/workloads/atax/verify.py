"""Computes what atax must print, independently of atax.c: by Python's floats, in the order that the definition has."""

import struct


def fold(sum, data):
    for byte in data:
        sum = (sum ^ byte) * 16777619 & 0xFFFFFFFF
    return sum


N, ROUNDS = 400, 30
a = [[(i + 3 * j) % N / N for j in range(N)] for i in range(N)]
x = [1 + i / N for i in range(N)]
for _ in range(ROUNDS):
    ax = []
    for row in a:
        s = 0.0
        for f, v in zip(row, x):
            s += f * v
        ax.append(s)
    y = [0.0] * N
    for row, v in zip(a, ax):
        y = [s + f * v for s, f in zip(y, row)]
    x = [s / (N * N) for s in y]

sum = 2166136261
for row in [y]:
    sum = fold(sum, struct.pack(f"<{len(row)}d", *row))
print(sum)
