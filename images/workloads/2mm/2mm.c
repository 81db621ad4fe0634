// D = alpha A B C + beta D, as two products of matrices of doubles.
#include "bench.h"

enum { N = 192 };

static double a[N][N], b[N][N], c[N][N], d[N][N], ab[N][N], abc[N][N];

// multiply sets x to the product of y and z.
static void multiply(double x[N][N], double y[N][N], double z[N][N]) {
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            x[i][j] = 0;
        }
        for (int k = 0; k < N; k++) {
            for (int j = 0; j < N; j++) {
                x[i][j] += y[i][k] * z[k][j];
            }
        }
    }
}

uint32_t work(void) {
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            a[i][j] = (double)((i * j + 1) % N) / N * 1.5; // alpha A
            b[i][j] = (double)((i + 2 * j) % N) / N;
            c[i][j] = (double)((3 * i + j) % N) / N;
            d[i][j] = (double)((i + j) % N) / N;
        }
    }
    multiply(ab, a, b);
    multiply(abc, ab, c);
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            d[i][j] = abc[i][j] + 1.2 * d[i][j];
        }
    }
    uint32_t sum = FOLD_START;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            sum = fold_double(sum, d[i][j]);
        }
    }
    return sum;
}
