// clang-format off
/*
 * libinfer: runs language models from GGUF files, on the CPU of this machine.
 *
 * This header is the manual. The objects, in the order in which a program makes them:
 *
 *     infer_model    an open file: what it holds, its tokenizer. Immutable, shared by threads.
 *     infer_plan     every byte and step that a model will take with given options; `load` takes
 *                    them. Immutable once loaded, shared by threads; owns the worker threads.
 *     infer_session  one conversation: its tokens, its KV cache, the logits. One thread at a time.
 *     infer_sampler  picks the next token from logits. One thread at a time.
 *     infer_grammar  which texts a sampler may make. Immutable, shared by threads.
 *     infer_template makes the prompt of a conversation. One thread at a time.
 *     infer_tools    reads the calls that a model makes. One thread at a time.
 *
 * The shortest use (examples/hello.c is a whole program):
 *
 *     infer_session *session;
 *     infer_error err;
 *     infer_status status = infer_session_open("model.gguf", NULL, &session, &err);
 *     if (status == INFER_OK)
 *         status = infer_generate(session, NULL, "The sea is", 64, print_text, stdout, NULL, &err);
 *     if (status != INFER_OK)
 *         puts(err.text);
 *     infer_session_free(session);
 *
 * Rules that hold for every call:
 * - A call that can fail returns infer_status and takes `infer_error *err` last (NULL is allowed).
 *   On failure *err says what was wrong, where, and both numbers; the objects stay usable. After INFER_OK
 *   it means nothing, whatever stands in it: go by the status that was returned.
 *   There is no positive or partial success: INFER_OK means that all that was asked was done.
 * - new/open make an object that `free` takes; free(NULL) does nothing. Every other pointer is
 *   borrowed and its comment says until when. Children hold a reference on their parent, so objects
 *   may be freed in any order. An object that a call works on and a place for a
 *   result must not be NULL, which no call looks for; NULL for another pointer that is needed (a path, a
 *   text, ids) is INFER_E_ARGUMENT.
 * - Option structs begin with their size: `infer_plan_options o = {.size = sizeof o};` (in C++17
 *   `infer_plan_options o{}; o.size = sizeof o;`); a field left zero is the default. Programs built
 *   against an older header go on working with them. Structs that are filled in for you grow only
 *   when infer_abi_version() changes.
 * - A call that fills a buffer of yours takes its capacity and gives the count that it needs. Where
 *   that is more: INFER_E_RANGE, and the buffer is as it was. So ask first, with capacity 0, then
 *   fill: the first call returns INFER_E_RANGE (or INFER_OK, where nothing is needed).
 * - Text is UTF-8 with a length; it need not end in NUL unless it is called a path or a name.
 * - The library writes nothing to stdout or stderr, reads no environment, installs no signal
 *   handlers, has no global state, and does not end the process. What rests with plan option
 *   `approx`, and with hwloc built in, is said in the README.
 */
// clang-format on
#ifndef LIBINFER_H
#define LIBINFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define INFER_API
#else
#define INFER_API __attribute__((visibility("default")))
#endif

#define INFER_VERSION_MAJOR 0
#define INFER_VERSION_MINOR 1
#define INFER_VERSION_PATCH 0

/* ---- Status and errors ------------------------------------------------------------------- */

typedef enum infer_status {
    INFER_OK = 0,
    INFER_E_ARGUMENT, /* an argument of the call is wrong */
    INFER_E_MEMORY,   /* there is not enough memory */
    INFER_E_IO,     /* the operating system refused: file missing, disk full, not a regular file */
    INFER_E_FORMAT, /* the bytes break the rules of their format */
    INFER_E_UNSUPPORTED, /* sound, but this build cannot run it */
    INFER_E_LIMIT,       /* a fixed limit of the library is passed */
    INFER_E_CONTEXT,     /* the tokens do not fit into the session's context */
    INFER_E_RANGE,     /* the caller's buffer is too small; the count that is needed is returned */
    INFER_E_NUMERIC,   /* a logit is NaN or infinite: weights or file are damaged */
    INFER_E_CANCELLED, /* infer_session_cancel or a callback asked to stop */
    INFER_E_MISMATCH,  /* a saved session belongs to another model or to other settings */
    INFER_E_TEMPLATE   /* a chat template is no Jinja, or cannot be rendered, or refuses */
} infer_status;

/* What went wrong. `text` is one line of printable UTF-8; names out of a file are escaped in it. Where a
 * file is to blame it begins with the path (of a long one the end): "model.gguf: key ...: 7, at most 4". */
typedef struct infer_error {
    infer_status status;
    char text[500];
} infer_error;

/* ---- The library --------------------------------------------------------------------------- */

/* "0.1.0", and the number that changes when a program must be built again. Static. */
INFER_API const char *infer_version(void);
INFER_API int infer_abi_version(void);

/* "INFER_E_FORMAT" for a status; static. */
INFER_API const char *infer_status_name(infer_status status);

/* All memory and page mappings of the library come from such a hook. alloc and map return NULL
 * where there is nothing left, and the call in progress then fails with INFER_E_MEMORY. The hook
 * may be called from several threads when several threads call the library. All four functions are
 * needed. What alloc gives need not be zeroed; what map gives for fd -1 is, as by mmap. `bytes` of map need
 * not be whole pages: round up, as mmap does; unmap is given the same number. */
typedef struct infer_allocator {
    void *ud;
    void *(*alloc)(void *ud, size_t bytes, size_t align); /* align: a power of two, at most 64 */
    void (*release)(void *ud, void *ptr);                 /* ptr is never NULL */
    void *(*map)(void *ud, int fd, size_t bytes); /* fd from its start, read-only; -1: anonymous */
    void (*unmap)(void *ud, void *ptr, size_t bytes);
} infer_allocator;

/* Warnings and notices (never errors), one line of text each, valid during the call. */
typedef enum infer_log_level { INFER_LOG_NOTICE = 0, INFER_LOG_WARNING } infer_log_level;
typedef void (*infer_log)(void *ud, infer_log_level level, const char *text);

/* Called now and then with 0 ... 1; returning false cancels: the call fails with INFER_E_CANCELLED. */
typedef bool (*infer_progress)(void *ud, double fraction);

/* ---- Model --------------------------------------------------------------------------------- */

typedef struct infer_model infer_model;

typedef struct infer_model_options {
    size_t size;
    const infer_allocator *allocator; /* copied; NULL: malloc and mmap */
    infer_log log;
    void *log_ud;
    bool no_mmap; /* read the file into memory instead of mapping it: safe when others may change it
                   */
    infer_progress progress; /* of that reading, for each part anew */
    void *progress_ud;
} infer_model_options;

/* Opens a GGUF file (of a split one: its first part). Checks all of its metadata, touches no
 * weight. Any sound GGUF opens; whether it can be run is what infer_model_check says. */
INFER_API infer_status infer_model_open(const char *path, const infer_model_options *options,
                                        infer_model **model, infer_error *err);

/* The same from `bytes` at `data` (aligned to 8), which must stay unchanged until the last object
 * of it is freed. */
INFER_API infer_status infer_model_open_memory(const void *data, size_t bytes,
                                               const infer_model_options *options,
                                               infer_model **model, infer_error *err);

/* Lets go of the model; what was made from it keeps it as long as it needs it. */
INFER_API void infer_model_free(infer_model *model);

typedef struct infer_model_info {
    const char
        *architecture; /* NULL where the file names none; this and the other texts: until free */
    const char *name;  /* general.name, NULL where absent */
    const char *tokenizer; /* tokenizer.ggml.model, NULL where absent */
    const char *pre_tokenizer;
    const char *chat_template; /* NULL where absent */
    uint64_t parameters;       /* weights in all tensors */
    uint64_t file_bytes;       /* of all parts */
    uint64_t tensor_count, meta_count;
    uint32_t vocab_size;     /* tokens; 0 where there is no tokenizer */
    uint32_t context_length; /* trained; 0 where the file does not say */
    uint32_t embedding_length, layer_count;
} infer_model_info;

/* What the file says of itself. Cannot fail. */
INFER_API void infer_model_get_info(const infer_model *model, infer_model_info *info);

/* Checks whether this build can run the model: INFER_OK, or why not, naming the key or tensor. */
INFER_API infer_status infer_model_check(const infer_model *model, infer_error *err);

/* Metadata by index 0 ... meta_count - 1. */
typedef enum infer_meta_type {
    INFER_META_U8 = 0,
    INFER_META_I8,
    INFER_META_U16,
    INFER_META_I16,
    INFER_META_U32,
    INFER_META_I32,
    INFER_META_F32,
    INFER_META_BOOL,
    INFER_META_STRING,
    INFER_META_ARRAY,
    INFER_META_U64,
    INFER_META_I64,
    INFER_META_F64
} infer_meta_type;

typedef struct infer_meta {
    const char *key; /* not NUL-terminated; until the model is freed */
    size_t key_len;
    infer_meta_type type;  /* of the value */
    infer_meta_type items; /* of an array's elements; else as `type` */
    uint64_t count;        /* elements of an array; else 1 */
} infer_meta;

typedef struct infer_meta_value {
    infer_meta_type type;
    uint64_t u;       /* unsigned types and bool */
    int64_t i;        /* signed types */
    double f;         /* F32, F64 */
    const char *text; /* STRING: any bytes, not NUL-terminated; until the model is freed */
    size_t text_len;
} infer_meta_value;

/* INFER_E_ARGUMENT where there is no such index or element. `item` is 0 for a plain value. */
INFER_API infer_status infer_model_meta(const infer_model *model, uint64_t index, infer_meta *meta,
                                        infer_error *err);
INFER_API infer_status infer_model_meta_value(const infer_model *model, uint64_t index,
                                              uint64_t item, infer_meta_value *value,
                                              infer_error *err);

/* Tensors by index 0 ... tensor_count - 1. shape[0] is the length of a row, GGUF's order. */
typedef struct infer_tensor_info {
    const char *name; /* not NUL-terminated; until the model is freed */
    size_t name_len;
    const char *type; /* "q4_k"; "?" for a type that this build does not know */
    uint32_t type_id; /* GGUF's number */
    uint32_t dims;
    uint64_t shape[4];        /* 1 beyond dims */
    uint64_t elements, bytes; /* bytes: 0 for an unknown type */
} infer_tensor_info;

/* INFER_E_ARGUMENT where there is no such index. */
INFER_API infer_status infer_model_tensor(const infer_model *model, uint64_t index,
                                          infer_tensor_info *info, infer_error *err);

/* Index of a tensor by its name; INFER_E_ARGUMENT where there is none. */
INFER_API infer_status infer_model_tensor_find(const infer_model *model, const char *name,
                                               uint64_t *index, infer_error *err);

/* Dequantises `count` rows from row `first` (rows of all further dimensions count on) into
 * out[count * shape[0]]. */
INFER_API infer_status infer_model_tensor_rows(const infer_model *model, uint64_t index,
                                               uint64_t first, uint64_t count, float *out,
                                               infer_error *err);

/* The architectures that this build runs: 0 ... infer_arch_count() - 1. The name is static. */
INFER_API size_t infer_arch_count(void);
INFER_API const char *infer_arch_name(size_t index);

/* What is known of an architecture; the texts are static. `error` is the largest one of a logit in exact
 * arithmetic on tiny models, measured against `reference`; negative: not measured. */
typedef struct infer_arch_info {
    const char *name, *models, *reference;
    double error;
} infer_arch_info;
/* Fills in *info for architecture `index`, below infer_arch_count. INFER_E_ARGUMENT: no such index. */
INFER_API infer_status infer_arch_get_info(size_t index, infer_arch_info *info, infer_error *err);

/* ---- Tokens -------------------------------------------------------------------------------- */

typedef int32_t infer_token;

enum {
    INFER_TOKENIZE_ADD_SPECIAL = 1, /* the bos and eos that the file asks for: a whole text */
    INFER_TOKENIZE_PLAIN =
        2, /* control tokens in the text are ordinary text: one you do not trust */
    INFER_TOKENIZE_ADD_BOS = 4 /* the bos alone, if the file asks for it: the start of a prompt */
};

/* Text to ids[capacity]; *count is the number of ids. Never truncates: INFER_E_RANGE where they do not
 * fit. Text that is not UTF-8 is taken byte by byte where it is broken; a byte for which the vocabulary
 * has no token is INFER_E_FORMAT. A program that refuses broken text checks it itself, before. Control
 * tokens in the text count unless PLAIN is given: give it for text that you do not trust. */
INFER_API infer_status infer_tokenize(const infer_model *model, const char *text, size_t len,
                                      unsigned flags, infer_token *ids, size_t capacity,
                                      size_t *count, infer_error *err);

/* Ids to their exact bytes, special tokens as their text, a bos that ADD_SPECIAL has put before them too:
 * for text without them leave out the ids that are INFER_KIND_CONTROL. As above: INFER_E_RANGE tells the
 * need. */
INFER_API infer_status infer_detokenize(const infer_model *model, const infer_token *ids,
                                        size_t count, char *text, size_t capacity, size_t *len,
                                        infer_error *err);

/* The bytes of one token (not always whole characters; no blank is left out). As above. */
INFER_API infer_status infer_token_bytes(const infer_model *model, infer_token id, char *bytes,
                                         size_t capacity, size_t *len, infer_error *err);

typedef enum infer_special {
    INFER_SPECIAL_BOS = 0,
    INFER_SPECIAL_EOS,
    INFER_SPECIAL_EOT,
    INFER_SPECIAL_UNK,
    INFER_SPECIAL_PAD
} infer_special;

/* The id of a special token, -1 where the file names none. */
INFER_API infer_token infer_token_special(const infer_model *model, infer_special which);

/* Whether a token ends generation (eos, eot, and the like). */
INFER_API bool infer_token_ends(const infer_model *model, infer_token id);

/* The numbers are GGUF's. */
typedef enum infer_kind {
    INFER_KIND_NONE = 0,     /* there is no such token, or no tokenizer */
    INFER_KIND_NORMAL,       /* text */
    INFER_KIND_UNKNOWN,      /* stands for text that has no token */
    INFER_KIND_CONTROL,      /* a mark of the prompt: the start of a turn and the like */
    INFER_KIND_USER_DEFINED, /* text that is always one token, whatever stands around it */
    INFER_KIND_UNUSED,       /* never made from text; a kind that the format does not name too */
    INFER_KIND_BYTE          /* one byte of text that has no token of its own */
} infer_kind;

/* What a token is to the tokenizer. */
INFER_API infer_kind infer_token_kind(const infer_model *model, infer_token id);

/* ---- Plan ---------------------------------------------------------------------------------- */

typedef struct infer_plan infer_plan;

typedef enum infer_kv_type {
    INFER_KV_F16 = 0,
    INFER_KV_F32,
    INFER_KV_BF16,
    INFER_KV_Q8_0 /* 9 bits a number: as type q8_0 of files, but a scale for every 16 numbers */
} infer_kv_type;

typedef struct infer_plan_options {
    size_t size;
    /* Tokens a session holds; 0: the trained length, at most 8192. A longer one than trained is allowed, with
     * a warning (infer_model_options.log). */
    uint32_t context;
    uint32_t batch;      /* tokens evaluated in one pass; 0: 512 */
    uint32_t threads;    /* 0: the least of physical cores, affinity mask and cgroup quota */
    uint32_t sessions;   /* KV caches that the plan counts; 0: 1. More sessions are INFER_E_LIMIT */
    uint32_t logit_rows; /* rows of logits that one eval can keep; 0: 1 */
    infer_kv_type kv;
    const char
        *isa;   /* "ref", "avx2", "avx512", "neon", "dotprod"; NULL: the best of this machine */
    bool exact; /* float activations, f32 KV, double sums: slow, the truth to measure against */
    bool overcommit; /* load even where the machine has less memory than the plan says */
    /* Allow kernels that do not keep the bits: float weights (F32, F16, BF16) times many tokens go
     * through OpenBLAS, each product within k * 2^-23 * sum |w * x| of the exact one. The logits then
     * depend on the batches. OpenBLAS is loaded by the first such plan, reads the environment, starts
     * threads and takes memory that the plan does not count; it is set to one thread for the whole
     * process. INFER_E_UNSUPPORTED where the build or the machine has none. */
    bool approx;
    /* The plan makes embeddings (infer_session_embedding), no logits. So does every plan of a model
     * that has no logits, an encoder. */
    bool embedding;
    /* Copies of a session's recurrent state that are kept for infer_session_rewind, at most 64; 0: 4.
     * Models without recurrent layers have none. */
    uint32_t checkpoints;
} infer_plan_options;

/* Lays out everything; takes memory for the layout only. INFER_E_UNSUPPORTED names what cannot be
 * run. */
INFER_API infer_status infer_plan_new(infer_model *model, const infer_plan_options *options,
                                      infer_plan **plan, infer_error *err);
INFER_API void infer_plan_free(infer_plan *plan);

/* Bytes by kind. `total` is the sum of those before it; `available` is no part of it, nor is what samplers,
 * grammars (an index of the vocabulary, some MB), templates, tools and the messages of infer_chat take. */
typedef struct infer_plan_memory {
    uint64_t weights_mapped; /* file pages: shared, and given back by the system when it is short */
    uint64_t weights_owned;  /* with no_mmap: the file in memory */
    uint64_t
        weights_made;     /* made of the file's by loading, where they cannot be used as they are */
    uint64_t kv;          /* the KV caches of all sessions */
    uint64_t state;       /* recurrent states of all sessions, with their checkpoints */
    uint64_t activations; /* what the steps write */
    uint64_t scratch;     /* per thread: panels, scores */
    uint64_t logits;      /* of all sessions */
    uint64_t tables;      /* vocabulary, tensor table, steps, and other small things */
    uint64_t total;
    uint64_t
        available; /* what the machine has for us now: MemAvailable, or what our cgroups leave */
} infer_plan_memory;

/* Known before loading; loading asks `available` anew. */
INFER_API void infer_plan_get_memory(const infer_plan *plan, infer_plan_memory *memory);

typedef struct infer_plan_info {
    uint32_t context, batch, threads, sessions, logit_rows, checkpoints;
    const char *isa;                 /* static */
    const char *kv;                  /* static */
    uint64_t weight_bytes_per_token; /* read from memory for one token of decoding */
    uint64_t ops_per_token;          /* multiplies and adds of all matrices, for one token */
} infer_plan_info;

/* The options with every default filled in, and the work of a token. */
INFER_API void infer_plan_get_info(const infer_plan *plan, infer_plan_info *info);

/* The steps, one line each, as text for a person. INFER_E_RANGE tells the need (as
 * infer_detokenize). */
INFER_API infer_status infer_plan_explain(const infer_plan *plan, char *text, size_t capacity,
                                          size_t *len, infer_error *err);

/* Takes the memory and starts the threads. Refuses with INFER_E_MEMORY where the machine has less
 * than the plan says (unless overcommit). Loading twice does nothing. */
INFER_API infer_status infer_plan_load(infer_plan *plan, infer_progress progress, void *ud,
                                       infer_error *err);

/* Whether infer_plan_load has succeeded: then sessions can be made. */
INFER_API bool infer_plan_loaded(const infer_plan *plan);

/* ---- Session ------------------------------------------------------------------------------- */

typedef struct infer_session infer_session;

/* Needs a loaded plan. Evaluations of one plan's sessions take turns. */
INFER_API infer_status infer_session_new(infer_plan *plan, infer_session **session,
                                         infer_error *err);
INFER_API void infer_session_free(infer_session *session);

typedef struct infer_session_options {
    size_t size;
    const infer_model_options *model; /* NULL: defaults */
    const infer_plan_options *plan;   /* NULL: defaults */
    infer_progress progress;          /* of loading; NULL allowed */
    void *progress_ud;
} infer_session_options;

/* The simple way: opens the model, plans, loads, makes a session; NULL options: defaults. With a
 * context of 4096 tokens:
 *
 *     infer_plan_options plan = {.size = sizeof plan, .context = 4096};
 *     infer_session_options options = {.size = sizeof options, .plan = &plan};
 *     status = infer_session_open("model.gguf", &options, &session, &err);
 */
INFER_API infer_status infer_session_open(const char *path, const infer_session_options *options,
                                          infer_session **session, infer_error *err);

/* The model of a session; borrowed until the session is freed. */
INFER_API infer_model *infer_session_model(const infer_session *session);
INFER_API infer_plan *infer_session_plan(const infer_session *session);

/* Appends ids[count] and evaluates them. `want` (NULL: the last alone) has count bools: the
 * positions whose logits are kept, in order, for infer_session_logits. On any failure the session's
 * tokens are as before the call and no logits are kept: INFER_E_CONTEXT where they do not fit,
 * INFER_E_NUMERIC names the step. */
INFER_API infer_status infer_session_eval(infer_session *session, const infer_token *ids,
                                          size_t count, const bool *want, infer_error *err);

/* One token for each of `count` sessions of one plan, in one pass; the logits of each are kept. On
 * failure all are as before. */
INFER_API infer_status infer_session_eval_batch(infer_session *const *sessions,
                                                const infer_token *ids, size_t count,
                                                infer_error *err);

/* Makes ids[count] the session's tokens: keeps the common prefix, drops the rest, evaluates what is new
 * (the last token again where nothing is new). *kept (NULL allowed) is the prefix's length; where the
 * evaluation fails or is cancelled the session holds that prefix. */
INFER_API infer_status infer_session_sync(infer_session *session, const infer_token *ids,
                                          size_t count, size_t *kept, infer_error *err);

/* Drops all tokens from position `count` on; the logits kept are gone. A recurrent state cannot go
 * back: the next eval takes the nearest checkpoint and evaluates the tokens behind it again (counted
 * in stats.tokens_repeated). The same holds after a failed or cancelled eval. */
INFER_API infer_status infer_session_rewind(infer_session *session, size_t count, infer_error *err);

/* The tokens evaluated so far; borrowed until the session changes. */
INFER_API const infer_token *infer_session_tokens(const infer_session *session, size_t *count);

/* The row-th logits that the last eval kept: vocab_size floats, borrowed until the session changes.
 * NULL where there is no such row. */
INFER_API const float *infer_session_logits(const infer_session *session, size_t row);

/* The embedding of the text that the last eval was given: embedding_length (infer_model_info) floats of
 * length 1, pooled as the file says; borrowed until the session changes. NULL where there is none. In a plan
 * that makes embeddings each eval is a text of its own and begins an empty session: tokenise it with
 * ADD_SPECIAL | PLAIN, eval it, read this. A file that names no pooling makes no such plan. */
INFER_API const float *infer_session_embedding(const infer_session *session);

/* Asks the eval in progress, or the next one where none is, to stop: from any thread, and from a signal
 * handler. eval, sync and eval_batch then return INFER_E_CANCELLED, infer_generate* INFER_OK with
 * INFER_STOP_CANCELLED. It is heard between two pieces of work, some milliseconds. */
INFER_API void infer_session_cancel(infer_session *session);

/* Forgets a cancel that came too late to stop anything: call it before the next turn. */
INFER_API void infer_session_clear_cancel(infer_session *session);

/* Writes the session (tokens and KV, no logits) by temporary file and rename, and reads it back into
 * a session of any plan of the same model with the same KV type, `exact` and `approx`, whose context
 * holds its tokens. The messages of infer_chat are not in it: keep them, and give it all of them after a
 * restore; it evaluates what is new alone. A file that is not there, is no saved session, is cut off, or
 * belongs to another model or other settings (the error says which) leaves the session as it was; where
 * only reading all of it shows the damage (INFER_E_FORMAT of a checksum or token, INFER_E_IO) the session
 * is empty and usable. */
INFER_API infer_status infer_session_save(infer_session *session, const char *path,
                                          infer_error *err);
INFER_API infer_status infer_session_restore(infer_session *session, const char *path,
                                             infer_error *err);

typedef struct infer_session_stats {
    uint64_t tokens_evaluated;           /* since the session was made */
    uint64_t prefill_tokens, prefill_ns; /* evals of more than one token */
    uint64_t decode_tokens, decode_ns;   /* evals of one token */
    uint64_t tokens_repeated; /* evaluated again for a recurrent state, in none of the above */
} infer_session_stats;

/* Counted since the session was made; evals that failed are not. */
INFER_API void infer_session_get_stats(const infer_session *session, infer_session_stats *stats);

/* ---- Sampling ------------------------------------------------------------------------------ */

typedef struct infer_sampler infer_sampler;

/* The steps run in this order: logit bias, penalties, DRY, top-k, typical, top-p, min-p, XTC,
 * temperature, choice. A field left zero switches its step off; temperature 0 is greedy (the
 * likeliest token) and runs bias, penalties and DRY alone before it. Probabilities in top-k to XTC
 * are those among the tokens that the steps before have left. On a tie the lower id comes first,
 * and no step leaves nothing. The same options, seed and calls pick the same tokens on every
 * machine. */
typedef struct infer_sampler_options {
    size_t size;
    const infer_allocator *allocator; /* copied; NULL: malloc */
    float temperature; /* 0: greedy; the steps from top-k on and the seed then do nothing */
    uint32_t top_k;
    float top_p;     /* keeps the smallest set that reaches p; 0 and 1: off */
    float min_p;     /* 0 ... 1: drops what is less likely than min_p x the likeliest */
    float typical_p; /* locally typical sampling, Meister et al. 2022; 0 and 1: off */
    uint64_t seed;

    uint32_t penalty_last;    /* last tokens that the three below look at; 0: 64 */
    float repetition_penalty; /* CTRL: > 1 divides positive logits, multiplies negative ones; 0: off
                               */
    float frequency_penalty;  /* subtracted once for each time; may be negative, as the next */
    float presence_penalty;   /* subtracted once */

    float dry_multiplier; /* DRY: multiplier x base^(match length - allowed length) is subtracted */
    float dry_base;       /* at least 1; 0: 1.75 */
    uint32_t dry_allowed_length; /* 0: 2 */
    uint32_t dry_last;           /* tokens looked at; 0: all accepted (at most 4096) */
    const infer_token
        *dry_breakers; /* tokens that a repeated sequence does not run across; copied */
    size_t dry_breaker_count;

    float xtc_probability; /* chance that all but the least likely token above the threshold go */
    float xtc_threshold;   /* a probability; both must be above 0 */

    int mirostat;       /* 2: mirostat 2.0, after temperature, in place of top-k to XTC; 0: off */
    float mirostat_tau; /* surprise aimed at, bits a token; 0: 5 */
    float mirostat_eta; /* how fast it is led there; 0: 0.1 */

    const struct infer_logit_bias *bias; /* copied; several for one id add up */
    size_t bias_count;
} infer_sampler_options;

typedef struct infer_logit_bias {
    infer_token id;
    float bias; /* added to the logit; -INFINITY forbids the token */
} infer_logit_bias;

/* What `infer run` uses: temperature 0.8, top-k 40, top-p 0.95, min-p 0.05, the seed given. */
INFER_API void infer_sampler_defaults(infer_sampler_options *options, uint64_t seed);

/* INFER_E_ARGUMENT names a field that is out of its range (NaN included). NULL options: greedy. */
INFER_API infer_status infer_sampler_new(const infer_sampler_options *options, uint32_t vocab_size,
                                         infer_sampler **sampler, infer_error *err);
INFER_API void infer_sampler_free(infer_sampler *sampler);

/* Picks a token from logits[vocab_size], which are not changed; takes no memory. Only the random
 * numbers go on: what the penalties, DRY and mirostat remember is changed by accept alone.
 * INFER_E_NUMERIC where a logit is NaN or +infinite (the lowest such id is named), or all are
 * -infinite, by themselves or by the bias. A token of logit -infinity is never picked. */
INFER_API infer_status infer_sampler_sample(infer_sampler *sampler, const float *logits,
                                            infer_token *id, infer_error *err);

/* Tells the sampler that a token became part of the text (for penalties, DRY, mirostat): those of
 * the prompt too, where they shall count. Mirostat learns from it if it is the one picked last.
 * INFER_E_ARGUMENT where the id is not in the vocabulary. */
INFER_API infer_status infer_sampler_accept(infer_sampler *sampler, infer_token id,
                                            infer_error *err);

/* ---- Grammars ------------------------------------------------------------------------------ */

/*
 * A grammar says which texts may be made: with one, a sampler picks only tokens after which the text can
 * still become one of them, and the text ends only where it is one.
 *
 *     infer_grammar *g;
 *     const char *json = "{\"type\": \"object\", \"properties\": {\"age\": {\"type\": \"integer\"}},"
 *                        " \"required\": [\"age\"], \"additionalProperties\": false}";
 *     infer_grammar_new(model, INFER_GRAMMAR_JSON_SCHEMA, json, strlen(json), &g, &err);
 *     infer_sampler_grammar(sampler, g, &err);
 *     infer_grammar_free(g);                       the sampler keeps it
 *     infer_generate(session, sampler, prompt, 200, print_text, NULL, NULL, &err);
 */
typedef struct infer_grammar infer_grammar;

typedef enum infer_grammar_kind {
    /* Rules `name ::= ...` of "literals", [classes], (groups), . | ? * + {m,n} and # comments; the text
     * is what `root` matches. A rule ends with its line, outside parentheses. One that comes to itself before
     * any character is refused. */
    INFER_GRAMMAR_GBNF = 0,
    /* A JSON Schema, draft 2020-12; the text is a JSON value. Members come in the order of `properties`,
     * others behind them. What cannot be held exactly is refused, among it not, if, contains, uniqueItems, dependent* and
     * unevaluated*, and oneOf whose choices may overlap. A string or number without a bound may go on to the
     * limit of tokens: give maxLength, minimum and maximum to small models. */
    INFER_GRAMMAR_JSON_SCHEMA
} infer_grammar_kind;

/* Compiles a grammar for the vocabulary of a model, which it keeps. May be used by any number of samplers
 * and threads. INFER_E_FORMAT: the text is wrong, with line and column, or nothing fits it;
 * INFER_E_UNSUPPORTED: a schema asks for what this build does not know, with a JSON pointer to it (no
 * part of a schema is ever left out); INFER_E_LIMIT: it is too large. */
INFER_API infer_status infer_grammar_new(infer_model *model, infer_grammar_kind kind,
                                         const char *text, size_t len, infer_grammar **grammar,
                                         infer_error *err);
INFER_API void infer_grammar_free(infer_grammar *grammar);

/* Holds a sampler to a grammar from its next token on, from the start of a text (so again before each
 * text); NULL: no longer. The sampler keeps the grammar. From then on
 * - infer_sampler_sample gives every token that does not fit the logit -infinity, before all other steps.
 *   Tokens that end a text fit where the grammar can end, other tokens without text nowhere.
 *   INFER_E_UNSUPPORTED where no token of the vocabulary fits, naming byte and rule. It may take memory;
 * - infer_sampler_accept moves the grammar on, and refuses with INFER_E_ARGUMENT, changing nothing, a
 *   token that does not fit: accept those of a prompt before;
 * - infer_generate_more leaves thoughts free, and lets the answer alone be held.
 * Only INFER_STOP_END and INFER_STOP_STOP say that the text is a whole one; after INFER_STOP_LIMIT,
 * INFER_STOP_CONTEXT or INFER_STOP_CANCELLED it is the beginning of one, which infer_generate_more with the
 * same sampler goes on with. Once the text has ended the sampler makes no token (INFER_E_ARGUMENT) until
 * this is called again.
 * INFER_E_ARGUMENT where the grammar is for a vocabulary of another size; infer_generate* compares the
 * tokens themselves. */
INFER_API infer_status infer_sampler_grammar(infer_sampler *sampler, infer_grammar *grammar,
                                             infer_error *err);

typedef struct infer_logprob {
    infer_token id;
    float logprob; /* natural logarithm */
} infer_logprob;

/* The `count` (at most vocab_size) likeliest tokens of the raw logits (before all steps) with their
 * log probabilities, likeliest first, the lower id first on a tie. Takes no memory. INFER_E_NUMERIC
 * as infer_sampler_sample. */
INFER_API infer_status infer_logprobs(const float *logits, uint32_t vocab_size, infer_logprob *top,
                                      size_t count, infer_error *err);

/* ---- Generation ---------------------------------------------------------------------------- */

typedef enum infer_stop {
    INFER_STOP_END = 0,  /* the model ended its text */
    INFER_STOP_LIMIT,    /* max_tokens were made */
    INFER_STOP_STOP,     /* a stop text appeared; it is not part of the output */
    INFER_STOP_CONTEXT,  /* the context is full */
    INFER_STOP_CANCELLED /* infer_session_cancel, or on_text returned false */
} infer_stop;

/* "end", "limit", "stop", "context", "cancelled"; static. */
INFER_API const char *infer_stop_name(infer_stop stop);

/* Text as it comes: whole UTF-8 characters wherever the model makes them, never a part of a stop
 * text. Return false to stop. */
typedef bool (*infer_on_text)(void *ud, const char *text, size_t len);

/* Where a model thinks before it answers: the tokens that a thought stands between. They are told by
 * their ids, so a text that spells them is a text. infer_template_thought fills it. */
typedef struct infer_thought {
    infer_token begin, end; /* -1: the model has no such tokens */
    infer_token
        head;  /* ends the name of a channel behind `begin`, of which "final" is the answer; -1:
                        * there are no names */
    bool open; /* the prompt ends within a thought */
    size_t max_tokens; /* of thought: `end` is then put in place of the next; SIZE_MAX: no limit */
} infer_thought;

typedef struct infer_generate_options {
    size_t size;
    infer_sampler *sampler;  /* NULL: greedy */
    size_t max_tokens;       /* 0: as many as the context holds */
    const char *const *stop; /* NUL-terminated texts that end the generation */
    size_t stop_count;
    infer_on_text on_text;
    /* Each token made, in order, one that ends the text too; `logits` are those it was picked from.
     */
    void (*on_token)(void *ud, infer_token id, const float *logits);
    void *ud;
    const infer_thought *thought; /* NULL, or begin -1: all that is made is answer */
    infer_on_text on_thought;     /* as on_text, for thoughts, which then are no part of the text */
} infer_generate_options;

typedef struct infer_generated {
    infer_stop stop;
    size_t tokens; /* made, the one that ended the text not counted */
} infer_generated;

/* Goes on from the session's last token (evaluated again where its logits are gone: after rewind and
 * restore) until something ends the text. Gives each token made to infer_sampler_accept; those of the
 * prompt are yours to accept, where penalties are to see them. options, result and every callback may
 * be NULL; callbacks must not call this session, infer_session_cancel aside.
 * Afterwards the session holds every token made (of a stop text too: rewind to drop it), but not one
 * that ended the text (INFER_STOP_END), and not the last where the context is full: called again, it would
 * make that one again.
 * INFER_E_ARGUMENT where the sampler or its grammar is for another vocabulary. Where the call fails *result
 * is INFER_STOP_LIMIT with the tokens made so far. */
INFER_API infer_status infer_generate_more(infer_session *session,
                                           const infer_generate_options *options,
                                           infer_generated *result, infer_error *err);

/* The simple way: tokenises prompt (with bos as the file asks; control tokens in it count), syncs the
 * session to it, generates at most max_tokens (0: as many as the context holds), streams the text. */
INFER_API infer_status infer_generate(infer_session *session, infer_sampler *sampler,
                                      const char *prompt, size_t max_tokens, infer_on_text on_text,
                                      void *ud, infer_generated *result, infer_error *err);

/* ---- Chat ---------------------------------------------------------------------------------- */

/*
 * A chat template makes a prompt of a conversation. It is a program in the model's file, in Jinja; here
 * it reaches nothing but the variables it is given, and its steps, depth, memory and output are limited.
 *
 *     infer_template *t;
 *     const infer_span *spans;
 *     size_t span_count, count;
 *     const char *json = "{\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}],"
 *                        " \"add_generation_prompt\": true}";
 *     infer_template_new(model, NULL, 0, &t, &err);
 *     infer_template_render(t, json, strlen(json), NULL, &spans, &span_count, &err);
 *     infer_template_tokens(t, ids, capacity, &count, &err);
 *     infer_session_sync(session, ids, count, NULL, &err);
 *     infer_generate_more(session, &options, &made, &err);
 *     infer_template_free(t);
 *
 * infer_chat does all of that, and keeps what was made. Strings must be sound JSON: UTF-8, quotes and control characters escaped.
 */
typedef struct infer_template infer_template;

/* Makes a template from text[len], or (text NULL) the one of the model's own file. model NULL: one for
 * rendering alone. INFER_E_UNSUPPORTED where the file has none, INFER_E_TEMPLATE with line and column
 * where it cannot be read; no other takes its place. One thread at a time. */
INFER_API infer_status infer_template_new(infer_model *model, const char *text, size_t len,
                                          infer_template **t, infer_error *err);
INFER_API void infer_template_free(infer_template *t);

/* A stretch of a prompt: literal where the template itself says it (and bos_token, eos_token), else
 * content: what comes from the variables, through whatever filters. Only in literal text may control
 * tokens stand. */
typedef struct infer_span {
    const char *text; /* not NUL-terminated */
    size_t len;       /* never 0 */
    bool literal;
} infer_span;

/* Renders with the members of a JSON object as variables: messages, tools, add_generation_prompt, ...
 * A member that is not there is undefined; bos_token and eos_token are then the model's. *local_time is
 * what strftime_now shows, as seconds since 1970 by the local clock; NULL: the template has no clock.
 * The spans in order are the prompt; borrowed until the next call with this template. INFER_E_FORMAT:
 * the JSON; INFER_E_TEMPLATE, INFER_E_LIMIT: the template, with line and column. */
INFER_API infer_status infer_template_render(infer_template *t, const char *variables, size_t len,
                                             const int64_t *local_time, const infer_span **spans,
                                             size_t *count, infer_error *err);

/* The ids of what was rendered last, for a template made with a model; bos is put before them where the
 * file asks for it and the prompt does not begin with it. Special tokens count where they stand wholly in
 * one literal span. In content no control token counts, nor any other special token that looks like markup
 * or that the template uses. As infer_tokenize: INFER_E_RANGE tells the need. */
INFER_API infer_status infer_template_tokens(infer_template *t, infer_token *ids, size_t capacity,
                                             size_t *count, infer_error *err);

/* How the model of a template thinks: from its vocabulary and the template's text. ids[count] is the
 * prompt, for `open` (NULL: not open). */
INFER_API infer_status infer_template_thought(const infer_template *t, const infer_token *ids,
                                              size_t count, infer_thought *thought,
                                              infer_error *err);

/* ---- Tool calls ---------------------------------------------------------------------------- */

/*
 * What a model makes in a turn, as it comes: text, thoughts, calls of tools.
 *
 *     infer_tools_new(t, "[{\"name\": \"now\", \"description\": \"tells the time\"}]", 50, NULL, &tools, &err);
 *     infer_tools_begin(tools, ids, count, &err);        the prompt
 *     infer_tools_next(tools, id, bytes, len, on_event, NULL, &err);        each token made
 *     infer_tools_end(tools, made.stop, on_event, NULL, &err);
 *     infer_tools_free(tools);
 *
 * The `raw` of all events of a turn, one behind the other, are the bytes of the tokens made: none is lost,
 * and none comes twice. A marker that is a special token of the vocabulary counts only as that token: text
 * that spells it is text.
 */
typedef enum infer_event_kind {
    INFER_EVENT_TEXT = 0,   /* a piece of the answer */
    INFER_EVENT_THOUGHT,    /* a piece of a thought */
    INFER_EVENT_CALL_BEGIN, /* a call has begun: `name` is known */
    INFER_EVENT_ARGUMENT, /* a piece of the call's arguments, as JSON: together they are those of CALL_DONE */
    INFER_EVENT_CALL_DONE, /* `text` is all of the arguments: a JSON object */
    /* What began as a call (with or without a CALL_BEGIN) is none; `text` says why. An event of kind TEXT
     * follows whose `text` is all that was made of it, and its `raw` what no event had shown. */
    INFER_EVENT_CALL_BROKEN,
    INFER_EVENT_MARK, /* bytes of the format alone, which are no part of anything: `text` is empty */
    INFER_EVENT_END   /* the turn is over: the last event; `stop` says why */
} infer_event_kind;

/* One event; its texts are valid during the call of the callback alone. */
typedef struct infer_event {
    infer_event_kind kind;
    const char *text; /* whole characters, wherever the model makes such; not NUL-terminated */
    size_t text_len;
    const char *raw; /* the generated bytes that this event stands for */
    size_t raw_len;
    size_t call;      /* of the CALL_ and ARGUMENT events: 0 for the first call of the turn */
    const char *name; /* of the same: the tool's name, NUL-terminated; "" where it is not known */
    const char *id;  /* of the same: the call's id, as the model wrote it or made here; as `name` */
    infer_stop stop; /* of END */
} infer_event;

/* Returning false stops the turn (INFER_STOP_CANCELLED); the events of that token still come. */
typedef bool (*infer_on_event)(void *ud, const infer_event *event);

typedef enum infer_tool_choice {
    INFER_TOOLS_AUTO = 0, /* the model may call tools */
    INFER_TOOLS_NONE,     /* it is told of them, and calls none: what looks like a call is text */
    INFER_TOOLS_REQUIRED, /* it must call one at least */
    INFER_TOOLS_NAMED     /* it must call the one named */
} infer_tool_choice;

typedef struct infer_tools_options {
    size_t size;
    infer_tool_choice choice;
    const char *name; /* of INFER_TOOLS_NAMED */
    /* Hold names and arguments to the tools' schemas by a grammar, wherever a call begins; REQUIRED and
     * NAMED always do, from where the answer begins. A schema that cannot be held exactly is refused. */
    bool strict;
    bool one_call; /* at most one call in a turn; else several, where the family knows them */
} infer_tools_options;

typedef struct infer_tools infer_tools;

/* Makes the reader of a template's family for some tools: a JSON array of {"type": "function", "function":
 * {"name", "description", "parameters": a JSON Schema}}, or of the inner objects alone. The template (made
 * with a model) may be freed before. options NULL: the default. INFER_E_FORMAT: the JSON, a name that no
 * format could hold, or two tools of one name, with its place; INFER_E_UNSUPPORTED: a schema that is to be
 * held, with a JSON pointer; INFER_E_ARGUMENT: REQUIRED without tools, or no tool of the name. The options
 * hold for good; several infer_tools of one model do not disturb each other. Give "additionalProperties":
 * false in the parameters: it keeps small models from inventing members where calls are held to the schema.
 * One thread at a time. */
INFER_API infer_status infer_tools_new(infer_template *t, const char *tools, size_t len,
                                       const infer_tools_options *options, infer_tools **out,
                                       infer_error *err);
INFER_API void infer_tools_free(infer_tools *tools);

/* The family whose form of calls is read: "hermes", "llama", "mistral", ..., "json" for the general one;
 * static. */
INFER_API const char *infer_tools_family(const infer_tools *tools);

/* What a prompt must say of the tools: NULL where the template says it itself (of its variable `tools`);
 * for a template that does not, a text for the system message, with the family's form of a call, which
 * infer_chat puts there by itself. Borrowed until `free`. */
INFER_API const char *infer_tools_prompt(const infer_tools *tools);

/* Begins a turn; ids[count] is its prompt (NULL: one that ends outside a thought). */
INFER_API infer_status infer_tools_begin(infer_tools *tools, const infer_token *ids, size_t count,
                                         infer_error *err);

/* Takes the next token made and its bytes (infer_token_bytes), and tells what it brings; the token that ends
 * the turn is not given. `id` -1: bytes alone, for text that comes without tokens; markers are then found in
 * it by their text. INFER_E_CANCELLED where on_event (NULL allowed) said so. */
INFER_API infer_status infer_tools_next(infer_tools *tools, infer_token id, const char *bytes,
                                        size_t len, infer_on_event on_event, void *ud,
                                        infer_error *err);

/* Ends a turn: what was held back comes as it is, then END. */
INFER_API infer_status infer_tools_end(infer_tools *tools, infer_stop stop, infer_on_event on_event,
                                       void *ud, infer_error *err);

/* ---- Conversations ------------------------------------------------------------------------- */

/*
 * Messages in, events out, and what the session has evaluated stays (examples/chat.c is a whole program,
 * examples/tool_turn.c one with a tool):
 *
 *     const char *messages = "[{\"role\": \"user\", \"content\": \"hi\"}]";
 *     infer_chat_options options = {.size = sizeof options, .on_event = show};
 *     infer_chat(session, messages, strlen(messages), &options, &result, &err);
 *     infer_chat_message(session, answer, capacity, &len, &err);
 *
 * For the next turn append the answer and what is said then, and call again with all of it. A message is an
 * object with `role` (system, user, assistant, tool) and `content`, a text; of the assistant perhaps with
 * `reasoning_content` and `tool_calls`: [{"id", "type": "function", "function": {"name", "arguments": an
 * object, or its JSON text}}]; of a tool with `tool_call_id` and `name`. Whatever else is in it the template
 * sees. Templates differ in what they want of calls (content null, arguments as text, one call of a message,
 * none at all): each gets the form that it writes, a template that knows no calls has them in the content.
 *
 * No message is lost in silence. INFER_E_FORMAT, with the place (`messages[1].role`): no role, or one that is
 * not of those above, nor `developer`, nor in quotes in the template's text; no content where there are no
 * calls; a content that is neither a text nor an array of parts (of a tool: or an object), which not every
 * template takes. INFER_E_TEMPLATE: what a system, developer or user says is not in the prompt, neither its
 * first nor its last word, as where a template skips the role.
 *
 * What infer_tools_prompt says stands in the prompt without the caller's doing: behind the words of the system
 * message (or as one), or before those of the user where the template has no system.
 */
typedef struct infer_chat_options {
    size_t size;
    /* NULL: greedy. What it remembers for penalties and DRY is made this prompt. A grammar that it holds to
     * is for the answer, from its start: set it before each turn; with tools that are held to theirs it
     * is INFER_E_ARGUMENT.
     * With other tools of INFER_TOOLS_AUTO it leaves no room for a call: to hold the answer that follows the
     * calls, give that turn the grammar and tools made with INFER_TOOLS_NONE, for which the prompt is the
     * same. */
    infer_sampler *sampler;
    infer_template *chat_template; /* made with the session's model; NULL: the one of its file */
    /* NULL: none; made of the template above or, where that is NULL, of one that infer_template_new made of
     * the file's own: what is asked is the same text. A turn begins and ends them. The choice stays as
     * infer_tools_new has it: for another (first REQUIRED, then AUTO) make two, and give each turn its own. */
    infer_tools *tools;
    /* A JSON object of further variables of the template, NUL-terminated; NULL: none. `messages` and
     * `add_generation_prompt` in it do not count, all else goes before what is set here. */
    const char *variables;
    const int64_t *local_time; /* as infer_template_render */
    bool prompt_only;          /* evaluates the prompt and makes nothing: INFER_STOP_LIMIT */
    size_t max_tokens;         /* 0: as many as the context holds */
    size_t max_thought_tokens; /* as infer_thought.max_tokens, but 0: no limit */
    bool no_thought; /* asks the template for none (enable_thinking, thinking, thinking_budget), and
                      * ends one that begins all the same */
    const char *const
        *stop; /* NUL-terminated texts that end the turn where they stand in the answer */
    size_t stop_count;
    infer_on_event on_event; /* INFER_EVENT_END comes last, unless the call fails */
    void (*on_token)(void *ud, infer_token id, const float *logits); /* as infer_generate_options */
    infer_progress progress; /* of evaluating the prompt, every two seconds or so */
    void *ud;                /* of all three */
} infer_chat_options;

typedef struct infer_chat_result {
    infer_stop stop;
    size_t prompt_tokens; /* of all messages */
    size_t kept_tokens; /* of those: not evaluated again, but for infer_session_rewind's repeats */
    size_t tokens;      /* made */
    size_t calls;       /* done */
    uint64_t prefill_ns, decode_ns; /* decode_ns 0: nothing was made */
    char
        why[200]; /* where and why no more was kept, for a person; "" where all that was there is */
} infer_chat_result;

/* Makes one turn of a JSON array of messages. Keeps of the session's tokens what is the same in the rendered
 * prompt: the ids that an answer was made of stay wherever their bytes are the same, though the tokenizer
 * might make others of them; everything else is what the tokenizer makes of it, from where the bytes
 * differ on. options and result may be NULL. A turn that is cancelled is INFER_OK with
 * INFER_STOP_CANCELLED, decode_ns 0 where the prompt was not yet read; what was made by then is what
 * infer_chat_message gives, and may be appended as any answer. The session holds what was evaluated
 * also where the call fails; INFER_E_FORMAT (the JSON), INFER_E_TEMPLATE, INFER_E_CONTEXT (the prompt does
 * not fit; result->prompt_tokens says what it has: leave messages out, none is left out here) and
 * INFER_E_ARGUMENT leave it as it was. Otherwise as infer_generate_more. */
INFER_API infer_status infer_chat(infer_session *session, const char *messages, size_t len,
                                  const infer_chat_options *options, infer_chat_result *result,
                                  infer_error *err);

/* Gives the last turn of infer_chat as a message, JSON text that may hold line breaks between its members and
 * items (none within a string): role, content (perhaps ""), reasoning_content
 * where it thought (without the line breaks around it), tool_calls where it called, arguments as objects.
 * What is not UTF-8 is U+FFFD. As infer_detokenize: INFER_E_RANGE tells the need. INFER_E_ARGUMENT where
 * there was no turn that made an answer. */
INFER_API infer_status infer_chat_message(const infer_session *session, char *text, size_t capacity,
                                          size_t *len, infer_error *err);

/* ---- Files --------------------------------------------------------------------------------- */

/* Both write the tensors of an open model as they are, byte for byte, and its metadata with them.
 * Files are written under other names beside their own and get those once all is on the disk; a
 * regular file that has the name is replaced (the model's own too: it stays as it was opened). On
 * any failure, or where `progress` (NULL allowed) returns false, nothing that was written is left.
 * Tensors of a type that this build does not know are INFER_E_UNSUPPORTED. */

/* Writes PREFIX-00001-of-0000N.gguf and so on, at most 1024 parts, the metadata in the first. A part
 * takes tensors in their order, up to max_tensors (0: any number) and until its file would have more
 * than max_bytes (0: any size); INFER_E_LIMIT where one tensor or the metadata alone has more. */
INFER_API infer_status infer_split(const infer_model *model, const char *prefix,
                                   uint64_t max_tensors, uint64_t max_bytes,
                                   infer_progress progress, void *ud, infer_error *err);

/* Writes a model, of one part or several, as one file. */
INFER_API infer_status infer_merge(const infer_model *model, const char *path,
                                   infer_progress progress, void *ud, infer_error *err);

#ifdef __cplusplus
}
#endif

#endif
