"""Computes what mandelbrot must print, independently of mandelbrot.c: by Python's floats, in the order that the definition has."""


def fold(sum, data):
    for byte in data:
        sum = (sum ^ byte) * 16777619 & 0xFFFFFFFF
    return sum


N, ROUNDS = 240, 50


def inside(re, im):
    x = y = 0.0
    for _ in range(ROUNDS):
        if x * x + y * y > 4:
            return "0"
        x, y = x * x - y * y + re, 2 * x * y + im
    return "1"


sum = 2166136261
for i in range(N):
    bits = "".join(inside(2 * j / N - 1.5, 2 * i / N - 1) for j in range(N))
    sum = fold(sum, int(bits, 2).to_bytes(N // 8, "big"))
print(sum)
