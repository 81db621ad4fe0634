// The Mandelbrot set between -1.5-i and 0.5+i, as a bitmap of N by N.
#include "bench.h"

enum { N = 240, ROUNDS = 50 };

// inside reports whether z = z^2 + c stays within 2 of 0 for all rounds.
static int inside(double re, double im) {
    double x = 0, y = 0;
    for (int n = 0; n < ROUNDS; n++) {
        double xx = x * x, yy = y * y;
        if (xx + yy > 4) {
            return 0;
        }
        y = 2 * x * y + im;
        x = xx - yy + re;
    }
    return 1;
}

uint32_t work(void) {
    uint32_t sum = FOLD_START;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j += 8) {
            uint32_t bits = 0;
            for (int k = 0; k < 8; k++) {
                bits = bits << 1 | inside(2.0 * (j + k) / N - 1.5, 2.0 * i / N - 1);
            }
            sum = fold(sum, bits, 1);
        }
    }
    return sum;
}
