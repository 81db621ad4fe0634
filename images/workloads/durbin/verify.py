"""Computes what durbin must print, independently of durbin.c: by Python's floats, in the order that the definition has."""

import struct


def fold(sum, data):
    for byte in data:
        sum = (sum ^ byte) * 16777619 & 0xFFFFFFFF
    return sum


N = 2800
r = [1 / (i + 3) for i in range(N)]
y, alpha, beta = [-r[0]], -r[0], 1.0
for k in range(1, N):
    beta *= 1 - alpha * alpha
    total = r[k]
    for x, v in zip(reversed(r[:k]), y):
        total += x * v
    alpha = -total / beta
    y = [v + alpha * w for v, w in zip(y, reversed(y))] + [alpha]

sum = 2166136261
for row in [y]:
    sum = fold(sum, struct.pack(f"<{len(row)}d", *row))
print(sum)
