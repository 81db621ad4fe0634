"""Computes what image-resize must print, independently of image-resize.c: one colour after the other, rows before columns."""


def fold(sum, data):
    for byte in data:
        sum = (sum ^ byte) * 16777619 & 0xFFFFFFFF
    return sum


state = 2463534242


def grain():
    global state
    state ^= state << 13 & 0xFFFFFFFF
    state ^= state >> 17
    state ^= state << 5 & 0xFFFFFFFF
    return state >> 28


def places(size, of):
    """For each of size pixels: the two it lies between, and how much of 256 of the second."""
    step = (of - 1 << 16) // (size - 1)
    return [(i * step >> 16, min((i * step >> 16) + 1, of - 1), i * step >> 8 & 255) for i in range(size)]


def resize(rows, width, height):
    across, down = places(width, len(rows[0])), places(height, len(rows))
    wide = [[row[a] * (256 - u) + row[b] * u for a, b, u in across] for row in rows]
    return [[p * (256 - v) + q * v + 32768 >> 16 for p, q in zip(wide[a], wide[b])] for a, b, v in down]


noise = [[grain() for _ in range(512)] for _ in range(384)]
channels = []
for of in (lambda x, y, g: x // 4 + g), (lambda x, y, g: y // 3 + g), (lambda x, y, g: (x ^ y) & 255):
    rows = [[of(x, y, g) & 255 for x, g in enumerate(row)] for y, row in enumerate(noise)]
    rows = resize(resize(rows, 300, 225), 512, 384)
    channels.append([p for row in rows for p in row])
print(fold(2166136261, bytes(c for pixel in zip(*channels) for c in pixel)))
