"""Computes what crc32 must print, independently of crc32.c: with Python's zlib."""

import struct
import zlib

x, words = 2463534242, []
for _ in range(512 * 1024):
    x ^= x << 13 & 0xFFFFFFFF
    x ^= x >> 17
    x ^= x << 5 & 0xFFFFFFFF
    words.append(x)
print(zlib.crc32(struct.pack(f"<{len(words)}I", *words)))
