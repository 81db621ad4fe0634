// The LU decomposition of a matrix in place, without pivoting: its diagonal is
// larger than all else in its row.
#include "bench.h"

enum { N = 280 };

static double a[N][N];

uint32_t work(void) {
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            a[i][j] = i == j ? N : (double)((i * j + i + 1) % N) / N;
        }
    }
    for (int k = 0; k < N; k++) {
        for (int i = k + 1; i < N; i++) {
            a[i][k] /= a[k][k];
            for (int j = k + 1; j < N; j++) {
                a[i][j] -= a[i][k] * a[k][j];
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
