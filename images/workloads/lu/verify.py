"""Computes what lu must print, independently of lu.c: by Python's floats, in the order that the definition has."""

import struct


def fold(sum, data):
    for byte in data:
        sum = (sum ^ byte) * 16777619 & 0xFFFFFFFF
    return sum


N = 280
a = [[float(N) if i == j else (i * j + i + 1) % N / N for j in range(N)] for i in range(N)]
for k in range(N):
    tail = a[k][k + 1 :]
    for row in a[k + 1 :]:
        f = row[k] = row[k] / a[k][k]
        row[k + 1 :] = [x - f * y for x, y in zip(row[k + 1 :], tail)]

sum = 2166136261
for row in a:
    sum = fold(sum, struct.pack(f"<{len(row)}d", *row))
print(sum)
