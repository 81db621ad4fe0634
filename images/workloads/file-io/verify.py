"""Computes what file-io must print, independently of file-io.c."""


def fold(sum, data):
    for byte in data:
        sum = (sum ^ byte) * 16777619 & 0xFFFFFFFF
    return sum


x, data = 2463534242, bytearray()
for _ in range(1 << 20):
    x ^= x << 13 & 0xFFFFFFFF
    x ^= x >> 17
    x ^= x << 5 & 0xFFFFFFFF
    data.append(x >> 24)
print(fold(2166136261, data))
