"""Computes what cholesky must print, independently of cholesky.c: by Python's floats, in the order that the definition has."""

import math
import struct


def fold(sum, data):
    for byte in data:
        sum = (sum ^ byte) * 16777619 & 0xFFFFFFFF
    return sum


N = 340
a = [[float(N) if i == j else (i + j) % N / N for j in range(i + 1)] for i in range(N)]
for i, row in enumerate(a):
    for j in range(i + 1):
        s = row[j]
        for x, y in zip(row[:j], a[j]):
            s -= x * y
        row[j] = math.sqrt(s) if i == j else s / a[j][j]

sum = 2166136261
for row in a:
    sum = fold(sum, struct.pack(f"<{len(row)}d", *row))
print(sum)
