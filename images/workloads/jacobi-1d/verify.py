"""Computes what jacobi-1d must print, independently of jacobi-1d.c: by Python's floats, in the order that the definition has."""

import struct


def fold(sum, data):
    for byte in data:
        sum = (sum ^ byte) * 16777619 & 0xFFFFFFFF
    return sum


N, STEPS = 4000, 1000
a = [i * 7 % 101 / 101 for i in range(N)]
for _ in range(2 * STEPS):
    a[1:-1] = [(x + y + z) / 3 for x, y, z in zip(a, a[1:], a[2:])]

sum = 2166136261
for row in [a]:
    sum = fold(sum, struct.pack(f"<{len(row)}d", *row))
print(sum)
