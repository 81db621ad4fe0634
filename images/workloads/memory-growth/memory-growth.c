// 16 MiB of memory, asked for in blocks of 64 KiB and written to in every page
// of 4 KiB. The first call in an instance grows its memory; what later calls
// take was freed by those before.
#include "bench.h"

#include <stdlib.h>

enum { BLOCKS = 256, BLOCK = 64 << 10, PAGE = 4 << 10 };

static volatile uint8_t *blocks[BLOCKS];

uint32_t work(void) {
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(BLOCK);
        if (blocks[i] == 0) {
            abort();
        }
        for (int at = 0; at < BLOCK; at += PAGE) {
            blocks[i][at] = i + at / PAGE;
        }
    }
    uint32_t sum = FOLD_START;
    for (int i = 0; i < BLOCKS; i++) {
        for (int at = 0; at < BLOCK; at += PAGE) {
            sum = fold(sum, blocks[i][at], 1);
        }
        free((void *)blocks[i]);
    }
    return sum;
}
