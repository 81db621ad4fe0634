"""Computes what fib must print, independently of fib.c: by addition."""

a, b = 0, 1
for _ in range(32):
    a, b = b, a + b
print(a)
