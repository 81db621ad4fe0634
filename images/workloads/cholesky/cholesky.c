// The Cholesky decomposition L L^T of a symmetric matrix in place, by rows.
#include "bench.h"

#include <math.h>

enum { N = 340 };

static double a[N][N];

uint32_t work(void) {
    for (int i = 0; i < N; i++) {
        for (int j = 0; j <= i; j++) {
            a[i][j] = i == j ? N : (double)((i + j) % N) / N;
        }
    }
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < i; j++) {
            for (int k = 0; k < j; k++) {
                a[i][j] -= a[i][k] * a[j][k];
            }
            a[i][j] /= a[j][j];
        }
        for (int k = 0; k < i; k++) {
            a[i][i] -= a[i][k] * a[i][k];
        }
        a[i][i] = sqrt(a[i][i]);
    }
    uint32_t sum = FOLD_START;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j <= i; j++) {
            sum = fold_double(sum, a[i][j]);
        }
    }
    return sum;
}
