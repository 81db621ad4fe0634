"""Computes what regex must print, independently of it: with Python's re."""

import re


def fold(sum, data):
    for byte in data:
        sum = (sum ^ byte) * 16777619 & 0xFFFFFFFF
    return sum


LINES, WIDTH, LETTERS, state = 5000, 64, "abcdef0123 .@-", 2463534242


def letter():
    global state
    state ^= state << 13 & 0xFFFFFFFF
    state ^= state >> 17
    state ^= state << 5 & 0xFFFFFFFF
    return LETTERS[(state >> 8) % len(LETTERS)]


text = ["".join(letter() for _ in range(WIDTH)) for _ in range(LINES)]
patterns = [
    r"[a-c]+d[0-9]*e", r"(ab|ba)+c?[de]0", r"[0-3]+-[0-3]+", r"[a-f]+@[a-f]+\.[a-f]+", r"(a|b)*c(d|e)(f|0)", r"f[^0-9]f..?a",
]
counts = [sum(re.search(p, line) is not None for line in text) for p in patterns]
assert all(0 < n < LINES for n in counts), counts
print(fold(2166136261, b"".join(n.to_bytes(4, "little") for n in counts)))
