/*
 * A vocabulary in memory, shared by the files of this folder.
 *
 *     tokens   id -> the bytes it stands for
 *     texts    hash of those bytes -> id, for tokens that plain text may become
 *     pairs    hash of (left id, right id) -> rank, merged id         (BPE)
 *              or (node, symbol) -> the node behind it, token or none (a trie: unigram and others)
 *     ranks    id -> its score as a rank, the lower the earlier       (SentencePiece BPE)
 *     scores   id -> its score                                        (unigram, plamo2)
 *     specials the tokens that are looked for in the raw text, sorted
 */
#ifndef INF_VOCAB_DATA_H
#define INF_VOCAB_DATA_H

#include "lib/base/limits.h"
#include "lib/vocab/split.h"
#include "lib/vocab/vocab.h"

#include <string.h>

#define INF_BLANK "\xe2\x96\x81" /* U+2581, which stands for a blank in SentencePiece */
#define INF_NO_RANK UINT32_MAX
#define INF_ENDS_MAX 32
#define INF_PIECE_SHORT 64 /* bytes of a piece that is cut on the stack */

enum inf_token_kind {
    INF_TOKEN_NORMAL = INFER_KIND_NORMAL,
    INF_TOKEN_UNKNOWN = INFER_KIND_UNKNOWN,
    INF_TOKEN_CONTROL = INFER_KIND_CONTROL,
    INF_TOKEN_USER = INFER_KIND_USER_DEFINED,
    INF_TOKEN_UNUSED = INFER_KIND_UNUSED, /* and every type that is not known */
    INF_TOKEN_BYTE = INFER_KIND_BYTE
};

/* How a stretch of text becomes ids. */
enum inf_vocab_model {
    INF_VOCAB_SPM,       /* SentencePiece BPE: the pair that makes the token of the best score */
    INF_VOCAB_BPE,       /* pieces; the pair that the first merge names */
    INF_VOCAB_UNIGRAM,   /* the best sum of scores */
    INF_VOCAB_PLAMO,     /* the same from the end, in whole numbers */
    INF_VOCAB_LONGEST,   /* the longest token, from the start */
    INF_VOCAB_WORDPIECE, /* words; in each the longest token, from its start */
};

struct inf_vocab_token {
    const char *text; /* the bytes it stands for: in the file, or in `decoded` */
    uint32_t len;
    uint8_t kind;
};

struct inf_text_slot {
    uint32_t hash, id; /* id INF_NO_RANK: empty */
};

struct inf_pair_slot {
    uint32_t left, right, rank, id; /* rank INF_NO_RANK: empty */
};

/* Sorted by text, ids falling where texts are equal. The longest special that a text begins with is
 * the last one not above the text, or reached from it through `shorter`. */
struct inf_vocab_special {
    const char *text;
    uint32_t len, id;
    uint32_t shorter; /* the longest other special that this one begins with; itself: none */
};

struct inf_vocab {
    infer_allocator a;
    const void *ud;
    struct inf_bytes (*token)(const void *ud, uint32_t id);
    enum inf_vocab_model model;
    const struct inf_split_rule *rule; /* of BPE */
    bool byte_level;                   /* tokens are spelt in the byte-level alphabet */
    bool blanks;                       /* U+2581 stands for a blank, in tokens and in text */
    bool prefix;                       /* a blank goes before each stretch of text */
    bool strip;                        /* detokenizing leaves out a blank at the very start */
    bool squeeze;                      /* unigram: runs of blanks become one */
    bool lower, strip_accents;         /* WordPiece and whitespace */
    bool phantom;                      /* WordPiece: U+2581 begins what begins a word */
    bool add_bos, add_eos, asks_bos, asks_eos; /* what is added, and whether the file says so */
    uint32_t count;
    uint32_t text_len_max; /* of what is in texts */
    bool has_duplicates;   /* two tokens in texts have one text */
    struct inf_vocab_token *tokens;
    char *decoded;
    struct inf_text_slot *texts;
    size_t text_slots;
    struct inf_pair_slot *pairs;
    size_t pair_slots;
    uint32_t *ranks;
    float *scores;
    float unknown_score;
    infer_token *kmers; /* hybriddna: the tokens of six bases; NULL: none */
    infer_token dna_begin, dna_end, dna_oov;
    const unsigned char *charsmap; /* unigram's normaliser: units of a double array, and texts */
    size_t charsmap_units;
    const char *charsmap_texts;
    size_t charsmap_text_len;
    infer_token byte_ids[256]; /* -1: none */
    struct inf_vocab_special *specials;
    char *special_text;
    uint32_t special_count;
    uint32_t special_first[257];  /* by first byte */
    bool special_single[256];     /* a special of this one byte */
    uint64_t special_pairs[1024]; /* bits: first two bytes of the longer ones */
    uint64_t adjacent[1024];      /* bits: two bytes stand side by side in some token (llama) */
    infer_token bos, eos, eot, eom, unk, sep, pad;
    infer_token mask;
    infer_token ends[INF_ENDS_MAX];
    size_t end_count;
    size_t bytes;
};

static inline bool inf_pair_bit(const uint64_t bits[1024], unsigned char a, unsigned char b)
{
    unsigned index = (unsigned)a << 8 | b;
    return bits[index >> 6] >> (index & 63) & 1;
}

static inline void inf_pair_bit_set(uint64_t bits[1024], unsigned char a, unsigned char b)
{
    unsigned index = (unsigned)a << 8 | b;
    bits[index >> 6] |= (uint64_t)1 << (index & 63);
}

/* A place in a table of `slots`, from the upper bits of a hash. */
static inline size_t inf_hash_slot(uint64_t hash, size_t slots)
{
    return (size_t)((hash >> 32) * (uint64_t)slots >> 32);
}

__extension__ typedef unsigned __int128 inf_u128;

static inline uint64_t inf_hash_mix(uint64_t a, uint64_t b)
{
    inf_u128 product = (inf_u128)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd6e8feb86659fd93u);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t inf_hash_load(const char *p, size_t len)
{
    uint64_t value = 0;
    if (len >= 8) {
        memcpy(&value, p, 8);
    } else if (len >= 4) {
        uint32_t low, high;
        memcpy(&low, p, 4);
        memcpy(&high, p + len - 4, 4);
        value = (uint64_t)high << 32 | low;
    } else if (len) {
        const unsigned char *s = (const unsigned char *)p;
        value = (uint64_t)s[0] | (uint64_t)s[len / 2] << 8 | (uint64_t)s[len - 1] << 16;
    }
    return value;
}

/* A hash for tables in memory: fast, and not the same on machines of another byte order. */
static inline uint64_t inf_hash_text(const char *p, size_t len)
{
    uint64_t hash = len;
    const char *end = p + len;
    for (; end - p > 8; p += 8)
        hash = inf_hash_mix(hash, inf_hash_load(p, 8));
    return inf_hash_mix(hash, inf_hash_load(p, (size_t)(end - p)) ^ (uint64_t)len << 57);
}

static inline uint64_t inf_hash_pair(uint32_t left, uint32_t right)
{
    return inf_hash_mix(left, (uint64_t)right << 20 ^ right);
}

/* The token that plain text may become, -1 where there is none; hash is that of the text. */
static inline infer_token inf_vocab_lookup_hash(const struct inf_vocab *v, const char *text,
                                                size_t len, uint64_t hash)
{
    if (len > v->text_len_max)
        return -1;
    for (size_t i = inf_hash_slot(hash, v->text_slots);;) {
        const struct inf_text_slot *slot = &v->texts[i];
        if (slot->id == INF_NO_RANK)
            return -1;
        if (slot->hash == (uint32_t)hash) {
            const struct inf_vocab_token *token = &v->tokens[slot->id];
            if (token->len == len && !memcmp(token->text, text, len))
                return (infer_token)slot->id;
        }
        i = i + 1 == v->text_slots ? 0 : i + 1;
    }
}

static inline infer_token inf_vocab_lookup(const struct inf_vocab *v, const char *text, size_t len)
{
    return len > v->text_len_max ? -1
                                 : inf_vocab_lookup_hash(v, text, len, inf_hash_text(text, len));
}

static inline const struct inf_pair_slot *inf_vocab_pair(const struct inf_vocab *v, uint32_t left,
                                                         uint32_t right)
{
    for (size_t i = inf_hash_slot(inf_hash_pair(left, right), v->pair_slots);;) {
        const struct inf_pair_slot *slot = &v->pairs[i];
        if (slot->rank == INF_NO_RANK)
            return NULL;
        if (slot->left == left && slot->right == right)
            return slot;
        i = i + 1 == v->pair_slots ? 0 : i + 1;
    }
}

/* Byte-level BPE stores each byte as a character: printable ones as themselves, the others from
 * U+0100 on. Writes the bytes to out[len]; SIZE_MAX where a character is none of these. */
size_t inf_byte_level_decode(const char *text, size_t len, char *out);

void inf_vocab_warn(const struct inf_vocab_source *source, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The steps of reading a file (vocab_read.c), in their order: texts as they stand in the file and
 * kinds; the bytes that ordinary ones stand for; what finds them; specials; scores. */
infer_status inf_vocab_read_tokens(struct inf_vocab *v, const struct inf_vocab_source *source,
                                   size_t *decoded_bytes, infer_error *err);
infer_status inf_vocab_decode_tokens(struct inf_vocab *v, size_t decoded_bytes, infer_error *err);
infer_status inf_vocab_index_texts(struct inf_vocab *v, infer_error *err);
infer_status inf_vocab_collect_specials(struct inf_vocab *v, const struct inf_vocab_source *source,
                                        infer_error *err);
infer_status inf_vocab_read_ranks(struct inf_vocab *v, const struct inf_vocab_source *source,
                                  infer_error *err);
infer_status inf_vocab_read_scores(struct inf_vocab *v, const struct inf_vocab_source *source,
                                   infer_error *err);

/* Sorts v->specials and fills what finds them (specials.c). */
void inf_specials_prepare(struct inf_vocab *v);

/* Raw text in which specials are looked for, in stretches that cover it. Any special counts that
 * stands wholly inside one literal stretch; others only where they are open: user-defined, and not
 * barred. */
struct inf_stretch {
    size_t end;
    bool literal;
};

struct inf_raw {
    const char *text;
    size_t len;
    const struct inf_stretch *stretches;
    const uint8_t *barred; /* bits by id; NULL: none */
    bool goes_on;          /* ordinary text stands before it: no blank is put there */
    bool bases;            /* hybriddna: it begins behind <dna> */
    size_t current;        /* the stretch that the last look was in */
};

static inline bool inf_bit(const uint8_t *bits, uint32_t index)
{
    return bits[index >> 3] >> (index & 7) & 1;
}

static inline void inf_bit_set(uint8_t *bits, uint32_t index)
{
    bits[index >> 3] |= (uint8_t)(1 << (index & 7));
}

/* The first special at or after `at`, the longest there; false where there is none. `at` never
 * falls from call to call. */
bool inf_specials_next(const struct inf_vocab *v, struct inf_raw *raw, size_t at, size_t *start,
                       const struct inf_vocab_special **found);

/* Sets the bits of all specials that stand anywhere in the text, those inside others too. */
void inf_specials_mark(const struct inf_vocab *v, const char *text, size_t len, uint8_t *bits);

/* U+2581 to blanks, out == text too; returns the length (vocab.c). */
size_t inf_decode_blanks(const char *text, size_t len, char *out);

/* The bytes that a token's text stands for where it is not byte-level (vocab_read.c). */
size_t inf_vocab_decode_text(const struct inf_vocab *v, const char *text, size_t len, char *out);

/* As inf_vocab_tokenize, of raw text in which U+2581 is blanks already where it stands for them.
 * One more flag: bos as with INFER_TOKENIZE_ADD_BOS, unless the text begins with it (tokenize.c). */
#define INF_TOKENIZE_HAVE_BOS 0x100u
infer_status inf_tokenize_raw(const struct inf_vocab *v, struct inf_raw *raw, unsigned flags,
                              infer_token *ids, size_t capacity, size_t *count, infer_error *err);

/* Puts a pair into v->pairs unless it is there; false where that takes too long (merges.c). */
bool inf_pair_add(struct inf_vocab *v, struct inf_pair_slot pair);

/* Reads all merges into v->pairs (merges.c). */
infer_status inf_merges_load(struct inf_vocab *v, const struct inf_vocab_source *source,
                             infer_error *err);

struct inf_best {
    double score;
    uint32_t from, id; /* where the token begins (or ends), and which it is; INF_NO_RANK: unknown */
};

/* One tokenising in progress: what it writes, and its scratch. */
struct inf_piece; /* a piece of text seen before, and its ids */
struct inf_merge_node;

struct inf_job {
    const struct inf_vocab *v;
    infer_token *ids;
    size_t room, count; /* ids beyond room are counted alone */
    infer_token last;   /* the id before, within this stretch of plain text */
    struct inf_piece *seen;
    size_t seen_mask;
    struct inf_merge_node *nodes;
    size_t node_capacity;
    uint64_t *heap;
    size_t heap_count, heap_capacity;
    struct inf_best *best;
    size_t best_capacity;
    struct inf_text normal, decomposed; /* copies of the text where it is changed */
    const uint8_t *barred;              /* bits of ids that no ordinary text becomes; NULL: none */
    bool goes_on;                       /* the stretch goes on from ordinary text */
    infer_error *err;
};

static inline void inf_job_push(struct inf_job *job, infer_token id)
{
    if (job->count < job->room)
        job->ids[job->count] = id;
    job->count++;
    job->last = id;
}

/* The symbol that a trie goes on by at text[0..len), len > 0, and its bytes: a character, or a byte
 * where the text is not UTF-8 or the vocabulary is of bytes. */
static inline uint32_t inf_symbol(const struct inf_vocab *v, const char *text, size_t len,
                                  size_t *step)
{
    uint32_t code = (unsigned char)text[0];
    *step = 1;
    if (code < 0x80)
        return code;
    if (v->model != INF_VOCAB_LONGEST && (*step = inf_utf8_decode(text, len, &code)))
        return code;
    *step = 1;
    return (unsigned char)text[0] | 0x80000000u;
}

/* The first symbol of tokens that begin a word in WordPiece. */
#define INF_WORD_START 0x110000u

/* Tokens longer than this, in symbols, are never made where a trie is walked: time stays linear. */
#define INF_TRIE_DEPTH 256

/* Puts the tokens that text may become into v->pairs as a trie (trie.c). */
infer_status inf_trie_load(struct inf_vocab *v, const struct inf_vocab_source *source,
                           infer_error *err);

/* A piece by the trie: at most len ids into ids[], or where ids is NULL pushed. best has room for
 * len + 1 (lattice.c). */
infer_status inf_lattice_piece(struct inf_job *job, const char *text, size_t len,
                               struct inf_best *best, infer_token *ids, size_t *count);
infer_status inf_lattice_long(struct inf_job *job, const char *text, size_t len);

/* What SentencePiece's normaliser makes of a text, into job->normal (charsmap.c). */
infer_status inf_charsmap_load(struct inf_vocab *v, struct inf_bytes charsmap, infer_error *err);
infer_status inf_charsmap_apply(struct inf_job *job, const char *text, size_t len);

/* hybriddna: finds the tags and the tokens of bases; makes ids of the text between tags (dna.c). */
infer_status inf_dna_load(struct inf_vocab *v, const struct inf_vocab_source *source,
                          infer_error *err);
void inf_dna_encode(struct inf_job *job, const char *text, size_t len);

/* Words, each cut into tokens (wordpiece.c). */
infer_status inf_wordpiece_encode(struct inf_job *job, const char *text, size_t len);
infer_status inf_wordpiece_word(struct inf_job *job, const char *text, size_t len, infer_token *ids,
                                size_t *count);

/* The ids of a symbol that no token stands for (encode.c). */
infer_status inf_symbol_fall_back(struct inf_job *job, const char *text, size_t len,
                                  infer_token *ids, size_t *count);

/* Pushes an id made from text: a run of unknown ones is one, as in SentencePiece. */
static inline void inf_job_push_text(struct inf_job *job, infer_token id)
{
    if (job->v->byte_level || id != job->v->unk || job->last != id ||
        job->v->model == INF_VOCAB_WORDPIECE)
        inf_job_push(job, id);
}

/* Merges one piece, or cuts it otherwise (encode.c). */
infer_status inf_encode_piece(struct inf_job *job, const char *text, size_t len);
infer_status inf_encode_begin(struct inf_job *job, size_t text_len);
void inf_encode_end(struct inf_job *job);

#endif
