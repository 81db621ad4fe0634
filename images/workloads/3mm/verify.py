"""Computes what 3mm must print, independently of 3mm.c: by Python's floats, in the order that the definition has."""

import struct

N = 176


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


ab = multiply(matrix(lambda i, j: i * j + 1), matrix(lambda i, j: i + 2 * j))
cd = multiply(matrix(lambda i, j: 3 * i + j), matrix(lambda i, j: i + j))

sum = 2166136261
for row in multiply(ab, cd):
    sum = fold(sum, struct.pack(f"<{len(row)}d", *row))
print(sum)
