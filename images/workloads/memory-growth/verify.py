"""Computes what memory-growth must print, independently of memory-growth.c."""


def fold(sum, data):
    for byte in data:
        sum = (sum ^ byte) * 16777619 & 0xFFFFFFFF
    return sum


print(fold(2166136261, bytes((block + page) % 256 for block in range(256) for page in range(16))))
