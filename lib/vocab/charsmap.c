/*
 * SentencePiece's normaliser. Its map (tokenizer.ggml.precompiled_charsmap) is a number of bytes, so
 * many bytes of a double array, and texts that end in NUL:
 *
 *     unit   bit 31: a value, in bits 0-30 where a text begins
 *            else bits 0-7 label, bit 8 whether a value hangs on it, bit 9 and 10-30 offset
 *
 * A key is walked byte by byte: the next unit is at (place ^ offset) ^ byte and has that label. The
 * value of a unit is in the one at place ^ offset.
 */
#include "lib/vocab/vocab_data.h"

#define KEY_MAX 64   /* bytes of a key that is looked for: time stays linear */
#define TEXT_MAX 255 /* bytes of a text: so does memory */

static inline uint32_t unit_at(const struct inf_vocab *v, size_t index)
{
    uint32_t unit;
    memcpy(&unit, v->charsmap + index * sizeof unit, sizeof unit);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    unit = __builtin_bswap32(unit);
#endif
    return unit;
}

static inline uint32_t offset_of(uint32_t unit)
{
    return unit >> 10 << ((unit & 512) >> 6);
}

infer_status inf_charsmap_load(struct inf_vocab *v, struct inf_bytes charsmap, infer_error *err)
{
    const char *key = "tokenizer.ggml.precompiled_charsmap";
    if (!charsmap.len)
        return INFER_OK;
    uint32_t size = 0;
    for (size_t i = 0; i < 4 && i < charsmap.len; i++)
        size |= (uint32_t)(unsigned char)charsmap.ptr[i] << 8 * i;
    if (charsmap.len < 4 || size % 4 || !size || size > charsmap.len - 4)
        return inf_fail(err, INFER_E_FORMAT, "%s: a table of %u bytes in %zu", key, size,
                        charsmap.len);
    v->charsmap = (const unsigned char *)charsmap.ptr + 4;
    v->charsmap_units = size / 4;
    v->charsmap_texts = charsmap.ptr + 4 + size;
    v->charsmap_text_len = charsmap.len - 4 - size;
    size_t run = 0;
    for (size_t i = 0; i < v->charsmap_text_len; i++) {
        run = v->charsmap_texts[i] ? run + 1 : 0;
        if (run > TEXT_MAX)
            return inf_fail(err, INFER_E_LIMIT, "%s: a text of more than %d bytes", key, TEXT_MAX);
    }
    if (run)
        return inf_fail(err, INFER_E_FORMAT, "%s: the last text has no end", key);
    for (size_t i = 0; i < v->charsmap_units; i++) {
        uint32_t unit = unit_at(v, i);
        if (unit >> 31 && (unit & 0x7fffffff) >= v->charsmap_text_len)
            return inf_fail(err, INFER_E_FORMAT, "%s: unit %zu names text %u of %zu bytes", key, i,
                            unit & 0x7fffffff, v->charsmap_text_len);
    }
    return INFER_OK;
}

/* The longest key that text[0..len) begins with: its bytes, and the text in its place; 0: none. */
static size_t find_key(const struct inf_vocab *v, const char *text, size_t len,
                       struct inf_bytes *out)
{
    size_t longest = 0;
    if (!v->charsmap_units)
        return 0;
    size_t place = offset_of(unit_at(v, 0));
    for (size_t i = 0; i < len && i < KEY_MAX; i++) {
        unsigned char c = (unsigned char)text[i];
        place ^= c;
        if (!c || place >= v->charsmap_units)
            break;
        uint32_t unit = unit_at(v, place);
        if ((unit & 0x800000ff) != c)
            break;
        place ^= offset_of(unit);
        if (unit & 256 && place < v->charsmap_units && unit_at(v, place) >> 31) {
            longest = i + 1;
            out->ptr = v->charsmap_texts + (unit_at(v, place) & 0x7fffffff);
        }
    }
    if (longest)
        out->len = strlen(out->ptr);
    return longest;
}

/* The next stretch of normalised text at text[0..len), and the bytes of text that it stands for. */
static inline size_t next_part(const struct inf_vocab *v, const char *text, size_t len,
                               struct inf_bytes *out)
{
    size_t taken = find_key(v, text, len, out);
    if (taken)
        return taken;
    uint32_t code;
    size_t step = inf_utf8_decode(text, len, &code);
    *out = step ? (struct inf_bytes){text, step} : (struct inf_bytes){"\xef\xbf\xbd", 3};
    return step ? step : 1;
}

/* With v->squeeze blanks at the ends go, and of a run of blanks one is left. */
infer_status inf_charsmap_apply(struct inf_job *job, const char *text, size_t len)
{
    const struct inf_vocab *v = job->v;
    struct inf_text *normal = &job->normal;
    bool after_blank = v->squeeze && !job->goes_on, begun = job->goes_on;
    normal->len = 0;
    for (size_t at = 0; at < len;) {
        struct inf_bytes part;
        at += next_part(v, text + at, len - at, &part);
        while (after_blank && part.len && part.ptr[0] == ' ') {
            part.ptr++;
            part.len--;
        }
        if (!part.len)
            continue;
        if (!begun && v->prefix)
            inf_text_append(normal, " ", 1);
        begun = true;
        inf_text_append(normal, part.ptr, part.len);
        after_blank = v->squeeze && part.ptr[part.len - 1] == ' ';
    }
    if (normal->failed)
        return inf_fail_memory(job->err, "the text normalised", len);
    while (v->squeeze && normal->len && normal->ptr[normal->len - 1] == ' ')
        normal->len--;
    return INFER_OK;
}
