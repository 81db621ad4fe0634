// Complete binary trees, made and thrown away node by node: many small ones to
// few large ones, beside one that lives on.
#include "bench.h"

#include <stdlib.h>

enum { LEAST = 4, MOST = 11 };

typedef struct node {
    struct node *left, *right;
} node;

static node *grow(int depth) {
    node *n = malloc(sizeof *n);
    if (n == 0) {
        abort();
    }
    n->left = depth > 0 ? grow(depth - 1) : 0;
    n->right = depth > 0 ? grow(depth - 1) : 0;
    return n;
}

static uint32_t count(const node *n) { return n == 0 ? 0 : 1 + count(n->left) + count(n->right); }

static void fell(node *n) {
    if (n != 0) {
        fell(n->left);
        fell(n->right);
        free(n);
    }
}

// tree counts the nodes of one that is grown for it.
static uint32_t tree(int depth) {
    node *n = grow(depth);
    uint32_t nodes = count(n);
    fell(n);
    return nodes;
}

uint32_t work(void) {
    uint32_t sum = fold(FOLD_START, tree(MOST + 1), 4);
    node *stays = grow(MOST);
    for (int depth = LEAST; depth <= MOST; depth += 2) {
        uint32_t nodes = 0;
        for (int n = 1 << (MOST - depth + LEAST); n > 0; n--) {
            nodes += tree(depth);
        }
        sum = fold(sum, nodes, 4);
    }
    sum = fold(sum, count(stays), 4);
    fell(stays);
    return sum;
}
