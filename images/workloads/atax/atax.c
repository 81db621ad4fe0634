// y = A^T (A x), again and again with y scaled as the next x.
#include "bench.h"

enum { N = 400, ROUNDS = 30 };

static double a[N][N], x[N], ax[N], y[N];

uint32_t work(void) {
    for (int i = 0; i < N; i++) {
        x[i] = 1 + (double)i / N;
        for (int j = 0; j < N; j++) {
            a[i][j] = (double)((i + 3 * j) % N) / N;
        }
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < N; i++) {
            ax[i] = 0;
            for (int j = 0; j < N; j++) {
                ax[i] += a[i][j] * x[j];
            }
        }
        for (int j = 0; j < N; j++) {
            y[j] = 0;
        }
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                y[j] += a[i][j] * ax[i];
            }
        }
        for (int j = 0; j < N; j++) {
            x[j] = y[j] / (N * N);
        }
    }
    uint32_t sum = FOLD_START;
    for (int i = 0; i < N; i++) {
        sum = fold_double(sum, y[i]);
    }
    return sum;
}
