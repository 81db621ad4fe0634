"""Computes what sha256 must print, independently of sha256.c: with Python's hashlib."""

import hashlib

x, data = 2463534242, bytearray()
for _ in range(1 << 19):
    x ^= x << 13 & 0xFFFFFFFF
    x ^= x >> 17
    x ^= x << 5 & 0xFFFFFFFF
    data.append(x >> 24)
print(int.from_bytes(hashlib.sha256(data).digest()[:4], "big"))
