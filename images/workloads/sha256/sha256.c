// The SHA-256 (FIPS 180-4) of 512 KiB; the answer is its first 32 bits. Its
// constants are computed from their definition: the first 32 bits of the
// fractional parts of the roots of primes.
#include "bench.h"

enum { BYTES = 1 << 19, ROUNDS = 64 };

static uint8_t data[BYTES + 128];
static uint32_t constants[ROUNDS], start[8];

// root returns the first 32 bits of the fractional part of the square root of
// p, or of its cube root: the largest r with r^power <= p 2^(32 power).
static uint32_t root(uint32_t p, int power) {
    uint64_t r = 0;
    for (uint64_t bit = 1ull << 36; bit > 0; bit >>= 1) {
        unsigned __int128 x = r | bit, all = (unsigned __int128)p << 32 * power, product = x * x;
        if (power == 3 ? product <= all / x : product <= all) {
            r |= bit;
        }
    }
    return (uint32_t)r;
}

static void define(void) {
    for (uint32_t n = 0, p = 2; n < ROUNDS; p++) {
        uint32_t d = 2;
        while (p % d != 0) {
            d++;
        }
        if (d == p) {
            constants[n] = root(p, 3);
            if (n < 8) {
                start[n] = root(p, 2);
            }
            n++;
        }
    }
}

static uint32_t turn(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void block(uint32_t h[8], const uint8_t *b) {
    uint32_t w[ROUNDS], s[8];
    for (int i = 0; i < 16; i++) {
        w[i] = (uint32_t)b[4 * i] << 24 | b[4 * i + 1] << 16 | b[4 * i + 2] << 8 | b[4 * i + 3];
    }
    for (int i = 16; i < ROUNDS; i++) {
        uint32_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + (turn(x, 7) ^ turn(x, 18) ^ x >> 3) + w[i - 7] + (turn(y, 17) ^ turn(y, 19) ^ y >> 10);
    }
    for (int i = 0; i < 8; i++) {
        s[i] = h[i];
    }
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t a = s[0], e = s[4];
        uint32_t t = s[7] + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & s[5]) ^ (~e & s[6])) + constants[i] + w[i];
        uint32_t u = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
        for (int k = 7; k > 0; k--) {
            s[k] = s[k - 1];
        }
        s[4] += t;
        s[0] = t + u;
    }
    for (int i = 0; i < 8; i++) {
        h[i] += s[i];
    }
}

uint32_t work(void) {
    define();
    uint32_t state = 2463534242, h[8];
    for (int i = 0; i < BYTES; i++) {
        data[i] = xorshift(&state) >> 24;
    }
    int size = BYTES + 64; // a block of padding: 1, zeroes, and the length in bits
    for (int i = BYTES; i < size; i++) {
        data[i] = 0;
    }
    data[BYTES] = 0x80;
    for (int i = 0; i < 8; i++) {
        data[size - 1 - i] = 8ull * BYTES >> 8 * i;
        h[i] = start[i];
    }
    for (int i = 0; i < size; i += 64) {
        block(h, data + i);
    }
    return h[0];
}
