/*
 * What the tokenizers know of Unicode: a class for each character, and the canonical composition
 * (NFC). The tables are made by make_unicode.py.
 */
#ifndef INF_VOCAB_UNICODE_H
#define INF_VOCAB_UNICODE_H

#include "lib/base/base.h"

/* Classes of a character, as bits; none for controls, format characters, unassigned ones. */
enum {
    INF_UPPER = 1,   /* Lu Lt */
    INF_LOWER = 2,   /* Ll */
    INF_OTHER = 4,   /* Lm Lo */
    INF_MARK = 8,    /* M */
    INF_NUMBER = 16, /* N */
    INF_PUNCT = 32,  /* P */
    INF_SYMBOL = 64, /* S; a byte that is not UTF-8 counts as one, as U+FFFD would */
    INF_SPACE = 128, /* the property White_Space */
    INF_LETTER = INF_UPPER | INF_LOWER | INF_OTHER
};

#define INF_UNICODE_BLOCK 128
#define INF_UNICODE_STEPS 2061
#define INF_UNICODE_COMPOSITES 941
#define INF_UNICODE_ACCENTS 266
#define INF_UNICODE_LOWER 1407

/* Two stages: index[code / 128] is the number of a block of 128 values. */
extern const uint8_t inf_unicode_class_index[0x110000 / INF_UNICODE_BLOCK];
extern const uint8_t inf_unicode_class_blocks[];
/* 0: NFC leaves the character alone and it never joins the one before; otherwise its combining
 * class, 255 for class 0. */
extern const uint8_t inf_unicode_nfc_index[0x110000 / INF_UNICODE_BLOCK];
extern const uint8_t inf_unicode_nfc_blocks[];
/* {code, first, second or 0}, one step of decomposition, by code; and the rows of it that compose
 * again, by (first, second). */
extern const uint32_t inf_unicode_steps[INF_UNICODE_STEPS][3];
extern const uint16_t inf_unicode_composites[INF_UNICODE_COMPOSITES];

/* {first, last} of the marks that BERT strips (Mn of Unicode 8); {code, its small letter}. */
extern const uint32_t inf_unicode_accents[INF_UNICODE_ACCENTS][2];
extern const uint32_t inf_unicode_lower[INF_UNICODE_LOWER][2];

static inline unsigned inf_unicode_class(uint32_t code)
{
    size_t block = inf_unicode_class_index[code / INF_UNICODE_BLOCK];
    return inf_unicode_class_blocks[block * INF_UNICODE_BLOCK + code % INF_UNICODE_BLOCK];
}

static inline unsigned inf_unicode_nfc(uint32_t code)
{
    size_t block = inf_unicode_nfc_index[code / INF_UNICODE_BLOCK];
    return inf_unicode_nfc_blocks[block * INF_UNICODE_BLOCK + code % INF_UNICODE_BLOCK];
}

/* Whether a text is certainly NFC already: true for all ASCII and nearly all real text. */
bool inf_nfc_is_plain(const char *text, size_t len);

/* Appends the NFC of a text to *out (bytes that are not UTF-8 stay as they are); out->failed is set
 * where there is no memory. Linear. */
void inf_nfc_append(struct inf_text *out, const char *text, size_t len);

/* The same for the canonical decomposition. */
void inf_nfd_append(struct inf_text *out, const char *text, size_t len);

bool inf_text_is_ascii(const char *text, size_t len);
bool inf_unicode_is_accent(uint32_t code);

/* Appends a character, text[0..len) or, with `lower`, what it is in small letters. */
void inf_unicode_append_lower(struct inf_text *out, const char *text, size_t len, uint32_t code,
                              bool lower);

#endif
