/*
 * The kernels: what each computes, to the bit.
 *
 * A kernel is a leaf function: no malloc, no I/O, no threads, no globals. kernels/ref/ states the
 * arithmetic in plain C; every other row of kernels.def gives the same bits, for any number of rows
 * and columns, on any instruction set. So the arithmetic below is a contract:
 *
 *   lanes     A sum over n floats is sixteen partial sums, s[i mod 16] = fma(a[i], b[i], s[i mod
 * 16]) in order of i from +0, then one tree: s[i] += s[i + 8], then + 4, + 2, + 1. block
 * Activations are int8 with a float scale for each 32 (op quantize). For an output element acc =
 * +0; for each sub-block j of the row in order (32 weights, or 16 by the form): acc =
 * fma((float)S_j, scale_j * xscale_(j's 32), acc),   S_j = sum of q * x, exact S32_MIN then does,
 * after each block of 32, acc = fma((float)X_j, min_j * xscale_j, acc),            X_j = sum of x,
 * exact and the MIN256 forms, after the last sub-block of each 256, acc = fma(-(float)M, dmin *
 * xmscale, acc),   M = sum of m_j * xm_j, exact in int32 with xm and xmscale as op quantize makes
 * them. float     F32, F16, BF16 weights: the lanes sum of weight and activation, both as float.
 * Everything is compiled with -ffp-contract=off and fma is written where it is meant. Subnormals
 * count. Where an input is NaN or infinite the output is not finite, but its bits are free;
 * the sign and payload of a NaN always are.
 */
#ifndef INF_KERNEL_H
#define INF_KERNEL_H

#include "formats/half.h"
#include "formats/type.h"

/* ---- Activations as int8 ----------------------------------------------------------------- */

/*
 * One column of K activations, K a multiple of 32, as op quantize writes it. Offsets in bytes:
 *
 *     0       int8_t  q[K]          x = q * scale, |q| <= 127
 *     K       float   scale[K/32]
 *             int32_t neg32[K/32]   -128 * sum of the 32 q:  what a panel of u8 = weight + 128 owes
 *             int32_t neg16[K/16]   the same for each 16
 *             float   mscale32[K/256], mscale16[K/256]
 *             int16_t xm32[K/256][8], xm16[K/256][16]       (whole 256s alone)
 *
 * A column starts at a multiple of 64 bytes.
 */
static inline size_t inf_acts_scale_at(size_t k)
{
    return k;
}
static inline size_t inf_acts_neg32_at(size_t k)
{
    return k + k / 32 * 4;
}
static inline size_t inf_acts_neg16_at(size_t k)
{
    return k + k / 32 * 8;
}
static inline size_t inf_acts_mscale32_at(size_t k)
{
    return k + k / 32 * 16;
}
static inline size_t inf_acts_mscale16_at(size_t k)
{
    return inf_acts_mscale32_at(k) + k / 256 * 4;
}
static inline size_t inf_acts_xm32_at(size_t k)
{
    return inf_acts_mscale32_at(k) + k / 256 * 8;
}
static inline size_t inf_acts_xm16_at(size_t k)
{
    return inf_acts_mscale32_at(k) + k / 256 * 24;
}

/* Bytes from one column to the next: rounded up, and 64 more, so that columns do not share a set of
 * the first cache. */
static inline size_t inf_acts_stride(size_t k)
{
    return ((inf_acts_mscale32_at(k) + k / 256 * 56 + 63) & ~(size_t)63) + 64;
}

/*
 * Op quantize: x (k), k a multiple of 32, to one column at `column`. For each 32:
 *   largest = the largest |x| (compared as bits, so NaN > infinity > all else)
 *   largest not finite:  scale = NaN, q = 0
 *   largest < 2^-100:    scale = 0,   q = 0
 *   else scale = largest / 127.0f, inverse = 127.0f / largest, q = rint(x * inverse), half to even
 * For each whole 256, n = 8 sums of 32 (then n = 16 of 16): t_j = scale_j * (float)(sum of q),
 *   most = the largest |t_j| as bits; not finite: mscale = NaN, xm = 0; most < 2^-100: mscale = 0,
 * xm = 0 else mscale = most / 32767.0f, xm_j = rint(t_j * (32767.0f / most)) kept within +-32767
 */
struct inf_quantize_args {
    const float *x;
    size_t k;
    uint8_t *column;
};
typedef void inf_quantize_fn(const struct inf_quantize_args *args);

/* ---- Matrix product ------------------------------------------------------------------------ */

/*
 * Op matmul: out[c][r] = row r of w times column c of x, for r < rows, c < cols. Block types read
 * `acts` (int8 columns), FLOAT types read `x`. Column c is number x_cols[c] of the input and goes
 * to number out_cols[c] of the output; NULL means c itself. scratch: INF_MATMUL_SCRATCH bytes,
 * aligned to 64, of the calling thread. A kernel may read up to 64 bytes behind a row's end only if
 * it can know that they belong to w's rows; at the last row it must not. Rows need no alignment
 * whatever.
 */
/* cblas_sgemm of a BLAS, with its constants as int. */
typedef void inf_sgemm_fn(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                          const float *a, int a_stride, const float *b, int b_stride, float beta,
                          float *c, int c_stride);

struct inf_matmul_args {
    uint32_t type;    /* enum inf_type */
    const uint8_t *w; /* (rows, k), rows of row_bytes */
    size_t row_bytes, rows, k;
    const uint8_t *acts; /* columns of inf_acts_stride(k) */
    const float *x;      /* (columns, k), rows of x_stride floats */
    size_t x_stride;
    const uint32_t *x_cols, *out_cols;
    size_t cols;
    float *out; /* (columns, ...), rows of out_stride floats */
    size_t out_stride;
    uint8_t *scratch;
    inf_sgemm_fn *sgemm; /* approximate kernels alone */
};
typedef void inf_matmul_fn(const struct inf_matmul_args *args);

#define INF_MATMUL_SCRATCH ((size_t)256 << 10)

/* Calls for parts of a matrix begin at multiples of this many rows, so that panels are whole. */
#define INF_MATMUL_ROWS 32

/* The same for approximate kernels, which are for more than INF_APPROX_COLS columns. Such a kernel
 * may add up in any order: each result is within k * 2^-23 * sum |w * x| of the exact one. */
#define INF_APPROX_ROWS 128
#define INF_APPROX_COLS 128

/* ---- Rows of floats -------------------------------------------------------------------------- */

/* Op rmsnorm: r = 1.0f / sqrtf(S / (float)n + eps), S the lanes sum of x * x;
 * out[i] = (x[i] * r) * weight[i]. out may be x. */
struct inf_rmsnorm_args {
    const float *x, *weight;
    float *out;
    size_t n;
    float eps;
};
typedef void inf_rmsnorm_fn(const struct inf_rmsnorm_args *args);

/* Op layernorm: mean = S / (float)n, S the lanes sum of x * 1.0f; d[i] = x[i] - mean;
 * r = 1.0f / sqrtf(V / (float)n + eps), V the lanes sum of d * d; out[i] = fma(d[i] * r, weight[i],
 * bias[i]), without bias (NULL) (d[i] * r) * weight[i]. out may be x. */
struct inf_layernorm_args {
    const float *x, *weight, *bias;
    float *out;
    size_t n;
    float eps;
};
typedef void inf_layernorm_fn(const struct inf_layernorm_args *args);

/* Op rope: turns the first 2 * half numbers of each of `heads` heads (head_size apart) in place.
 * Pair i is (x[2i], x[2i + 1]) where adjacent, else (x[i], x[i + half]):
 *   a' = fma(a, cos[i], -(b * sin[i])),  b' = fma(a, sin[i], b * cos[i]) */
struct inf_rope_args {
    float *x;
    size_t heads, head_size, half;
    const float *cos, *sin; /* (half) */
    bool adjacent;
};
typedef void inf_rope_fn(const struct inf_rope_args *args);

/* Op glu: out[i] = f(gate[i]) * up[i]; f(gate[i]) where up is NULL. out may be gate or up.
 * silu: f(x) = x / (1.0f + exp(-x)), exp as inf_exp (below).
 * gelu: f(x) = x / (1.0f + exp(-2u)), u = 0.7978845608f * fma(0.044715f * (x * x), x, x), the tanh
 * form; -2u computed as -1.5957691216f * fma(...).
 * erf gelu: f(x) = (x < 0 ? 0 : x) - h, what erfc leaves: with a = x < 0 ? -x : x, t = 0.70710678f *
 * a, k = 1.0f / fma(0.3275911f, t, 1.0f), erfc(t) is about p * exp(-(t * t)) (Abramowitz and Stegun
 * 7.1.26, 1.5e-7), p = c5; p = fma(p, k, c4) ... fma(p, k, c1); p = p * k; h = (0.5f * a) * (p *
 * exp).
 * squared relu: f(x) = m * m, m = x < 0 ? 0 : x.  sigmoid: f(x) = 1.0f / (1.0f + exp(-x)).
 * linear: f(x) = x.
 * clamped swiglu (with up alone): with g = limit < gate ? limit : gate and u = up kept so within
 * +-limit, out = (g / (1.0f + exp(-1.702f * g))) * (u + 1.0f), limit 7.0f.
 * xielu (without up): x > 0: fma(positive * x, x, beta * x); else, with m = eps < x ? eps : x,
 * fma((exp(m) - 1.0f) - x, negative, beta * x) (Huang 2024, arXiv 2411.13010). */
enum inf_activation {
    INF_SILU,
    INF_GELU_TANH,
    INF_GELU_ERF,
    INF_RELU_SQUARED,
    INF_SWIGLU_CLAMPED,
    INF_SIGMOID,
    INF_LINEAR,
    INF_XIELU
};
#define INF_SWIGLU_LIMIT 7.0f
#define INF_SWIGLU_ALPHA 1.702f
#define INF_ERFC_C1 0.254829592f
#define INF_ERFC_C2 (-0.284496736f)
#define INF_ERFC_C3 1.421413741f
#define INF_ERFC_C4 (-1.453152027f)
#define INF_ERFC_C5 1.061405429f
struct inf_xielu {
    float positive, negative, beta, eps;
};
struct inf_glu_args {
    const float *gate, *up;
    float *out;
    size_t n;
    enum inf_activation activation;
    const struct inf_xielu *xielu; /* of that activation */
};
typedef void inf_glu_fn(const struct inf_glu_args *args);

/* Op softcap: x[i] = soft_cap(x[i], cap) + (x[i] - x[i]) in place: what is not finite stays so.
 * soft_cap(x, cap) = cap * tanh(x / cap), as e = inf_exp(x * (2.0f / cap)),
 * fma(-2.0f * cap, 1.0f / (e + 1.0f), cap). */
struct inf_softcap_args {
    float *x;
    size_t n;
    float cap;
};
typedef void inf_softcap_fn(const struct inf_softcap_args *args);

/*
 * inf_exp(x): t = rint(x * log2e), half to even; r = fma(t, -ln2_hi, x), r = fma(t, -ln2_lo, r);
 * p = the polynomial below by Horner's rule in fma; the result p * 2^t, made in two exact steps of
 * powers (2^(t/2) twice, t/2 rounded down) so that subnormal results come out right.
 * x < -104: 0; x > 89: infinity; NaN stays NaN (the comparisons are written so).
 */
#define INF_EXP_LOG2E 1.44269504f
#define INF_EXP_LN2_HI 0.693359375f
#define INF_EXP_LN2_LO (-2.12194440e-4f)
/* p = 1 + r + r^2 * (c2 + r * (c3 + r * (c4 + r * (c5 + r * (c6 + r * c7))))) (Cephes' expf), as
 * h = c7; h = fma(h, r, c6) ... fma(h, r, c2); h = fma(h, r * r, r); p = h + 1 */
#define INF_EXP_C2 5.0000001201e-1f
#define INF_EXP_C3 1.6666665459e-1f
#define INF_EXP_C4 4.1665795894e-2f
#define INF_EXP_C5 8.3334519073e-3f
#define INF_EXP_C6 1.3981999507e-3f
#define INF_EXP_C7 1.9875691500e-4f

/* ---- KV cache and attention ------------------------------------------------------------------ */

enum inf_kv { INF_KV_F16, INF_KV_F32, INF_KV_BF16, INF_KV_Q8_0 }; /* as infer_kv_type */

/* Numbers that share a scale where the cache is q8_0. */
#define INF_KV_BLOCK 16

/* Positions of one tile of attention, counted from position 0, in prefill and decoding alike. */
#define INF_ATTN_TILE 256

/*
 * The cache of one KV head. K stands in groups of 16 positions, transposed, so that the lanes of a
 * score are positions; V row by row:
 *     K: [position / 16][k_size][16] numbers; with q8_0 each group is int8 [k_size][16], then
 *        half scale [k_size / INF_KV_BLOCK][16]
 *     V: [position][v_size] numbers; with q8_0 each row is int8 [v_size], then
 *        half scale [v_size / INF_KV_BLOCK]
 * This q8_0 is like the type of that name in files, but has a scale for every 16 numbers instead of
 * 32: 9 bits a number. A scale is half(largest / 127.0f), and q = rint(x * (1.0f / float(that
 * half))), kept within +-127 (scale 0: q = 0); a number is (float)q * float(scale). The sizes are
 * multiples of 8 (q8_0: of INF_KV_BLOCK). Both parts have room for a multiple of INF_ATTN_TILE
 * positions. A cache without V is that of a latent: V is the first v_size numbers of K, rounded as
 * those are.
 */
static inline size_t inf_kv_row_bytes(enum inf_kv kv, size_t size)
{
    if (kv == INF_KV_Q8_0)
        return size + size / INF_KV_BLOCK * 2;
    return kv == INF_KV_F32 ? size * 4 : size * 2;
}

/* Op kv_store: k (k_size) and v (v_size) of one position to their places; v_size 0: k alone. */
struct inf_kv_store_args {
    enum inf_kv kv;
    const float *k, *v;
    size_t k_size, v_size, position;
    uint8_t *k_head, *v_head; /* of position 0 */
};
typedef void inf_kv_store_fn(const struct inf_kv_store_args *args);

/*
 * Op attn: rows of queries against one tile of one KV head. For row r and position p of the tile:
 *   score = acc over d ascending, acc = fma(K[p][d], q[r][d], acc) from +0 (queries come scaled)
 *   with a cap: score = soft_cap(score, cap), as in op softcap
 *   allowed where first[r] <= p < end[r] (inside the tile; end <= INF_ATTN_TILE); else left out
 *   most[r] = the largest allowed score + 0.0f, so that a zero is +0
 *   weight[p] = inf_exp(score - most[r]), 0 where not allowed
 *   sum[r] = the lanes sum of weight[p] * 1.0f over the tile (lane = p mod 16)
 *   acc[r][d] = fma(weight[p], V[p][d], acc[r][d]) over allowed p ascending, from +0
 *
 * A row with nothing allowed gets most = -infinity, sum = 0, acc = 0. A position that a row is not
 * allowed adds nothing to it, not even where its K or V is not finite. V at or behind the largest
 * end of all rows is not read; K is, to the end of the group of 16, and does not count there.
 * scratch: inf_attn_scratch floats.
 */
struct inf_attn_args {
    enum inf_kv kv;
    const uint8_t *k_tile, *v_tile; /* at the tile's first position; v_tile NULL: V is K's begin */
    size_t k_size, v_size;
    float cap;      /* 0: none */
    const float *q; /* (rows, k_size), rows of q_stride floats */
    size_t q_stride, rows;
    const uint32_t *first, *end; /* (rows) */
    float *most, *sum;           /* (rows) */
    float *acc;                  /* (rows, v_size), rows of acc_stride floats */
    size_t acc_stride;
    float *scratch;
};
typedef void inf_attn_fn(const struct inf_attn_args *args);

/* Scores of each row, and V of a tile of latents. */
static inline size_t inf_attn_scratch(size_t rows, size_t v_size, bool latent)
{
    return (rows + (latent ? v_size : 0)) * INF_ATTN_TILE;
}

/*
 * Op attn_merge: folds a tile's result (most_t, sum_t, acc_t) into the running one, in order of
 * tiles. sum_t = 0: nothing.  sum = 0: the tile's result is taken over.  Else m = the larger most;
 * a = inf_exp(most - m), b = inf_exp(most_t - m); sum = fma(sum, a, sum_t * b); acc[d] =
 * fma(acc[d], a, acc_t[d] * b); most = m. A sink, a score with nothing behind it, is a running result
 * to begin with: most = the sink, sum = 1, acc = 0.
 */
struct inf_attn_merge_args {
    size_t v_size;
    float *most, *sum, *acc;
    float most_t, sum_t;
    const float *acc_t;
};
typedef void inf_attn_merge_fn(const struct inf_attn_merge_args *args);

/* ---- Recurrent layers -------------------------------------------------------------------------- */

/* Most taps of op conv. */
#define INF_CONV_TAPS 8

/*
 * Op conv: a causal convolution over the rows of one session, channel by channel and in place.
 * state (taps - 1, channels) holds the inputs before the first row, the oldest first, and afterwards
 * those before the row that comes next; 2 <= taps <= INF_CONV_TAPS. For row t and channel c
 *   acc = fma(weight[c][j], input[t - taps + 1 + j][c], acc) over j ascending, from +0
 *   acc = acc + bias[c] where there is a bias
 *   x[t][c] = acc, or with silu f(acc) of op glu
 */
struct inf_conv_args {
    float *x; /* (rows, channels), rows of x_stride floats */
    size_t x_stride, rows, channels, taps;
    const float *weight; /* (channels, taps) */
    const float *bias;   /* (channels) or NULL */
    float *state;        /* (taps - 1, channels), rows of state_stride floats */
    size_t state_stride;
    bool silu;
};
typedef void inf_conv_fn(const struct inf_conv_args *args);

/*
 * Op gates: what a head of a recurrence forgets and takes in, of one row. s = alpha + bias;
 *   e = inf_exp(-|s|), z = e / (2.0f + e), y = z * z, t = 2.0f * z
 *   h = 1/17; h = fma(h, y, 1/15) ... fma(h, y, 1/5); h = fma(h, y, 1/3)       (1/n as float)
 *   soft = (s > 0 ? s : +0) + fma(t * y, h, t)                    log(1 + exp(s)), by atanh's series
 *   g = inf_exp(a * soft);  beta = 1.0f / (1.0f + inf_exp(-raw)), soft where raw is NULL
 */
struct inf_gates_args {
    const float *alpha, *bias, *a, *raw; /* (n); beta may be raw, g alpha */
    float *g, *beta;
    size_t n;
};
typedef void inf_gates_fn(const struct inf_gates_args *args);

/*
 * Op recur: one head of a linear recurrence over the rows of one session. The state S (keys, values)
 * stands in groups of 16 values: [values / 16, rounded up][keys][16], zeros of either sign beyond the
 * values. With
 * sum4 of f(i) = four partial sums over i ascending, p[i mod 4] = fma(S[i][j], f(i), p[i mod 4])
 * from +0, then (p[0] + p[2]) + (p[1] + p[3]): for each row, and each j < values,
 *   u = beta * v[j], with `correct` beta * fma(-g, sum4 of k[i], v[j])          (the delta rule)
 *   S[i][j] = fma(k[i], u, g * S[i][j])
 *   out[j] = fma(skip, v[j], sum4 of q[i])                                      (with the new S)
 * The result of a row does not depend on how rows are cut into calls. out may be v.
 */
struct inf_recur_args {
    const float *k, *q; /* (rows, keys) */
    const float *v;     /* (rows, values); all three in rows of x_stride floats */
    size_t x_stride;
    const float *g, *beta; /* (rows), gate_stride floats apart */
    size_t gate_stride;
    float *out; /* (rows, values), rows of out_stride floats */
    size_t out_stride;
    float *state;
    size_t rows, keys, values;
    float skip;
    bool correct;
};
typedef void inf_recur_fn(const struct inf_recur_args *args);

/* Floats of a head's state. */
static inline size_t inf_recur_state(size_t keys, size_t values)
{
    return (values + 15) / 16 * 16 * keys;
}

/* ---- The table ---------------------------------------------------------------------------------
 */

/* Instruction set levels, in rising order of preference on one machine. */
enum inf_isa {
    INF_ISA_REF,
    INF_ISA_AVX2,   /* AVX2, FMA, F16C, BMI2 */
    INF_ISA_AVX512, /* F BW DQ VL VNNI VBMI VBMI2 BITALG: Ice Lake, Zen 4 and later */
    INF_ISA_NEON,
    INF_ISA_DOTPROD,
    INF_ISA_EXACT, /* not a level of a machine: float activations, sums in double */
    INF_ISA_BLAS,  /* no level either: approximate kernels, beside those of any level */
    INF_ISA_COUNT
};

enum inf_op {
    INF_OP_QUANTIZE,
    INF_OP_MATMUL, /* one for each type */
    INF_OP_RMSNORM,
    INF_OP_LAYERNORM,
    INF_OP_ROPE,
    INF_OP_GLU,
    INF_OP_SOFTCAP,
    INF_OP_KV_STORE,
    INF_OP_ATTN,
    INF_OP_ATTN_MERGE,
    INF_OP_CONV,
    INF_OP_GATES,
    INF_OP_RECUR,
    INF_OP_COUNT
};

/* The kernels of one level: where a level has no row of its own, that of the best level below it.
 */
struct inf_kernels {
    enum inf_isa isa;
    inf_quantize_fn *quantize;
    inf_matmul_fn *matmul[INF_TYPE_LIMIT]; /* NULL where the type is no matrix */
    inf_matmul_fn *approx[INF_TYPE_LIMIT]; /* for many columns; NULL where there is none */
    inf_rmsnorm_fn *rmsnorm;
    inf_layernorm_fn *layernorm;
    inf_rope_fn *rope;
    inf_glu_fn *glu;
    inf_softcap_fn *softcap;
    inf_kv_store_fn *kv_store;
    inf_attn_fn *attn;
    inf_attn_merge_fn *attn_merge;
    inf_conv_fn *conv;
    inf_gates_fn *gates;
    inf_recur_fn *recur;
};

/* Fills the table for a level. */
void inf_kernels_select(enum inf_isa isa, struct inf_kernels *out);

/* One row of kernels.def, for tests, benchmarks and explain. */
struct inf_kernel_row {
    enum inf_op op;
    uint32_t type; /* of a matmul; else 0 */
    enum inf_isa isa;
    const char *name;
    void (*function)(void);
};
size_t inf_kernel_rows(const struct inf_kernel_row **rows);

const char *inf_isa_name(enum inf_isa isa);

#endif
