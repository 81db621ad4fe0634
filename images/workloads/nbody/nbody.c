// Five bodies that attract each other, moved in small steps: velocities first,
// then positions.
#include "bench.h"

#include <math.h>

enum { BODIES = 5, STEPS = 100000 };

typedef struct {
    double at[3], speed[3], mass;
} body;

static const body start[BODIES] = {
    {{0, 0, 0}, {0, 0, 0}, 40},
    {{5, -1, 0.125}, {0.5, 2.75, 0}, 0.04},
    {{8, 4, -0.25}, {-1, 1.75, 0.0625}, 0.01},
    {{13, -15, -0.5}, {1, 0.875, -0.03125}, 0.002},
    {{15, -26, 0.25}, {1, 0.5, -0.0625}, 0.002},
};

static body bodies[BODIES];

static void step(double dt) {
    for (int i = 0; i < BODIES; i++) {
        for (int j = i + 1; j < BODIES; j++) {
            body *a = &bodies[i], *b = &bodies[j];
            double d[3], square = 0;
            for (int k = 0; k < 3; k++) {
                d[k] = a->at[k] - b->at[k];
                square += d[k] * d[k];
            }
            double pull = dt / (square * sqrt(square));
            for (int k = 0; k < 3; k++) {
                a->speed[k] -= d[k] * b->mass * pull;
                b->speed[k] += d[k] * a->mass * pull;
            }
        }
    }
    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++) {
            bodies[i].at[k] += dt * bodies[i].speed[k];
        }
    }
}

uint32_t work(void) {
    for (int i = 0; i < BODIES; i++) {
        bodies[i] = start[i];
    }
    for (int n = 0; n < STEPS; n++) {
        step(0.01);
    }
    uint32_t sum = FOLD_START;
    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++) {
            sum = fold_double(fold_double(sum, bodies[i].at[k]), bodies[i].speed[k]);
        }
    }
    return sum;
}
