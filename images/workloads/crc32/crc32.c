// The CRC-32 (IEEE 802.3) of 2 MiB, byte by byte with a table.
#include "bench.h"

enum { WORDS = 512 * 1024 };

static uint32_t data[WORDS], table[256];

uint32_t work(void) {
    uint32_t state = 2463534242;
    for (int i = 0; i < WORDS; i++) {
        data[i] = xorshift(&state);
    }
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int k = 0; k < 8; k++) {
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320 : 0);
        }
    }
    uint32_t crc = 0xffffffff;
    for (int i = 0; i < WORDS; i++) {
        for (int shift = 0; shift < 32; shift += 8) {
            crc = table[(uint8_t)(crc ^ data[i] >> shift)] ^ crc >> 8;
        }
    }
    return ~crc;
}
