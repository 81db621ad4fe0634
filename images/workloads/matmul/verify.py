"""Computes what matmul must print, independently of main.go: Python's integers and zlib's CRC-32."""

import struct
import zlib

N, ROUNDS, STATE = 192, 2, 2463534242


def xorshift(x):
    x ^= x << 13 & 0xFFFFFFFF
    x ^= x >> 17
    x ^= x << 5 & 0xFFFFFFFF
    return x


def fill():
    global STATE
    rows = []
    for _ in range(N):
        row = []
        for _ in range(N):
            STATE = xorshift(STATE)
            row.append(STATE)
        rows.append(row)
    return rows


a, b = fill(), fill()
columns = list(zip(*b))
for _ in range(ROUNDS):
    a = [[sum(x * y for x, y in zip(row, column)) & 0xFFFFFFFF for column in columns] for row in a]
print(f"{zlib.crc32(b''.join(struct.pack(f'<{N}I', *row) for row in a)):08x}")
