// q = A p and s = A^T r in one pass, again and again with both scaled.
#include "bench.h"

enum { N = 400, ROUNDS = 30 };

static double a[N][N], p[N], q[N], r[N], s[N];

uint32_t work(void) {
    for (int i = 0; i < N; i++) {
        p[i] = (double)(i % 7) / 7;
        r[i] = (double)(i % 5) / 5;
        for (int j = 0; j < N; j++) {
            a[i][j] = (double)((i * (j + 1)) % N) / N;
        }
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int j = 0; j < N; j++) {
            s[j] = 0;
        }
        for (int i = 0; i < N; i++) {
            q[i] = 0;
            for (int j = 0; j < N; j++) {
                s[j] += r[i] * a[i][j];
                q[i] += a[i][j] * p[j];
            }
        }
        for (int i = 0; i < N; i++) {
            p[i] = q[i] / N;
            r[i] = s[i] / N;
        }
    }
    uint32_t sum = FOLD_START;
    for (int i = 0; i < N; i++) {
        sum = fold_double(fold_double(sum, q[i]), s[i]);
    }
    return sum;
}
