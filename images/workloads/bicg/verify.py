"""Computes what bicg must print, independently of bicg.c: by Python's floats, in the order that the definition has."""

import struct


def fold(sum, data):
    for byte in data:
        sum = (sum ^ byte) * 16777619 & 0xFFFFFFFF
    return sum


N, ROUNDS = 400, 30
a = [[i * (j + 1) % N / N for j in range(N)] for i in range(N)]
p = [i % 7 / 7 for i in range(N)]
r = [i % 5 / 5 for i in range(N)]
for _ in range(ROUNDS):
    q, s = [], [0.0] * N
    for row, f in zip(a, r):
        s = [x + f * y for x, y in zip(s, row)]
        t = 0.0
        for x, y in zip(row, p):
            t += x * y
        q.append(t)
    p, r = [x / N for x in q], [x / N for x in s]

sum = 2166136261
for row in zip(q, s):
    sum = fold(sum, struct.pack(f"<{len(row)}d", *row))
print(sum)
