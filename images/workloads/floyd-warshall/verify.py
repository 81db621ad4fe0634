"""Computes what floyd-warshall must print, independently of floyd-warshall.c: by Dijkstra's algorithm, from each node."""

import heapq
import struct

N, FAR, state = 180, 1000000, 2463534242


def xorshift():
    global state
    state ^= state << 13 & 0xFFFFFFFF
    state ^= state >> 17
    state ^= state << 5 & 0xFFFFFFFF
    return state


def fold(sum, data):
    for byte in data:
        sum = (sum ^ byte) * 16777619 & 0xFFFFFFFF
    return sum


edges = [{} for _ in range(N)]
for i in range(N):
    for j in range(N):
        x = xorshift()
        if i != j and x % 8 == 0:
            edges[i][j] = 1 + x // 8 % 1000


def distances(start):
    found, heap = {}, [(0, start)]
    while heap:
        d, node = heapq.heappop(heap)
        if node not in found:
            found[node] = d
            for to, length in edges[node].items():
                heapq.heappush(heap, (d + length, to))
    return [found.get(node, FAR) for node in range(N)]


sum = 2166136261
for i in range(N):
    sum = fold(sum, struct.pack(f"<{N}i", *distances(i)))
print(sum)
