"""Computes what json must print, independently of json.c: with Python's json."""

import json


def fold(sum, data):
    for byte in data:
        sum = (sum ^ byte) * 16777619 & 0xFFFFFFFF
    return sum


WORDS = ["ash", 'birch "white"', "cedar\n", "elm\t", "fir \\ larch", "oak"]
x, chosen = 2463534242, []
for i in range(1500):
    x ^= x << 13 & 0xFFFFFFFF
    x ^= x >> 17
    x ^= x << 5 & 0xFFFFFFFF
    if x >> 3 & 1:
        tags = [WORDS[(x >> 8 + 3 * k) % 6] for k in range((x >> 4) % 4)]
        area = ((x >> 20) - 2048) * (x >> 24)
        chosen.append({"id": i, "name": WORDS[x % 6], "area": area, "tags": tags[::-1]})
text = json.dumps(chosen, separators=(",", ":")).replace("\\t", "\\u0009")
print(fold(2166136261, text.encode() * 8))
