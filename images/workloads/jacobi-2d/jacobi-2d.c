// Jacobi iteration in two dimensions: each value becomes the mean of itself and
// its four neighbours.
#include "bench.h"

enum { N = 160, STEPS = 150 };

static double a[N][N], b[N][N];

static void step(double to[N][N], double from[N][N]) {
    for (int i = 1; i < N - 1; i++) {
        for (int j = 1; j < N - 1; j++) {
            to[i][j] = 0.2 * (from[i][j] + from[i][j - 1] + from[i][j + 1] + from[i - 1][j] + from[i + 1][j]);
        }
    }
}

uint32_t work(void) {
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            a[i][j] = b[i][j] = (double)((i * (j + 2)) % N) / N;
        }
    }
    for (int n = 0; n < STEPS; n++) {
        step(b, a);
        step(a, b);
    }
    uint32_t sum = FOLD_START;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            sum = fold_double(sum, a[i][j]);
        }
    }
    return sum;
}
