// Gauss-Seidel iteration in two dimensions: each value becomes the mean of the
// nine around it, those before it already new.
#include "bench.h"

enum { N = 120, STEPS = 30 };

static double a[N][N];

uint32_t work(void) {
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            a[i][j] = (double)((i * (j + 2) + 2) % N) / N;
        }
    }
    for (int step = 0; step < STEPS; step++) {
        for (int i = 1; i < N - 1; i++) {
            for (int j = 1; j < N - 1; j++) {
                a[i][j] = (a[i - 1][j - 1] + a[i - 1][j] + a[i - 1][j + 1] + a[i][j - 1] + a[i][j] + a[i][j + 1] +
                           a[i + 1][j - 1] + a[i + 1][j] + a[i + 1][j + 1]) / 9;
            }
        }
    }
    uint32_t sum = FOLD_START;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            sum = fold_double(sum, a[i][j]);
        }
    }
    return sum;
}
