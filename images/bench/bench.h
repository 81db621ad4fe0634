// What a C workload of assay is written against.
#ifndef ASSAY_BENCH_H
#define ASSAY_BENCH_H

#include <stdint.h>

// work does the workload's work once and returns its answer. It is called any
// number of times, one after another, and gives the same answer each time.
uint32_t work(void);

// fold adds value to a checksum: FNV-1a over its bytes, the lowest first.
// FOLD_START is the checksum of nothing.
#define FOLD_START 2166136261u
static inline uint32_t fold(uint32_t sum, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) {
        sum = (sum ^ (uint8_t)(value >> 8 * i)) * 16777619u;
    }
    return sum;
}

// fold_double adds the bits of value to a checksum.
static inline uint32_t fold_double(uint32_t sum, double value) {
    union { double number; uint64_t bits; } u = {value};
    return fold(sum, u.bits, 8);
}

// The numbers of Marsaglia's 32-bit xorshift generator. Its state is not zero.
static inline uint32_t xorshift(uint32_t *state) {
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

#endif
