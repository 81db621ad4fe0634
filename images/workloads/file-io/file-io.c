// A file of 1 MiB, written in blocks of 4 KiB, closed, opened again and read.
// It asks no more of WASI than old runtimes have, that is no seek and no unlink.
#include "bench.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { BLOCKS = 256, BLOCK = 4096 };

static uint8_t block[BLOCK];

// whole ends the program unless all of a block went through.
static void whole(ssize_t n) {
    if (n != BLOCK) {
        abort();
    }
}

static int opened(int flags) {
    int file = open("file-io.tmp", flags, 0600);
    if (file < 0) {
        abort();
    }
    return file;
}

uint32_t work(void) {
    int file = opened(O_WRONLY | O_CREAT | O_TRUNC);
    uint32_t state = 2463534242;
    for (int i = 0; i < BLOCKS; i++) {
        for (int k = 0; k < BLOCK; k++) {
            block[k] = xorshift(&state) >> 24;
        }
        whole(write(file, block, BLOCK));
    }
    close(file);
    file = opened(O_RDONLY);
    uint32_t sum = FOLD_START;
    for (int i = 0; i < BLOCKS; i++) {
        whole(read(file, block, BLOCK));
        for (int k = 0; k < BLOCK; k++) {
            sum = fold(sum, block[k], 1);
        }
    }
    close(file);
    return sum;
}
