"""Computes what binary-trees must print, independently of binary-trees.c: a complete tree has 2^(depth+1)-1 nodes."""


def fold(sum, data):
    for byte in data:
        sum = (sum ^ byte) * 16777619 & 0xFFFFFFFF
    return sum


LEAST, MOST = 4, 11
counts = [2 ** (MOST + 2) - 1]
for depth in range(LEAST, MOST + 1, 2):
    counts.append(2 ** (MOST - depth + LEAST) * (2 ** (depth + 1) - 1))
counts.append(2 ** (MOST + 1) - 1)
print(fold(2166136261, b"".join(n.to_bytes(4, "little") for n in counts)))
