"""Computes what 2mm must print, independently of 2mm.c: by Python's floats, in the order that the definition has."""

import struct

N = 192


def fold(sum, data):
    for byte in data:
        sum = (sum ^ byte) * 16777619 & 0xFFFFFFFF
    return sum


def multiply(y, z):
    x = []
    for row in y:
        out = [0.0] * N
        for f, other in zip(row, z):
            out = [s + f * v for s, v in zip(out, other)]
        x.append(out)
    return x


def matrix(f):
    return [[f(i, j) % N / N for j in range(N)] for i in range(N)]


a = [[x * 1.5 for x in row] for row in matrix(lambda i, j: i * j + 1)]
abc = multiply(multiply(a, matrix(lambda i, j: i + 2 * j)), matrix(lambda i, j: 3 * i + j))
d = [[x + 1.2 * y for x, y in zip(*rows)] for rows in zip(abc, matrix(lambda i, j: i + j))]

sum = 2166136261
for row in d:
    sum = fold(sum, struct.pack(f"<{len(row)}d", *row))
print(sum)
