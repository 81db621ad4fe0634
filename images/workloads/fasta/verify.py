"""Computes what fasta must print, independently of fasta.c: by bisection of the sums of the weights."""

import bisect
import itertools


def fold(sum, data):
    for byte in data:
        sum = (sum ^ byte) * 16777619 & 0xFFFFFFFF
    return sum


LETTERS, LINE, state = 300000, 60, 42


def draw(letters, weights):
    global state
    bounds = list(itertools.accumulate(weights))
    for _ in range(LETTERS):
        state = (state * 3877 + 29573) % 139968
        yield letters[bisect.bisect_right(bounds, state / 139968)]


motif = "gattacatagcatcgacctgaagtcctagg"
text = (motif * (LETTERS // len(motif) + 1))[:LETTERS]
text += "".join(draw("acgtBDHKMNRS", [0.25, 0.125, 0.125, 0.25] + [0.03125] * 8))
text += "".join(draw("acgt", [0.3125, 0.1875, 0.1875, 0.3125]))
lines = "".join(text[i : i + LINE] + "\n" for i in range(0, len(text), LINE))
print(fold(2166136261, lines.encode()))
