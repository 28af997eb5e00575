/*
 * The blocks as they lie in a file: packed (a row begins at any address), little-endian, checked.
 * What the fields mean for a weight is drawn in the type's own file. d, m, dmin are IEEE halves
 * (half.h). In a drawing, "(high, low)" are the halves of a byte or word.
 */
#ifndef INF_BLOCK_H
#define INF_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#pragma pack(push, 1)

#define SIZE(type, bytes) _Static_assert(sizeof(struct type) == (bytes), #type " has another size")
#define FIELD(type, field, at)                                                                     \
    _Static_assert(offsetof(struct type, field) == (at), #type "." #field " is elsewhere")

/* 32 weights, 18 bytes: | d | 16 x (high nibble j + 16, low nibble j) | */
struct inf_block_q4_0 {
    uint16_t d;
    uint8_t qs[16];
};
SIZE(inf_block_q4_0, 18);
FIELD(inf_block_q4_0, qs, 2);

/* 32 weights, 20 bytes: | d | m | nibbles as in q4_0 | */
struct inf_block_q4_1 {
    uint16_t d;
    uint16_t m;
    uint8_t qs[16];
};
SIZE(inf_block_q4_1, 20);
FIELD(inf_block_q4_1, m, 2);
FIELD(inf_block_q4_1, qs, 4);

/* 32 weights, 22 bytes: | d | 32 fifth bits | nibbles as in q4_0 | */
struct inf_block_q5_0 {
    uint16_t d;
    uint32_t qh;
    uint8_t qs[16];
};
SIZE(inf_block_q5_0, 22);
FIELD(inf_block_q5_0, qh, 2);
FIELD(inf_block_q5_0, qs, 6);

/* 32 weights, 24 bytes: | d | m | 32 fifth bits | nibbles as in q4_0 | */
struct inf_block_q5_1 {
    uint16_t d;
    uint16_t m;
    uint32_t qh;
    uint8_t qs[16];
};
SIZE(inf_block_q5_1, 24);
FIELD(inf_block_q5_1, m, 2);
FIELD(inf_block_q5_1, qh, 4);
FIELD(inf_block_q5_1, qs, 8);

/* 32 weights, 34 bytes: | d | 32 bytes | */
struct inf_block_q8_0 {
    uint16_t d;
    int8_t qs[32];
};
SIZE(inf_block_q8_0, 34);
FIELD(inf_block_q8_0, qs, 2);

/* 256 weights, 84 bytes: | 16 x (min, scale) | 64 x four 2-bit codes | d | dmin | */
struct inf_block_q2_k {
    uint8_t scales[16];
    uint8_t qs[64];
    uint16_t d;
    uint16_t dmin;
};
SIZE(inf_block_q2_k, 84);
FIELD(inf_block_q2_k, qs, 16);
FIELD(inf_block_q2_k, d, 80);
FIELD(inf_block_q2_k, dmin, 82);

/* 256 weights, 110 bytes: | third bits | 64 x four 2-bit codes | 16 x 6-bit scales | d | */
struct inf_block_q3_k {
    uint8_t hmask[32];
    uint8_t qs[64];
    uint8_t scales[12];
    uint16_t d;
};
SIZE(inf_block_q3_k, 110);
FIELD(inf_block_q3_k, qs, 32);
FIELD(inf_block_q3_k, scales, 96);
FIELD(inf_block_q3_k, d, 108);

/* 256 weights, 144 bytes: | d | dmin | 8 x 6-bit scale and min | nibbles | */
struct inf_block_q4_k {
    uint16_t d;
    uint16_t dmin;
    uint8_t scales[12];
    uint8_t qs[128];
};
SIZE(inf_block_q4_k, 144);
FIELD(inf_block_q4_k, dmin, 2);
FIELD(inf_block_q4_k, scales, 4);
FIELD(inf_block_q4_k, qs, 16);

/* 256 weights, 176 bytes: | d | dmin | 8 x 6-bit scale and min | fifth bits | nibbles | */
struct inf_block_q5_k {
    uint16_t d;
    uint16_t dmin;
    uint8_t scales[12];
    uint8_t qh[32];
    uint8_t qs[128];
};
SIZE(inf_block_q5_k, 176);
FIELD(inf_block_q5_k, dmin, 2);
FIELD(inf_block_q5_k, scales, 4);
FIELD(inf_block_q5_k, qh, 16);
FIELD(inf_block_q5_k, qs, 48);

/* 256 weights, 210 bytes: | low nibbles | upper 2 bits | 16 x 8-bit scales | d | */
struct inf_block_q6_k {
    uint8_t ql[128];
    uint8_t qh[64];
    int8_t scales[16];
    uint16_t d;
};
SIZE(inf_block_q6_k, 210);
FIELD(inf_block_q6_k, qh, 128);
FIELD(inf_block_q6_k, scales, 192);
FIELD(inf_block_q6_k, d, 208);

struct inf_part_iq2_xxs {
    uint8_t a[4];
    uint32_t x;
};
SIZE(inf_part_iq2_xxs, 8);
FIELD(inf_part_iq2_xxs, x, 4);

/* 256 weights, 66 bytes: | d | 8 x (4 grid indices, 4 x 7 signs and a 4-bit scale) | */
struct inf_block_iq2_xxs {
    uint16_t d;
    struct inf_part_iq2_xxs parts[8];
};
SIZE(inf_block_iq2_xxs, 66);
FIELD(inf_block_iq2_xxs, parts, 2);

/* 256 weights, 74 bytes: | d | 32 x (7 signs, 9-bit grid index) | 16 x 4-bit scales | */
struct inf_block_iq2_xs {
    uint16_t d;
    uint16_t qs[32];
    uint8_t scales[8];
};
SIZE(inf_block_iq2_xs, 74);
FIELD(inf_block_iq2_xs, qs, 2);
FIELD(inf_block_iq2_xs, scales, 66);

/* 256 weights, 82 bytes: | d | grid indices | signs | upper index bits | 16 x 4-bit scales | */
struct inf_block_iq2_s {
    uint16_t d;
    uint8_t qs[32];
    uint8_t signs[32];
    uint8_t qh[8];
    uint8_t scales[8];
};
SIZE(inf_block_iq2_s, 82);
FIELD(inf_block_iq2_s, qs, 2);
FIELD(inf_block_iq2_s, signs, 34);
FIELD(inf_block_iq2_s, qh, 66);
FIELD(inf_block_iq2_s, scales, 74);

/* 256 weights, 98 bytes: | d | grid indices | 8 x (4 x 7 signs and a 4-bit scale) | */
struct inf_block_iq3_xxs {
    uint16_t d;
    uint8_t qs[64];
    uint32_t x[8];
};
SIZE(inf_block_iq3_xxs, 98);
FIELD(inf_block_iq3_xxs, qs, 2);
FIELD(inf_block_iq3_xxs, x, 66);

/* 256 weights, 110 bytes: | d | grid indices | ninth index bits | signs | 8 x 4-bit scales | */
struct inf_block_iq3_s {
    uint16_t d;
    uint8_t qs[64];
    uint8_t qh[8];
    uint8_t signs[32];
    uint8_t scales[4];
};
SIZE(inf_block_iq3_s, 110);
FIELD(inf_block_iq3_s, qs, 2);
FIELD(inf_block_iq3_s, qh, 66);
FIELD(inf_block_iq3_s, signs, 74);
FIELD(inf_block_iq3_s, scales, 106);

/* 256 weights, 50 bytes: | d | grid indices | 8 x (shift, scale, 4 x 3 upper index bits) | */
struct inf_block_iq1_s {
    uint16_t d;
    uint8_t qs[32];
    uint16_t qh[8];
};
SIZE(inf_block_iq1_s, 50);
FIELD(inf_block_iq1_s, qs, 2);
FIELD(inf_block_iq1_s, qh, 34);

/* 256 weights, 56 bytes: | grid indices | 32 x (shift, 3 upper bits) | 16 x 3-bit scales, d | */
struct inf_block_iq1_m {
    uint8_t qs[32];
    uint8_t qh[16];
    uint16_t sc[4];
};
SIZE(inf_block_iq1_m, 56);
FIELD(inf_block_iq1_m, qh, 32);
FIELD(inf_block_iq1_m, sc, 48);

/* 32 weights, 18 bytes: | d | nibbles as in q4_0, each an index of the codebook | */
struct inf_block_iq4_nl {
    uint16_t d;
    uint8_t qs[16];
};
SIZE(inf_block_iq4_nl, 18);
FIELD(inf_block_iq4_nl, qs, 2);

/* 256 weights, 136 bytes: | d | upper scale bits | lower scale bits | 8 x 16 of iq4_nl | */
struct inf_block_iq4_xs {
    uint16_t d;
    uint16_t sh;
    uint8_t sl[4];
    uint8_t qs[128];
};
SIZE(inf_block_iq4_xs, 136);
FIELD(inf_block_iq4_xs, sh, 2);
FIELD(inf_block_iq4_xs, sl, 4);
FIELD(inf_block_iq4_xs, qs, 8);

/* 256 weights, 54 bytes: | 48 x five ternary digits | 4 x four digits | d | */
struct inf_block_tq1_0 {
    uint8_t qs[48];
    uint8_t qh[4];
    uint16_t d;
};
SIZE(inf_block_tq1_0, 54);
FIELD(inf_block_tq1_0, qh, 48);
FIELD(inf_block_tq1_0, d, 52);

/* 256 weights, 66 bytes: | 64 x four 2-bit codes | d | */
struct inf_block_tq2_0 {
    uint8_t qs[64];
    uint16_t d;
};
SIZE(inf_block_tq2_0, 66);
FIELD(inf_block_tq2_0, d, 64);

/* 32 weights, 17 bytes: | exponent | nibbles as in q4_0, each an E2M1 number | */
struct inf_block_mxfp4 {
    uint8_t e;
    uint8_t qs[16];
};
SIZE(inf_block_mxfp4, 17);
FIELD(inf_block_mxfp4, qs, 1);

/* 64 weights, 36 bytes: | 4 x E4M3 scales | 4 x 8 bytes: nibbles j, j + 8 of a sub-block | */
struct inf_block_nvfp4 {
    uint8_t sc[4];
    uint8_t qs[32];
};
SIZE(inf_block_nvfp4, 36);
FIELD(inf_block_nvfp4, qs, 4);

/* 128 weights, 18 bytes: | d | 128 bits | */
struct inf_block_q1_0 {
    uint16_t d;
    uint8_t qs[16];
};
SIZE(inf_block_q1_0, 18);
FIELD(inf_block_q1_0, qs, 2);

/* 64 weights, 18 bytes: | d | 16 x four 2-bit codes | */
struct inf_block_q2_0 {
    uint16_t d;
    uint8_t qs[16];
};
SIZE(inf_block_q2_0, 18);
FIELD(inf_block_q2_0, qs, 2);

#pragma pack(pop)
#undef SIZE
#undef FIELD
#endif
