// C = alpha A B + beta C, of matrices of doubles.
#include "bench.h"

enum { N = 280 };

static double a[N][N], b[N][N], c[N][N];

static void fill(void) {
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            a[i][j] = (double)((i * j + 1) % N) / N;
            b[i][j] = (double)((i + 2 * j) % N) / N;
            c[i][j] = (double)((3 * i + j) % N) / N;
        }
    }
}

static void gemm(double alpha, double beta) {
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            c[i][j] *= beta;
        }
        for (int k = 0; k < N; k++) {
            double f = alpha * a[i][k];
            for (int j = 0; j < N; j++) {
                c[i][j] += f * b[k][j];
            }
        }
    }
}

uint32_t work(void) {
    fill();
    gemm(1.5, 1.2);
    uint32_t sum = FOLD_START;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            sum = fold_double(sum, c[i][j]);
        }
    }
    return sum;
}
