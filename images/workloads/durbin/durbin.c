// The Levinson-Durbin recursion: the solution of the Yule-Walker equations of a
// symmetric Toeplitz matrix, whose first row is 1, 1/3, 1/4, 1/5, ...
#include "bench.h"

enum { N = 2800 };

static double r[N], y[N], z[N];

uint32_t work(void) {
    for (int i = 0; i < N; i++) {
        r[i] = 1 / (double)(i + 3);
    }
    y[0] = -r[0];
    double alpha = -r[0], beta = 1;
    for (int k = 1; k < N; k++) {
        beta *= 1 - alpha * alpha;
        double sum = r[k];
        for (int i = 0; i < k; i++) {
            sum += r[k - 1 - i] * y[i];
        }
        alpha = -sum / beta;
        for (int i = 0; i < k; i++) {
            z[i] = y[i] + alpha * y[k - 1 - i];
        }
        for (int i = 0; i < k; i++) {
            y[i] = z[i];
        }
        y[k] = alpha;
    }
    uint32_t sum = FOLD_START;
    for (int i = 0; i < N; i++) {
        sum = fold_double(sum, y[i]);
    }
    return sum;
}
