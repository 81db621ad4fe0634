"""Computes what jacobi-2d must print, independently of jacobi-2d.c: by Python's floats, in the order that the definition has."""

import struct


def fold(sum, data):
    for byte in data:
        sum = (sum ^ byte) * 16777619 & 0xFFFFFFFF
    return sum


N, STEPS = 160, 150
a = [[i * (j + 2) % N / N for j in range(N)] for i in range(N)]
for _ in range(2 * STEPS):
    inner = [
        [0.2 * (m + l + r + u + d) for m, l, r, u, d in zip(here[1:], here, here[2:], up[1:], down[1:-1])]
        for up, here, down in zip(a, a[1:], a[2:])
    ]
    for row, new in zip(a[1:], inner):
        row[1:-1] = new

sum = 2166136261
for row in a:
    sum = fold(sum, struct.pack(f"<{len(row)}d", *row))
print(sum)
