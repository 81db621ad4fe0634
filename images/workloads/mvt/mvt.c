// x1 += A y1 and x2 += A^T y2, again and again.
#include "bench.h"

enum { N = 400, ROUNDS = 20 };

static double a[N][N], x1[N], x2[N], y1[N], y2[N];

uint32_t work(void) {
    for (int i = 0; i < N; i++) {
        x1[i] = (double)(i % 3) / 3;
        x2[i] = (double)(i % 11) / 11;
        y1[i] = (double)(i % 13) / 13;
        y2[i] = (double)(i % 17) / 17;
        for (int j = 0; j < N; j++) {
            a[i][j] = (double)((i * j + 5) % N) / N;
        }
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                x1[i] += a[i][j] * y1[j];
            }
        }
        for (int i = 0; i < N; i++) { // by columns: the transpose as its definition has it
            for (int j = 0; j < N; j++) {
                x2[i] += a[j][i] * y2[j];
            }
        }
    }
    uint32_t sum = FOLD_START;
    for (int i = 0; i < N; i++) {
        sum = fold_double(fold_double(sum, x1[i]), x2[i]);
    }
    return sum;
}
