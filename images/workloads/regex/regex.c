// Six regular expressions, each searched for in every line of a text: how many
// lines have it. An expression becomes an automaton with a state for each of its
// characters (Glushkov's construction); sets of states are the bits of a word.
#include "bench.h"

#include <stdlib.h>

enum { LINES = 5000, WIDTH = 64, STATES = 64 };

typedef uint64_t set;

// An expression is what automaton code needs of a part of one: which characters
// it can begin and end with, and whether it matches nothing.
typedef struct {
    set first, last;
    int empty;
} expression;

typedef struct {
    set on[256];      // the states that a character leads to
    set next[STATES]; // the states that may follow each
    int states;
    const char *at; // what is not parsed yet
} automaton;

static expression alternatives(automaton *a);

static void follow(automaton *a, set from, set to) {
    for (int s = 0; s < a->states; s++) {
        if (from >> s & 1) {
            a->next[s] |= to;
        }
    }
}

// class reads what is between brackets and sets which characters it means.
static void class(automaton *a, uint8_t *has) {
    int not = *a->at == '^';
    a->at += not;
    while (*a->at != ']') {
        uint8_t low = *a->at++, high = low;
        if (a->at[0] == '-' && a->at[1] != ']') {
            high = a->at[1];
            a->at += 2;
        }
        for (int c = low; c <= high; c++) {
            has[c] = 1;
        }
    }
    a->at++;
    for (int c = 0; not && c < 256; c++) {
        has[c] = !has[c];
    }
}

static expression atom(automaton *a) {
    if (*a->at == '(') {
        a->at++;
        expression e = alternatives(a);
        a->at++; // the closing one
        return e;
    }
    if (a->states == STATES) {
        abort();
    }
    uint8_t has[256] = {0};
    char c = *a->at++;
    switch (c) {
    case '[':
        class(a, has);
        break;
    case '.':
        for (int i = 0; i < 256; i++) {
            has[i] = 1;
        }
        break;
    case '\\':
        c = *a->at++;
        // fallthrough
    default:
        has[(uint8_t)c] = 1;
    }
    set state = (set)1 << a->states++;
    for (int i = 0; i < 256; i++) {
        a->on[i] |= has[i] ? state : 0;
    }
    return (expression){state, state, 0};
}

static expression repeated(automaton *a) {
    expression e = atom(a);
    for (; *a->at == '*' || *a->at == '+' || *a->at == '?'; a->at++) {
        if (*a->at != '?') {
            follow(a, e.last, e.first);
        }
        e.empty |= *a->at != '+';
    }
    return e;
}

static expression sequence(automaton *a) {
    expression e = {0, 0, 1};
    while (*a->at != 0 && *a->at != '|' && *a->at != ')') {
        expression b = repeated(a);
        follow(a, e.last, b.first);
        e.first |= e.empty ? b.first : 0;
        e.last = b.last | (b.empty ? e.last : 0);
        e.empty &= b.empty;
    }
    return e;
}

static expression alternatives(automaton *a) {
    expression e = sequence(a);
    while (*a->at == '|') {
        a->at++;
        expression b = sequence(a);
        e = (expression){e.first | b.first, e.last | b.last, e.empty | b.empty};
    }
    return e;
}

static int found(const automaton *a, expression e, const char *line) {
    set active = 0;
    for (; *line != 0; line++) {
        set reached = e.first;
        for (; active != 0; active &= active - 1) {
            reached |= a->next[__builtin_ctzll(active)];
        }
        active = reached & a->on[(uint8_t)*line];
        if (active & e.last) {
            return 1;
        }
    }
    return 0;
}

static const char *const patterns[] = {
    "[a-c]+d[0-9]*e", "(ab|ba)+c?[de]0", "[0-3]+-[0-3]+", "[a-f]+@[a-f]+\\.[a-f]+", "(a|b)*c(d|e)(f|0)", "f[^0-9]f..?a",
};
static const char letters[] = "abcdef0123 .@-";

static char text[LINES][WIDTH + 1];
static automaton a;

uint32_t work(void) {
    uint32_t state = 2463534242;
    for (int i = 0; i < LINES; i++) {
        for (int k = 0; k < WIDTH; k++) {
            text[i][k] = letters[(xorshift(&state) >> 8) % (sizeof letters - 1)];
        }
    }
    uint32_t sum = FOLD_START;
    for (int p = 0; p < sizeof patterns / sizeof *patterns; p++) {
        a = (automaton){.at = patterns[p]};
        expression e = alternatives(&a);
        uint32_t lines = 0;
        for (int i = 0; i < LINES; i++) {
            lines += found(&a, e, text[i]);
        }
        sum = fold(sum, lines, 4);
    }
    return sum;
}
