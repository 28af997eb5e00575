/* Generated once from the format's published tables; see codebooks.h. */
#include "formats/codebooks.h"

// clang-format off
#define GRID(entry) entry,
const int8_t inf_codebook_nl[16] = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
};

const int8_t inf_codebook_fp4[16] = {
    0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12,
};

const uint8_t inf_codebook_signs[128] = {
    0, 129, 130, 3, 132, 5, 6, 135, 136, 9, 10, 139, 12, 141, 142, 15,
    144, 17, 18, 147, 20, 149, 150, 23, 24, 153, 154, 27, 156, 29, 30, 159,
    160, 33, 34, 163, 36, 165, 166, 39, 40, 169, 170, 43, 172, 45, 46, 175,
    48, 177, 178, 51, 180, 53, 54, 183, 184, 57, 58, 187, 60, 189, 190, 63,
    192, 65, 66, 195, 68, 197, 198, 71, 72, 201, 202, 75, 204, 77, 78, 207,
    80, 209, 210, 83, 212, 85, 86, 215, 216, 89, 90, 219, 92, 221, 222, 95,
    96, 225, 226, 99, 228, 101, 102, 231, 232, 105, 106, 235, 108, 237, 238, 111,
    240, 113, 114, 243, 116, 245, 246, 119, 120, 249, 250, 123, 252, 125, 126, 255,
};

const uint64_t inf_grid_iq2_xxs[256] = {
#include "formats/grid_iq2_xxs.def"
};

const uint64_t inf_grid_iq2_xs[512] = {
#include "formats/grid_iq2_xs.def"
};

const uint64_t inf_grid_iq2_s[1024] = {
#include "formats/grid_iq2_s.def"
};

const uint32_t inf_grid_iq3_xxs[256] = {
#include "formats/grid_iq3_xxs.def"
};

const uint32_t inf_grid_iq3_s[512] = {
#include "formats/grid_iq3_s.def"
};

const uint64_t inf_grid_iq1[2048] = {
#include "formats/grid_iq1.def"
};
