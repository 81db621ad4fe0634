// The 32nd Fibonacci number by its definition: calls, and little else.
#include "bench.h"

__attribute__((noinline)) static uint32_t fib(uint32_t n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

uint32_t work(void) {
    volatile uint32_t n = 32; // not known when it is compiled
    return fib(n);
}
