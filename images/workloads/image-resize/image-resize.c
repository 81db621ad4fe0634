// A picture of 512 by 384 pixels, red, green and blue, made smaller and larger
// again by bilinear interpolation, in integers: positions in 1/65536 of a pixel,
// rounded down, weights in 1/256.
#include "bench.h"

typedef struct {
    int width, height;
    uint8_t (*pixel)[3];
} picture;

static uint8_t large[512 * 384][3], small[300 * 225][3];

// resize draws from onto to, corner on corner.
static void resize(picture to, picture from) {
    uint32_t across = ((from.width - 1) << 16) / (to.width - 1);
    uint32_t down = ((from.height - 1) << 16) / (to.height - 1);
    for (int y = 0; y < to.height; y++) {
        uint32_t top = (y * down) >> 16, v = (y * down) >> 8 & 255;
        uint32_t bottom = top + 1 < from.height ? top + 1 : top;
        for (int x = 0; x < to.width; x++) {
            uint32_t left = (x * across) >> 16, u = (x * across) >> 8 & 255;
            uint32_t right = left + 1 < from.width ? left + 1 : left;
            for (int c = 0; c < 3; c++) {
                uint32_t above = from.pixel[top * from.width + left][c] * (256 - u) + from.pixel[top * from.width + right][c] * u;
                uint32_t below = from.pixel[bottom * from.width + left][c] * (256 - u) + from.pixel[bottom * from.width + right][c] * u;
                to.pixel[y * to.width + x][c] = (above * (256 - v) + below * v + 32768) >> 16;
            }
        }
    }
}

uint32_t work(void) {
    picture l = {512, 384, large}, s = {300, 225, small};
    uint32_t state = 2463534242;
    for (int y = 0; y < l.height; y++) {
        for (int x = 0; x < l.width; x++) {
            uint32_t grain = xorshift(&state) >> 28;
            large[y * l.width + x][0] = x / 4 + grain;
            large[y * l.width + x][1] = y / 3 + grain;
            large[y * l.width + x][2] = (x ^ y) & 255;
        }
    }
    resize(s, l);
    resize(l, s);
    uint32_t sum = FOLD_START;
    for (int i = 0; i < l.width * l.height; i++) {
        for (int c = 0; c < 3; c++) {
            sum = fold(sum, large[i][c], 1);
        }
    }
    return sum;
}
