// The shortest paths between all pairs of a graph's nodes, in integers.
#include "bench.h"

enum { N = 180, FAR = 1000000 };

static int32_t d[N][N];

uint32_t work(void) {
    uint32_t state = 2463534242;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            uint32_t x = xorshift(&state);
            d[i][j] = i == j ? 0 : x % 8 == 0 ? 1 + x / 8 % 1000 : FAR; // one edge of eight is there
        }
    }
    for (int k = 0; k < N; k++) {
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++) {
                int32_t by = d[i][k] + d[k][j];
                if (by < d[i][j]) {
                    d[i][j] = by;
                }
            }
        }
    }
    uint32_t sum = FOLD_START;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
            sum = fold(sum, d[i][j], 4);
        }
    }
    return sum;
}
