// Fannkuch: over all permutations of 1 to N, in the order of counted rotations,
// how often the first as many elements as the first one says have to be turned
// round until it is 1: the alternating sum, and the most.
#include "bench.h"

enum { N = 9 };

static int32_t turns(const uint8_t *permutation) {
    uint8_t p[N];
    for (int i = 0; i < N; i++) {
        p[i] = permutation[i];
    }
    int32_t n = 0;
    for (; p[0] != 0; n++) {
        for (int i = 0, j = p[0]; i < j; i++, j--) {
            uint8_t t = p[i];
            p[i] = p[j];
            p[j] = t;
        }
    }
    return n;
}

uint32_t work(void) {
    uint8_t p[N];
    int count[N] = {0};
    for (int i = 0; i < N; i++) {
        p[i] = i;
    }
    int32_t sum = 0, most = 0;
    for (uint32_t index = 0;; index++) {
        int32_t n = turns(p);
        sum += index % 2 == 0 ? n : -n;
        most = n > most ? n : most;
        for (int r = 1;; r++) { // rotate the first r + 1, and longer ones when these are through
            if (r == N) {
                return sum * 100 + most;
            }
            uint8_t first = p[0];
            for (int i = 0; i < r; i++) {
                p[i] = p[i + 1];
            }
            p[r] = first;
            if (++count[r] <= r) {
                break;
            }
            count[r] = 0;
        }
    }
}
