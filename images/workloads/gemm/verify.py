"""Computes what gemm must print, independently of gemm.c: by Python's floats, in the order that the definition has."""

import struct


def fold(sum, data):
    for byte in data:
        sum = (sum ^ byte) * 16777619 & 0xFFFFFFFF
    return sum


N, ALPHA, BETA = 280, 1.5, 1.2
b = [[(i + 2 * j) % N / N for j in range(N)] for i in range(N)]
c = [[(3 * i + j) % N / N * BETA for j in range(N)] for i in range(N)]
for i in range(N):
    for k in range(N):
        f = ALPHA * ((i * k + 1) % N / N)
        c[i] = [x + f * y for x, y in zip(c[i], b[k])]

sum = 2166136261
for row in c:
    sum = fold(sum, struct.pack(f"<{len(row)}d", *row))
print(sum)
