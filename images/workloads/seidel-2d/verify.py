"""Computes what seidel-2d must print, independently of seidel-2d.c: by Python's floats, in the order that the definition has."""

import struct


def fold(sum, data):
    for byte in data:
        sum = (sum ^ byte) * 16777619 & 0xFFFFFFFF
    return sum


N, STEPS = 120, 30
a = [[(i * (j + 2) + 2) % N / N for j in range(N)] for i in range(N)]
for _ in range(STEPS):
    for up, here, down in zip(a, a[1:], a[2:]):
        for j in range(1, N - 1):
            total = 0.0
            for row in up, here, down:
                for value in row[j - 1 : j + 2]:
                    total += value
            here[j] = total / 9

sum = 2166136261
for row in a:
    sum = fold(sum, struct.pack(f"<{len(row)}d", *row))
print(sum)
