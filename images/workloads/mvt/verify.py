"""Computes what mvt must print, independently of mvt.c: by Python's floats, in the order that the definition has."""

import struct


def fold(sum, data):
    for byte in data:
        sum = (sum ^ byte) * 16777619 & 0xFFFFFFFF
    return sum


N, ROUNDS = 400, 20
a = [[(i * j + 5) % N / N for j in range(N)] for i in range(N)]
columns = list(zip(*a))
x1, x2, y1, y2 = ([i % n / n for i in range(N)] for n in (3, 11, 13, 17))
for _ in range(ROUNDS):
    for x, rows, y in (x1, a, y1), (x2, columns, y2):
        for i, row in enumerate(rows):
            s = x[i]
            for f, v in zip(row, y):
                s += f * v
            x[i] = s

sum = 2166136261
for row in zip(x1, x2):
    sum = fold(sum, struct.pack(f"<{len(row)}d", *row))
print(sum)
