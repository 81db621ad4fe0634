// Text of random letters: a line repeated, then letters drawn by a linear
// congruential generator from two tables of weights, in lines of 60.
#include "bench.h"

enum { LETTERS = 300000, LINE = 60 };

typedef struct {
    char letter;
    double weight;
} choice;

static const choice wide[] = {
    {'a', 0.25}, {'c', 0.125}, {'g', 0.125}, {'t', 0.25}, {'B', 0.03125}, {'D', 0.03125},
    {'H', 0.03125}, {'K', 0.03125}, {'M', 0.03125}, {'N', 0.03125}, {'R', 0.03125}, {'S', 0.03125},
};
static const choice narrow[] = {{'a', 0.3125}, {'c', 0.1875}, {'g', 0.1875}, {'t', 0.3125}};
static const char motif[] = "gattacatagcatcgacctgaagtcctagg";

// A text is letters, counted and summed as they come.
typedef struct {
    uint32_t sum;
    int column;
} text;

static void put(text *t, char letter) {
    t->sum = fold(t->sum, (uint8_t)letter, 1);
    if (++t->column == LINE) {
        t->sum = fold(t->sum, '\n', 1);
        t->column = 0;
    }
}

// draw puts letters of a table, each as often as its weight says.
static void draw(text *t, const choice *table, int letters, uint32_t *state) {
    for (int n = 0; n < letters; n++) {
        *state = (*state * 3877 + 29573) % 139968;
        double at = *state / 139968.0, below = 0;
        const choice *c = table;
        for (below = c->weight; below <= at; below += c->weight) {
            c++;
        }
        put(t, c->letter);
    }
}

uint32_t work(void) {
    text t = {FOLD_START, 0};
    uint32_t state = 42;
    for (int n = 0; n < LETTERS; n++) {
        put(&t, motif[n % (sizeof motif - 1)]);
    }
    draw(&t, wide, LETTERS, &state);
    draw(&t, narrow, LETTERS, &state);
    return t.sum;
}
