// Jacobi iteration in one dimension: each value becomes the mean of itself and
// its two neighbours.
#include "bench.h"

enum { N = 4000, STEPS = 1000 };

static double a[N], b[N];

uint32_t work(void) {
    for (int i = 0; i < N; i++) {
        a[i] = (double)((i * 7) % 101) / 101;
        b[i] = a[i];
    }
    for (int step = 0; step < STEPS; step++) {
        for (int i = 1; i < N - 1; i++) {
            b[i] = (a[i - 1] + a[i] + a[i + 1]) / 3;
        }
        for (int i = 1; i < N - 1; i++) {
            a[i] = (b[i - 1] + b[i] + b[i + 1]) / 3;
        }
    }
    uint32_t sum = FOLD_START;
    for (int i = 0; i < N; i++) {
        sum = fold_double(sum, a[i]);
    }
    return sum;
}
