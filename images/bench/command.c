// The command of a workload: it prints the answer. Asked by ASSAY_CALLS, it
// does the work so many times and reports how long each call took.
#include "bench.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void put(int file, const char *text, size_t size) {
    while (size > 0) {
        ssize_t n = write(file, text, size);
        if (n <= 0) {
            _Exit(1);
        }
        text += n;
        size -= n;
    }
}

// put_line writes label, value in decimal and a line end.
static void put_line(int file, const char *label, uint64_t value) {
    char line[64];
    char *end = line + sizeof line, *at = end;
    *--at = '\n';
    do {
        *--at = '0' + value % 10;
        value /= 10;
    } while (value > 0);
    size_t size = 0;
    while (label[size] != 0) {
        size++;
    }
    while (size > 0) {
        *--at = label[--size];
    }
    put(file, at, end - at);
}

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

int main(void) {
    const char *asked = getenv("ASSAY_CALLS");
    if (asked == 0) {
        put_line(1, "", work());
        return 0;
    }
    long calls = strtol(asked, 0, 10);
    uint64_t *ns = calls > 0 ? malloc(calls * sizeof *ns) : 0;
    if (ns == 0) {
        return 1;
    }
    uint32_t answer = 0;
    for (long i = 0; i < calls; i++) {
        uint64_t start = now();
        uint32_t got = work();
        ns[i] = now() - start;
        if (i > 0 && got != answer) {
            return 1;
        }
        answer = got;
    }
    put_line(1, "", answer);
    for (long i = 0; i < calls; i++) {
        put_line(2, "assay-call ", ns[i]);
    }
    return 0;
}
