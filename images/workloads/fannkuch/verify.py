"""Computes what fannkuch must print, independently of fannkuch.c: by recursion. The benchmark's
published results for 9 are the checksum 8629 and 30 turns at most."""

N = 9


def permutations(head, n):
    """All rotations of the first n elements, each with all of those of fewer."""
    if n == 1:
        yield head
        return
    for _ in range(n):
        yield from permutations(head, n - 1)
        head = head[1:n] + head[:1] + head[n:]


def turns(p):
    n = 0
    while p[0] != 1:
        p = p[: p[0]][::-1] + p[p[0] :]
        n += 1
    return n


counts = [turns(p) for p in permutations(list(range(1, N + 1)), N)]
sum, most = sum(counts[::2]) - sum(counts[1::2]), max(counts)
assert (sum, most) == (8629, 30)
print(sum * 100 + most)
