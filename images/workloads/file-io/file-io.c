// A file of 1 MiB, written in blocks of 4 KiB, read backwards, and removed.
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

uint32_t work(void) {
    int file = open("file-io.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file < 0) {
        abort();
    }
    uint32_t state = 2463534242;
    for (int i = 0; i < BLOCKS; i++) {
        for (int k = 0; k < BLOCK; k++) {
            block[k] = xorshift(&state) >> 24;
        }
        whole(write(file, block, BLOCK));
    }
    uint32_t sum = FOLD_START;
    for (int i = BLOCKS - 1; i >= 0; i--) {
        if (lseek(file, (off_t)i * BLOCK, SEEK_SET) < 0) {
            abort();
        }
        whole(read(file, block, BLOCK));
        for (int k = 0; k < BLOCK; k++) {
            sum = fold(sum, block[k], 1);
        }
    }
    if (close(file) != 0 || unlink("file-io.tmp") != 0) {
        abort();
    }
    return sum;
}
