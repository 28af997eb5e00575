/*
 * The exact arithmetic against another engine: a plain one in double precision, written for this test
 * from the models' definitions, which shares nothing with lib/ but the reader of files. Dense and
 * recurrent kinds of tests/tiny are run by both. Then each feature of a kind is taken out of the plain
 * engine by turns (another RoPE base, another epsilon, the other GELU, no window, no forgetting ...): a
 * comparison that does not notice it is blind, and fails. What both halves of a layer share stands in
 * plain.h, the recurrent layers in plain_recurrent.h.
 */
#include "tests/golden/plain_recurrent.h"

#include <libinfer.h>

static const struct model models[] = {
    {"llama", .adjacent = true},
    {"qwen2", .order = PRE},
    {"qwen3", .order = PRE},
    {"gemma", .embd_by_sqrt = true, .act = GELU},
    {"gemma2", .order = SANDWICH, .embd_by_sqrt = true, .act = GELU, .global_period = 2},
    {"gemma3", .order = SANDWICH, .embd_by_sqrt = true, .act = GELU, .global_period = 6,
     .local_base = 10000.0, .window_unscaled = true},
    {"gemma-embedding", .order = SANDWICH, .embd_by_sqrt = true, .act = GELU, .global_period = 6,
     .local_base = 10000.0, .window_unscaled = true, .two_way = true},
    {"phi3", .order = PRE},
    {"starcoder2", .mean_norm = true, .act = GELU},
    {"command-r", .order = PARALLEL, .mean_norm = true, .adjacent = true},
    {"cohere2", .order = PARALLEL, .mean_norm = true, .adjacent = true, .global_period = 4,
     .turning = WINDOWED_ONLY},
    {"granite", .adjacent = true, .divide_logits = true},
    {"minicpm", .adjacent = true, .divide_logits = true},
    {"glm4", .order = SANDWICH, .adjacent = true},
    {"olmo2", .order = POST, .global_period = 4, .window_unscaled = true},
    {"smollm3", .adjacent = true, .turning = NOT_EVERY_4TH},
    {"internlm2", .adjacent = true},
    {"seed_oss", .ffn_norm = "post_attention_norm"},
    {"exaone4", .order = POST, .global_period = 4, .turning = WINDOWED_ONLY},
    {"apertus", .act = XIELU},
    {"stablelm", .mean_norm = true},
    {"nemotron", .mean_norm = true, .act = RELU2},
    {"phi2", .order = PARALLEL, .mean_norm = true, .act = GELU},
    {"mistral3", .adjacent = true},
    {"lfm2", .output_norm = "token_embd_norm", .mixer = SHORT_CONV},
    {"qwen35", .ffn_norm = "post_attention_norm", .mixer = DELTA, .tiled = true},
    {"granitehybrid", .adjacent = true, .divide_logits = true, .mixer = MAMBA},
    {"nemotron_h", .order = SINGLE, .turning = NONE, .act = RELU2, .mixer = MAMBA},
    {"bert", .order = ENCODER, .two_way = true, .mean_norm = true, .act = GELU_ERF,
     .turning = NONE},
    {"nomic-bert", .order = ENCODER, .two_way = true, .mean_norm = true},
};

static const char *const fault_names[FAULTS] = {"sound",
                                                "another RoPE base",
                                                "another epsilon",
                                                "another activation",
                                                "other pairs",
                                                "the whole head",
                                                "RoPE everywhere",
                                                "no window",
                                                "window + 1",
                                                "windows everywhere",
                                                "no cap on scores",
                                                "no cap on logits",
                                                "no embd scale",
                                                "no scale of sums",
                                                "no logit scale",
                                                "usual score scale",
                                                "no mean in norm",
                                                "no biases",
                                                "no norm of q and k",
                                                "no rope factors",
                                                "short factors",
                                                "no scaling",
                                                "no magnitude",
                                                "no temperature",
                                                "no positions",
                                                "no token types",
                                                "one way",
                                                "another pooling",
                                                "no past in the convolution",
                                                "no forgetting",
                                                "no correction",
                                                "other lengths",
                                                "no skip",
                                                "no gate",
                                                "other key heads"};

/* The number of the layer in progress from an array of floats. */
static double layer_number(const struct run *r, const char *name)
{
    infer_meta_value value;
    inf_gguf_value(inf_gguf_key(r->file, name), r->layer, &value);
    return value.f;
}

static double xielu(const struct run *r, double x)
{
    double beta = layer_number(r, "xielu.beta");
    double positive = log(1.0 + exp(layer_number(r, "xielu.alpha_p")));
    double negative = beta + log(1.0 + exp(layer_number(r, "xielu.alpha_n")));
    if (x > 0.0)
        return positive * x * x + beta * x;
    return (exp(fmin(x, layer_number(r, "xielu.eps"))) - 1.0 - x) * negative + beta * x;
}

static double activate(struct run *r, double x)
{
    enum act act = r->is->act;
    if (hit(r, OTHER_ACT))
        act = act == GELU ? GELU_ERF : act == GELU_ERF ? GELU : act == SILU ? GELU : SILU;
    switch (act) {
    case SILU:
        return x / (1.0 + exp(-x));
    case GELU:
        return 0.5 * x * (1.0 + tanh(sqrt(2.0 / PI) * (x + 0.044715 * x * x * x)));
    case GELU_ERF:
        return 0.5 * x * (1.0 + erf(x / sqrt(2.0)));
    case XIELU:
        return xielu(r, x);
    case RELU2:
        break;
    }
    return x > 0.0 ? x * x : 0.0;
}

/* ---- RoPE ---------------------------------------------------------------------------------- */

/* The angle per position of pair i, and what cos and sin are multiplied by. */
static double speed(struct run *r, uint32_t i, bool windowed, const double *factors,
                    double *magnitude)
{
    const struct tiny_kind *k = r->kind;
    bool scaled = !(windowed && r->is->window_unscaled);
    double base = windowed && r->is->local_base > 0.0 ? r->is->local_base : r->base;
    if (hit(r, OTHER_BASE))
        base *= 0.8;
    double theta = pow(base, -2.0 * i / r->dims), factor = number(r, "rope.scaling.factor", 1.0);
    *magnitude = number(r, "rope.scaling.attn_factor", 1.0);
    if (*magnitude != 1.0 && hit(r, NO_MAGNITUDE))
        *magnitude = 1.0;
    if (scaled && k->linear && !hit(r, NO_SCALING))
        theta /= factor;
    if (scaled && k->yarn && !hit(r, NO_SCALING)) { /* Peng et al., eq. 17 to 22 */
        double turns_at[2] = {32.0, 1.0}, edge[2];
        for (int e = 0; e < 2; e++)
            edge[e] = r->dims * log(32.0 / (turns_at[e] * 2.0 * PI)) / (2.0 * log(r->base));
        double low = fmax(floor(edge[0]), 0.0), high = fmin(ceil(edge[1]), r->dims - 1.0);
        double slow = fmin(fmax((i - low) / fmax(high - low, 0.001), 0.0), 1.0);
        theta = slow * theta / factor + (1.0 - slow) * theta;
        if (!hit(r, NO_MAGNITUDE)) {
            double m = number(r, "rope.scaling.yarn_log_multiplier", 0.0);
            *magnitude = (0.1 * log(factor) + 1.0) / (0.1 * m * log(factor) + 1.0);
        }
    }
    if (factors && !hit(r, NO_FACTORS))
        theta /= factors[i];
    return theta;
}

static bool turns(struct run *r, uint32_t layer, bool windowed)
{
    bool skip = r->is->turning == NONE ||
                (r->is->turning == WINDOWED_ONLY && r->window && !windowed) ||
                (r->is->turning == NOT_EVERY_4TH && layer % 4 == 3);
    return !skip || (r->is->turning != NONE && hit(r, ALL_TURN));
}

static void turn(struct run *r, double *heads, uint32_t count, uint32_t size, uint32_t position,
                 bool windowed)
{
    uint32_t dims = r->dims;
    if (dims < size && hit(r, WHOLE_HEAD_TURNS))
        dims = size;
    bool adjacent = hit(r, OTHER_PAIRS) ? !r->is->adjacent : r->is->adjacent;
    uint32_t kept = r->dims;
    uint64_t shape[2];
    const char *name = r->kind->longrope ? (hit(r, SHORT_FACTORS) ? "rope_factors_short.weight"
                                                                  : "rope_factors_long.weight")
                                         : "rope_freqs.weight";
    double *factors = floats(r, name, shape);
    r->dims = dims;
    for (uint32_t i = 0; i < dims / 2; i++) {
        double magnitude, angle = position * speed(r, i, windowed, factors, &magnitude);
        double c = cos(angle) * magnitude, s = sin(angle) * magnitude;
        for (uint32_t h = 0; h < count; h++) {
            double *a = heads + h * size + (adjacent ? 2 * i : i);
            double *b = adjacent ? a + 1 : a + dims / 2, x = *a, y = *b;
            *a = x * c - y * s;
            *b = y * c + x * s;
        }
    }
    r->dims = kept;
    free(factors);
}

/* ---- Halves of a layer ---------------------------------------------------------------------- */

static bool sees(struct run *r, bool windowed, uint32_t from, uint32_t to)
{
    bool both = r->is->two_way && !hit(r, ONE_WAY);
    if (to > from && !both)
        return false;
    uint32_t window = windowed && hit(r, WINDOW_OFF_BY_ONE) ? r->window + 1 : r->window;
    bool near = both ? (from < to ? to - from : from - to) <= window / 2 : from < to + window;
    return !windowed || hit(r, NO_WINDOW) || near;
}

/* What a query gets: a softmax over all that it sees. */
static void mix(struct run *r, bool windowed, uint32_t t, const double *q, const double *k,
                const double *v, uint32_t size, size_t stride, double *out)
{
    double score[TOKENS], most = -INFINITY, sum = 0.0;
    double scale = number(r, "attention.scale", 1.0 / sqrt(size));
    if (scale != 1.0 / sqrt(size) && hit(r, USUAL_SCORE_SCALE))
        scale = 1.0 / sqrt(size);
    double beta = number(r, "attention.temperature_scale", 0.0);
    if (beta > 0.0 && !hit(r, NO_TEMPERATURE))
        scale *= 1.0 + beta * log(1.0 + floor(t / 32.0));
    double cap = number(r, "attn_logit_softcapping", 0.0);
    for (uint32_t p = 0; p < TOKENS; p++) {
        score[p] = -INFINITY;
        if (!sees(r, windowed, t, p))
            continue;
        score[p] = 0.0;
        for (uint32_t d = 0; d < size; d++)
            score[p] += q[d] * k[p * stride + d] * scale;
        if (cap > 0.0 && !hit(r, NO_SCORE_CAP))
            score[p] = cap * tanh(score[p] / cap);
        most = fmax(most, score[p]);
    }
    for (uint32_t p = 0; p < TOKENS; p++)
        sum += score[p] = exp(score[p] - most);
    for (uint32_t d = 0; d < size; d++) {
        out[d] = 0.0;
        for (uint32_t p = 0; p < TOKENS; p++)
            out[d] += score[p] / sum * v[p * stride + d];
    }
}

/* Where queries and their gates stand head by head in one matrix: the queries to q; the gates. */
static double *gated_queries(struct run *r, uint32_t layer, const double *x, double *q,
                             uint64_t q_size, uint32_t size)
{
    uint64_t shape[2] = {0};
    free(in_layer(r, layer, "attn_q.weight", shape));
    if (shape[1] != 2 * q_size)
        return NULL;
    double *both = malloc(2 * TOKENS * q_size * sizeof *both);
    double *gates = malloc(TOKENS * q_size * sizeof *gates);
    linear(r, layer, "attn_q", 0, 2 * q_size, x, MOST_EMBD, both, 2 * q_size);
    for (uint64_t i = 0; i < TOKENS * q_size; i++) {
        uint64_t at = i / size * 2 * size + i % size;
        q[i] = both[at];
        gates[i] = both[at + size];
    }
    free(both);
    return gates;
}

static void attention(struct run *r, uint32_t layer, const struct rows *in, struct rows *out)
{
    const struct tiny_kind *kind = r->kind;
    uint32_t size = kind->head_size;
    uint32_t kv_heads = layer % 2 && kind->odd_kv_heads ? kind->odd_kv_heads : kind->kv_heads;
    uint64_t q_size = (uint64_t)r->heads * size, kv_size = (uint64_t)kv_heads * size;
    double *q = calloc(TOKENS * q_size, sizeof *q), *mixed = calloc(TOKENS * q_size, sizeof *q);
    double *k = calloc(TOKENS * kv_size, sizeof *k), *v = calloc(TOKENS * kv_size, sizeof *v);
    bool windowed = r->window && (!r->is->global_period || (layer + 1) % r->is->global_period);
    if (r->window && !windowed && hit(r, WINDOWS_EVERYWHERE))
        windowed = true;
    bool fused = kind->fused;
    const double *x = in->at[0];
    double *gates = gated_queries(r, layer, x, q, q_size, size);
    if (!gates)
        linear(r, layer, fused ? "attn_qkv" : "attn_q", 0, q_size, x, MOST_EMBD, q, q_size);
    linear(r, layer, fused ? "attn_qkv" : "attn_k", fused ? q_size : 0, kv_size, x, MOST_EMBD, k,
           kv_size);
    linear(r, layer, fused ? "attn_qkv" : "attn_v", fused ? q_size + kv_size : 0, kv_size, x,
           MOST_EMBD, v, kv_size);
    for (uint32_t t = 0; t < TOKENS; t++) {
        double *own_q = q + t * q_size, *own_k = k + t * kv_size;
        uint64_t shape[2];
        double *normed = in_layer(r, layer, "attn_q_norm.weight", shape);
        if (normed && !hit(r, NO_QK_NORM)) {
            layer_norm(r, layer, "attn_q_norm", own_q, q_size);
            layer_norm(r, layer, "attn_k_norm", own_k, kv_size);
        }
        free(normed);
        if (turns(r, layer, windowed)) {
            turn(r, own_q, r->heads, size, t, windowed);
            turn(r, own_k, kv_heads, size, t, windowed);
        }
    }
    for (uint32_t t = 0; t < TOKENS; t++) {
        for (uint32_t h = 0; h < r->heads; h++) {
            uint64_t kv = h / (r->heads / kv_heads) * size;
            mix(r, windowed, t, q + t * q_size + h * size, k + kv, v + kv, size, kv_size,
                mixed + t * q_size + h * size);
        }
    }
    for (uint64_t i = 0; gates && i < TOKENS * q_size && !hit(r, NO_GATE); i++)
        mixed[i] /= 1.0 + exp(-gates[i]);
    linear(r, layer, "attn_output", 0, r->embd, mixed, q_size, out->at[0], MOST_EMBD);
    free(gates);
    free(q);
    free(k);
    free(v);
    free(mixed);
}

static void feed_forward(struct run *r, uint32_t layer, const struct rows *in, struct rows *out)
{
    uint64_t ff = layer % 2 && r->kind->odd_ff ? r->kind->odd_ff : r->kind->ff, shape[2] = {0};
    double *up = malloc(TOKENS * ff * sizeof *up), *gate = malloc(TOKENS * ff * sizeof *gate);
    double *own_gate = in_layer(r, layer, "ffn_gate.weight", shape);
    double *whole = in_layer(r, layer, "ffn_up.weight", shape);
    bool fused = shape[1] == 2 * ff, gated = fused || own_gate;
    const double *x = in->at[0];
    linear(r, layer, "ffn_up", fused ? ff : 0, ff, x, MOST_EMBD, up, ff);
    if (gated)
        linear(r, layer, fused ? "ffn_up" : "ffn_gate", 0, ff, x, MOST_EMBD, gate, ff);
    for (uint64_t i = 0; i < TOKENS * ff; i++)
        up[i] = gated ? activate(r, gate[i]) * up[i] : activate(r, up[i]);
    linear(r, layer, "ffn_down", 0, r->embd, up, ff, out->at[0], MOST_EMBD);
    free(up);
    free(gate);
    free(own_gate);
    free(whole);
}

/* ---- The model ------------------------------------------------------------------------------ */

static void norm_rows(struct run *r, uint32_t layer, const char *what, struct rows *x)
{
    for (uint32_t t = 0; t < TOKENS; t++)
        layer_norm(r, layer, what, x->at[t], r->embd);
}

static void add(struct run *r, struct rows *x, const struct rows *y)
{
    double scale = number(r, "residual_scale", 1.0);
    if (scale != 1.0 && hit(r, NO_SUM_SCALE))
        scale = 1.0;
    for (uint32_t t = 0; t < TOKENS; t++)
        for (uint32_t i = 0; i < r->embd; i++)
            x->at[t][i] += scale * y->at[t][i];
}

static void run_layer(struct run *r, uint32_t layer, struct rows *x)
{
    static struct rows in, attn, out;
    r->layer = layer;
    enum order order = r->is->order;
    bool before = order != POST && order != ENCODER;
    const char *ffn_norm = r->is->ffn_norm ? r->is->ffn_norm : "ffn_norm";
    if (order == PRE && !has(r, layer, ffn_norm))
        order = PARALLEL; /* one norm for both */
    in = *x;
    if (before)
        norm_rows(r, layer, "attn_norm", &in);
    if (has(r, layer, "ssm_conv1d"))
        recurrence(r, layer, &in, &attn);
    else if (has(r, layer, "attn_output"))
        attention(r, layer, &in, &attn);
    else
        feed_forward(r, layer, &in, &attn);
    if (order == SINGLE) {
        add(r, x, &attn);
        return;
    }
    if (order == SANDWICH || order == POST)
        norm_rows(r, layer, "post_attention_norm", &attn);
    if (order != PARALLEL) {
        add(r, x, &attn);
        if (order == ENCODER)
            norm_rows(r, layer, "attn_output_norm", x);
        in = *x;
        if (before)
            norm_rows(r, layer, ffn_norm, &in);
    }
    feed_forward(r, layer, &in, &out);
    if (order == SANDWICH || order == POST)
        norm_rows(r, layer, "post_ffw_norm", &out);
    if (order == PARALLEL)
        add(r, x, &attn);
    add(r, x, &out);
    if (order == ENCODER)
        norm_rows(r, layer, "layer_output_norm", x);
}

static void embed(struct run *r, const infer_token *ids, struct rows *x)
{
    uint64_t shape[2];
    double *table = floats(r, "token_embd.weight", shape);
    double *places = floats(r, "position_embd.weight", shape);
    double *types = floats(r, "token_types.weight", shape);
    double scale = r->is->embd_by_sqrt ? sqrt(r->embd) : number(r, "embedding_scale", 1.0);
    if (scale != 1.0 && hit(r, NO_EMBD_SCALE))
        scale = 1.0;
    for (uint32_t t = 0; t < TOKENS; t++) {
        for (uint32_t i = 0; i < r->embd; i++) {
            x->at[t][i] = scale * table[(uint32_t)ids[t] * r->embd + i];
            if (places && !hit(r, NO_POSITIONS))
                x->at[t][i] += places[t * r->embd + i];
            if (types && !hit(r, NO_TYPES))
                x->at[t][i] += types[i];
        }
        if (!r->is->output_norm)
            named_norm(r, "token_embd_norm", x->at[t], r->embd);
    }
    free(table);
    free(places);
    free(types);
}

static void to_logits(struct run *r, const struct rows *x, double *out)
{
    uint64_t shape[2];
    double *w = floats(r, "output.weight", shape), *bias = floats(r, "output.bias", shape);
    if (!w)
        w = floats(r, "token_embd.weight", shape);
    double scale = number(r, "logit_scale", 1.0), cap = number(r, "final_logit_softcapping", 0.0);
    if (r->is->divide_logits)
        scale = 1.0 / scale;
    if (scale != 1.0 && hit(r, NO_LOGIT_SCALE))
        scale = 1.0;
    for (uint32_t t = 0; t < TOKENS; t++) {
        double *row = out + t * TINY_VOCAB;
        product(w, x->at[t], row, r->embd, TINY_VOCAB);
        for (uint32_t i = 0; i < TINY_VOCAB; i++) {
            row[i] *= scale;
            if (bias && !hit(r, NO_BIAS))
                row[i] += bias[i];
            if (cap > 0.0 && !hit(r, NO_LOGIT_CAP))
                row[i] = cap * tanh(row[i] / cap);
        }
    }
    free(w);
    free(bias);
}

static void to_embedding(struct run *r, const struct rows *x, double *out)
{
    uint32_t pooling = integer(r, "pooling_type");
    double squares = 0.0;
    if (hit(r, OTHER_POOLING))
        pooling = pooling == 1 ? 2 : 1;
    for (uint32_t i = 0; i < r->embd; i++) {
        out[i] = x->at[pooling == 2 ? 0 : TOKENS - 1][i];
        for (uint32_t t = 0; pooling == 1 && t + 1 < TOKENS; t++)
            out[i] += x->at[t][i];
        squares += out[i] * out[i];
    }
    for (uint32_t i = 0; i < r->embd; i++)
        out[i] /= sqrt(squares);
}

/* The logits (TOKENS, vocab), or the embedding; *met: whether the fault has something to change. */
static void evaluate(const struct inf_gguf *file, const struct tiny_kind *kind,
                     const struct model *is, enum fault fault, const infer_token *ids, double *out,
                     bool *met)
{
    static struct rows x;
    struct run r = {.file = file, .is = is, .kind = kind, .fault = fault};
    r.embd = integer(&r, "embedding_length");
    r.heads = integer(&r, "attention.head_count");
    r.layers = integer(&r, "block_count");
    r.dims = integer(&r, "rope.dimension_count");
    r.window = integer(&r, "attention.sliding_window");
    r.base = number(&r, "rope.freq_base", 0.0);
    r.eps = number(
        &r, is->mean_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon",
        0.0);
    embed(&r, ids, &x);
    for (uint32_t i = 0; i < r.layers; i++)
        run_layer(&r, i, &x);
    for (uint32_t t = 0; t < TOKENS; t++)
        named_norm(&r, is->output_norm ? is->output_norm : "output_norm", x.at[t], r.embd);
    if (kind->pooling)
        to_embedding(&r, &x, out);
    else
        to_logits(&r, &x, out);
    *met = r.met;
}

/* ---- The comparison ------------------------------------------------------------------------- */

static int passed, failed;

static void must(infer_status status, const infer_error *err)
{
    if (status) {
        printf("FAIL %s\n0 passed, 1 failed\n", err->text);
        exit(1);
    }
}

static void engine(const struct mk_bytes *file, bool embedding, const infer_token *ids, float *out)
{
    infer_error err;
    infer_model *model;
    infer_plan *plan;
    infer_session *session;
    bool want[TOKENS];
    memset(want, true, sizeof want);
    infer_plan_options o = {.size = sizeof o,
                            .context = 128,
                            .threads = 2,
                            .logit_rows = TOKENS,
                            .exact = true,
                            .embedding = embedding};
    must(infer_model_open_memory(file->ptr, file->len, NULL, &model, &err), &err);
    must(infer_plan_new(model, &o, &plan, &err), &err);
    must(infer_plan_load(plan, NULL, NULL, &err), &err);
    must(infer_session_new(plan, &session, &err), &err);
    must(infer_session_eval(session, ids, TOKENS, embedding ? NULL : want, &err), &err);
    infer_model_info info;
    infer_model_get_info(model, &info);
    if (embedding)
        memcpy(out, infer_session_embedding(session), info.embedding_length * sizeof *out);
    else
        memcpy(out, infer_session_logits(session, 0), TOKENS * TINY_VOCAB * sizeof *out);
    infer_session_free(session);
    infer_plan_free(plan);
    infer_model_free(model);
}

/* The largest difference, and as a share of the largest number. */
static double difference(const double *want, const float *got, size_t count, double *most)
{
    double largest = 0.0;
    *most = 0.0;
    for (size_t i = 0; i < count; i++) {
        *most = fmax(*most, fabs(want[i] - (double)got[i]));
        largest = fmax(largest, fabs(want[i]));
    }
    return *most / largest;
}

#define SAME 1e-6  /* float32 activations between double sums */
#define OTHER 1e-5 /* what a fault must change at least */

static const struct model *model_of(const struct tiny_kind *kind)
{
    for (size_t i = 0; i < sizeof models / sizeof *models; i++)
        if (!strcmp(models[i].arch, kind->arch))
            return &models[i];
    return NULL;
}

static void check(const struct tiny_kind *kind, const struct model *is)
{
    static float got[TOKENS * TINY_VOCAB];
    static double want[TOKENS * TINY_VOCAB];
    infer_token ids[TOKENS];
    for (uint32_t i = 0, x = 11; i < TOKENS; i++) {
        x = x * 1664525 + 1013904223;
        ids[i] = (infer_token)(3 + (x >> 16) % (TINY_VOCAB - 3));
    }
    struct mk_bytes file = tiny_model(kind, INF_TYPE_F32, 4711);
    struct inf_gguf *gguf;
    infer_error err;
    must(inf_gguf_parse(&inf_allocator_default, file.ptr, file.len, &gguf, &err), &err);
    engine(&file, kind->pooling, ids, got);
    size_t count = kind->pooling ? kind->embd : TOKENS * TINY_VOCAB;
    for (int fault = SOUND; fault < FAULTS; fault++) {
        bool met;
        evaluate(gguf, kind, is, (enum fault)fault, ids, want, &met);
        if (fault != SOUND && !met)
            continue;
        double most, off = difference(want, got, count, &most);
        bool good = fault == SOUND ? off < SAME : off > OTHER;
        good ? passed++ : failed++;
        if (!good || fault == SOUND)
            printf("%s %-16s %s: %.1e, %.1e of the largest number\n", good ? "ok  " : "FAIL",
                   kind->name, fault_names[fault], most, off);
    }
    inf_gguf_free(gguf);
    free(file.ptr);
}

int main(void)
{
    for (size_t i = 0; i < tiny_kind_count(); i++) {
        const struct model *is = model_of(tiny_kind_at(i));
        if (is && !tiny_kind_at(i)->experts)
            check(tiny_kind_at(i), is);
    }
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
