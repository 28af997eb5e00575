/*
 * Models with experts and with latent attention against their definition, evaluated here in double: the
 * whole text at once, latent attention not absorbed, numbers taken from what tests/tiny wrote and not
 * from what the engine read. Among what only this sees: the limit of a clamped gate, an epsilon, yarn's
 * betas and its log multiplier that are not the usual ones.
 */
#include "formats/type.h"
#include "tests/tiny/models.h"

#include <libinfer.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKENS 60
#define EPS ((double)1e-3f)
#define BASE 50000.0 /* as tests/tiny writes them */
#define PI 3.14159265358979323846
#define FACTOR 4.0
#define ORIGINAL 32.0
#define ROPE 32 /* numbers of a head that turn beside a latent */
#define BOUND 2e-6

/* What each kind is, said again. */
struct facts {
    const char *name, *arch;
    uint32_t heads, kv_heads, head_size, ff, layers, experts, used, expert_ff, shared_ff, dense;
    uint32_t window, latent, q_lora, value, groups;
    bool biases, normed, wide, apart, joint, yarn, sigmoid, normalise, choice_bias;
    double beta_fast, beta_slow, log_multiplier;
};

#define EMBD 256

static const struct facts all_facts[] = {
    {"mixture_apart", "llama", 4, 2, 64, 256, 1, 3, 2, 256, .apart = true, .normalise = true},
    {"qwen2moe", "qwen2moe", 4, 2, 64, 512, 2, 6, 2, 256, 512, .biases = true},
    {"qwen3moe", "qwen3moe", 4, 1, 128, 512, 2, 9, 3, 256, .normed = true, .normalise = true},
    {"gpt_oss", "gpt-oss", 8, 2, 64, 256, 2, 5, 2, 256, .window = 20, .biases = true, .wide = true,
     .yarn = true, .normalise = true, .beta_fast = 2.0, .beta_slow = 0.5},
    {"deepseek2_lite", "deepseek2", 4, 4, 64, 512, 2, 4, 2, 256, 512, 1, .latent = 256, .value = 64,
     .joint = true, .yarn = true, .beta_fast = 32.0, .beta_slow = 1.0, .log_multiplier = 0.0707},
    {"deepseek2_v3",
     "deepseek2",
     8,
     1,
     288,
     256,
     2,
     8,
     3,
     256,
     256,
     1,
     .latent = 256,
     .q_lora = 256,
     .value = 32,
     .groups = 2,
     .yarn = true,
     .sigmoid = true,
     .choice_bias = true,
     .beta_fast = 1.5,
     .beta_slow = 0.25,
     .log_multiplier = 0.3},
    {"glm4moe", "glm4moe", 4, 2, 64, 512, 2, 4, 2, 256, 256, 1, .biases = true, .normed = true,
     .sigmoid = true, .choice_bias = true},
};

static int passed, failed;

static void must(infer_status status, const infer_error *err)
{
    if (status) {
        printf("FAIL %s\n0 passed, 1 failed\n", err->text);
        exit(1);
    }
}

static double *numbers(size_t n)
{
    double *x = calloc(n, sizeof *x);
    if (!x)
        exit(1);
    return x;
}

/* The tensors of the model that have been read. */
struct truth {
    const struct facts *kind;
    infer_model *model;
    uint32_t layer;
    struct kept {
        char name[64];
        double *data;
    } kept[128];
    int count;
    double most_gate; /* the largest gate of an expert before its limit */
};

/* A tensor of the layer (or of the model), all of it, row after row. */
static const double *tensor(struct truth *t, const char *what)
{
    char name[64];
    infer_error err;
    infer_tensor_info info;
    uint64_t index;
    bool outside = !strncmp(what, "token_embd", 10) || !strncmp(what, "output", 6);
    if (outside)
        snprintf(name, sizeof name, "%s", what);
    else
        snprintf(name, sizeof name, "blk.%u.%s", t->layer, what);
    for (int i = 0; i < t->count; i++)
        if (!strcmp(t->kept[i].name, name))
            return t->kept[i].data;
    must(infer_model_tensor_find(t->model, name, &index, &err), &err);
    must(infer_model_tensor(t->model, index, &info, &err), &err);
    float *x = malloc(info.elements * sizeof *x);
    struct kept *kept = &t->kept[t->count++];
    snprintf(kept->name, sizeof kept->name, "%s", name);
    kept->data = numbers(info.elements);
    must(infer_model_tensor_rows(t->model, index, 0, info.elements / info.shape[0], x, &err), &err);
    for (uint64_t i = 0; i < info.elements; i++)
        kept->data[i] = (double)x[i];
    free(x);
    return kept->data;
}

static void product(const double *w, size_t rows, size_t k, const double *x, double *out)
{
    for (size_t r = 0; r < rows; r++) {
        out[r] = 0.0;
        for (size_t i = 0; i < k; i++)
            out[r] += w[r * k + i] * x[i];
    }
}

static void add(double *x, const double *y, size_t n, double scale)
{
    for (size_t i = 0; i < n; i++)
        x[i] += scale * y[i];
}

static void norm(const double *weight, size_t n, const double *x, double *out)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    for (size_t i = 0; i < n; i++)
        out[i] = x[i] / sqrt(sum / (double)n + EPS) * weight[i];
}

static bool is(const struct facts *kind, const char *arch)
{
    return !strcmp(kind->arch, arch);
}

/* Turns n numbers by position. */
static void turn(const struct facts *kind, double *x, int n, int position)
{
    bool adjacent = is(kind, "deepseek2") || is(kind, "llama"), whole = !is(kind, "gpt-oss");
    double low = n * log(ORIGINAL / (kind->beta_fast * 2.0 * PI)) / (2.0 * log(BASE));
    double high = n * log(ORIGINAL / (kind->beta_slow * 2.0 * PI)) / (2.0 * log(BASE));
    low = fmax(whole ? floor(low) : low, 0.0);
    high = fmin(whole ? ceil(high) : high, n - 1.0);
    double magnitude = kind->yarn && !is(kind, "deepseek2") ? 1.0 + 0.1 * log(FACTOR) : 1.0;
    for (int i = 0; i < n / 2; i++) {
        double speed = pow(BASE, -2.0 * i / n);
        double slowed = fmin(fmax((i - low) / fmax(high - low, 0.001), 0.0), 1.0);
        if (kind->yarn)
            speed = speed * (1.0 - slowed) + speed / FACTOR * slowed;
        double *a = adjacent ? &x[2 * i] : &x[i], *b = adjacent ? a + 1 : &x[i + n / 2], was = *a;
        double c = cos(position * speed) * magnitude, s = sin(position * speed) * magnitude;
        *a = was * c - *b * s;
        *b = was * s + *b * c;
    }
}

/* Q, K and V of all heads: (tokens, heads, size) and (tokens, heads, value). */
struct heads {
    size_t heads, size, value;
    double *q, *k, *v;
};

/* Queries of token `at` and the keys and values of all heads, from h (embd). */
static void latent_heads(struct truth *t, const double *h, int at, struct heads *to)
{
    const struct facts *kind = t->kind;
    size_t nope = kind->head_size - ROPE, latent = kind->latent, value = kind->value;
    double *q = to->q + at * to->heads * to->size, *low = numbers(kind->q_lora + latent + ROPE);
    if (kind->q_lora) {
        product(tensor(t, "attn_q_a.weight"), kind->q_lora, EMBD, h, low);
        norm(tensor(t, "attn_q_a_norm.weight"), kind->q_lora, low, low);
        product(tensor(t, "attn_q_b.weight"), to->heads * to->size, kind->q_lora, low, q);
    } else {
        product(tensor(t, "attn_q.weight"), to->heads * to->size, EMBD, h, q);
    }
    product(tensor(t, "attn_kv_a_mqa.weight"), latent + ROPE, EMBD, h, low);
    norm(tensor(t, "attn_kv_a_norm.weight"), latent, low, low);
    turn(kind, low + latent, ROPE, at);
    for (size_t head = 0; head < to->heads; head++) {
        double *k = to->k + (at * to->heads + head) * to->size;
        double *v = to->v + (at * to->heads + head) * value;
        turn(kind, q + head * to->size + nope, ROPE, at);
        memcpy(k + nope, low + latent, ROPE * sizeof *k);
        if (kind->joint) {
            const double *w = tensor(t, "attn_kv_b.weight") + head * (nope + value) * latent;
            product(w, nope, latent, low, k);
            product(w + nope * latent, value, latent, low, v);
            continue;
        }
        const double *w = tensor(t, "attn_k_b.weight") + head * latent * nope; /* (latent, nope) */
        for (size_t i = 0; i < nope; i++)
            for (size_t j = 0; j < latent; j++)
                k[i] += w[j * nope + i] * low[j];
        product(tensor(t, "attn_v_b.weight") + head * value * latent, value, latent, low, v);
    }
    free(low);
}

static void plain_heads(struct truth *t, const double *h, int at, struct heads *to)
{
    static const char *const names[] = {"attn_q.weight", "attn_k.weight", "attn_v.weight",
                                        "attn_q.bias",   "attn_k.bias",   "attn_v.bias"};
    const struct facts *kind = t->kind;
    size_t group = to->heads / kind->kv_heads, size = to->size;
    for (int part = 0; part < 3; part++) {
        size_t heads = part ? kind->kv_heads : to->heads;
        double *row = numbers(heads * size), *all = part == 0 ? to->q : part == 1 ? to->k : to->v;
        product(tensor(t, names[part]), heads * size, EMBD, h, row);
        if (kind->biases)
            add(row, tensor(t, names[part + 3]), heads * size, 1.0);
        for (size_t head = 0; head < heads && part < 2; head++) {
            double *x = row + head * size;
            if (kind->normed)
                norm(tensor(t, part ? "attn_k_norm.weight" : "attn_q_norm.weight"), size, x, x);
            turn(kind, x, (int)size, at);
        }
        for (size_t head = 0; head < to->heads; head++)
            memcpy(all + (at * to->heads + head) * size, row + (part ? head / group : head) * size,
                   size * sizeof *all);
        free(row);
    }
}

/* What token `at` hears in a head, to out (value). */
static void attend(struct truth *t, const struct heads *a, int at, size_t head, double *out)
{
    const struct facts *kind = t->kind;
    double scores[TOKENS], most = -INFINITY, sum = 0.0, scale = 1.0 / sqrt((double)a->size);
    bool sinks = is(kind, "gpt-oss");
    int first = 0;
    if (kind->window && t->layer % 2 == 0 && at >= (int)kind->window)
        first = at - (int)kind->window + 1;
    if (kind->latent)
        scale *= pow(1.0 + (double)(float)kind->log_multiplier * log(FACTOR), 2.0);
    for (int p = first; p <= at; p++) {
        product(a->k + (p * a->heads + head) * a->size, 1, a->size,
                a->q + (at * a->heads + head) * a->size, &scores[p]);
        scores[p] *= scale;
        most = fmax(most, scores[p]);
    }
    if (sinks)
        sum = exp(tensor(t, "attn_sinks.weight")[head] - most);
    for (int p = first; p <= at; p++)
        sum += exp(scores[p] - most);
    for (int p = first; p <= at; p++)
        add(out, a->v + (p * a->heads + head) * a->value, a->value, exp(scores[p] - most) / sum);
}

static void attention(struct truth *t, double *x)
{
    const struct facts *kind = t->kind;
    struct heads a = {
        kind->heads, kind->head_size, kind->latent ? kind->value : kind->head_size, NULL, NULL,
        NULL};
    a.q = numbers(TOKENS * a.heads * a.size);
    a.k = numbers(TOKENS * a.heads * a.size);
    a.v = numbers(TOKENS * a.heads * a.value);
    double *h = numbers(EMBD), *heard = numbers(a.heads * a.value);
    for (int at = 0; at < TOKENS; at++) {
        norm(tensor(t, "attn_norm.weight"), EMBD, x + at * EMBD, h);
        (kind->latent ? latent_heads : plain_heads)(t, h, at, &a);
    }
    for (int at = 0; at < TOKENS; at++) {
        memset(heard, 0, a.heads * a.value * sizeof *heard);
        for (size_t head = 0; head < a.heads; head++)
            attend(t, &a, at, head, heard + head * a.value);
        product(tensor(t, "attn_output.weight"), EMBD, a.heads * a.value, heard, h);
        add(x + at * EMBD, h, EMBD, 1.0);
        if (kind->biases)
            add(x + at * EMBD, tensor(t, "attn_output.bias"), EMBD, 1.0);
    }
    free(a.q);
    free(a.k);
    free(a.v);
    free(h);
    free(heard);
}

/* One gated feed-forward of three matrices (and biases): out += weight * its result. */
static void gated(struct truth *t, const double *w[3], const double *bias[3], size_t ff,
                  const double *h, double weight, double *out)
{
    size_t embd = EMBD;
    double *gate = numbers(ff), *up = numbers(ff), *down = numbers(embd);
    product(w[0], ff, embd, h, gate);
    product(w[1], ff, embd, h, up);
    if (bias[0]) {
        add(gate, bias[0], ff, 1.0);
        add(up, bias[1], ff, 1.0);
    }
    for (size_t i = 0; i < ff; i++) {
        double g = gate[i], u = up[i];
        t->most_gate = fmax(t->most_gate, fmin(g, fabs(u)));
        if (t->kind->wide) {
            g = fmin(g, 7.0);
            gate[i] = g / (1.0 + exp(-1.702 * g)) * (fmin(fmax(u, -7.0), 7.0) + 1.0);
        } else {
            gate[i] = g / (1.0 + exp(-g)) * u;
        }
    }
    product(w[2], embd, ff, gate, down);
    if (bias[2])
        add(down, bias[2], embd, 1.0);
    add(out, down, embd, weight);
    free(gate);
    free(up);
    free(down);
}

static void single(struct truth *t, const char *suffix, size_t ff, const double *h, double weight,
                   double *out)
{
    static const char *const names[] = {"ffn_gate", "ffn_up", "ffn_down"};
    const double *w[3], *none[3] = {NULL, NULL, NULL};
    for (int i = 0; i < 3; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s%s.weight", names[i], suffix);
        w[i] = tensor(t, name);
    }
    gated(t, w, none, ff, h, weight, out);
}

static void expert(struct truth *t, size_t e, const double *h, double weight, double *out)
{
    static const char *const names[] = {"ffn_gate", "ffn_up", "ffn_down"};
    const struct facts *kind = t->kind;
    size_t ff = kind->expert_ff;
    const double *w[3], *bias[3] = {NULL, NULL, NULL};
    for (int i = 0; i < 3; i++) {
        char name[64];
        snprintf(name, sizeof name, kind->apart ? "%s.%zu.weight" : "%s_exps.weight", names[i], e);
        w[i] = tensor(t, name) + (kind->apart ? 0 : e * EMBD * ff);
        snprintf(name, sizeof name, "%s_exps.bias", names[i]);
        if (is(kind, "gpt-oss"))
            bias[i] = tensor(t, name) + e * (i < 2 ? ff : EMBD);
    }
    gated(t, w, bias, ff, h, weight, out);
}

/* Weights of the experts, 0 for those that are not chosen. */
static void route(struct truth *t, const double *h, double *weights)
{
    const struct facts *kind = t->kind;
    size_t n = kind->experts, used = kind->used;
    double x[16], choice[16], all = 0.0, sum = 0.0;
    bool taken[16] = {false};
    product(tensor(t, "ffn_gate_inp.weight"), n, EMBD, h, x);
    if (is(kind, "gpt-oss"))
        add(x, tensor(t, "ffn_gate_inp.bias"), n, 1.0);
    for (size_t e = 0; e < n; e++)
        all += exp(x[e]);
    for (size_t e = 0; e < n; e++) {
        x[e] = kind->sigmoid ? 1.0 / (1.0 + exp(-x[e])) : exp(x[e]) / all;
        choice[e] = x[e] + (kind->choice_bias ? tensor(t, "exp_probs_b.bias")[e] : 0.0);
    }
    double best_group = -INFINITY;
    size_t group = 0, each = kind->groups ? n / kind->groups : n;
    for (size_t g = 0; g < kind->groups; g++) {
        double first = -INFINITY, second = -INFINITY;
        for (size_t e = g * each; e < (g + 1) * each; e++) {
            second = fmax(second, fmin(first, choice[e]));
            first = fmax(first, choice[e]);
        }
        if (first + second > best_group) {
            best_group = first + second;
            group = g;
        }
    }
    for (size_t j = 0; j < used; j++) {
        size_t best = n;
        for (size_t e = group * each; e < (group + 1) * each; e++)
            if (!taken[e] && (best == n || choice[e] > choice[best]))
                best = e;
        taken[best] = true;
        sum += x[best];
    }
    for (size_t e = 0; e < n; e++)
        weights[e] =
            taken[e] ? x[e] / (kind->normalise ? sum : 1.0) * (kind->groups ? 1.5 : 1.0) : 0.0;
}

static void feed_forward(struct truth *t, double *x)
{
    const struct facts *kind = t->kind;
    double *h = numbers(EMBD), *out = numbers(EMBD), weights[16], share;
    bool post = is(kind, "gpt-oss") || is(kind, "glm4moe");
    for (int at = 0; at < TOKENS; at++) {
        memset(out, 0, EMBD * sizeof *out);
        norm(tensor(t, post ? "post_attention_norm.weight" : "ffn_norm.weight"), EMBD,
             x + at * EMBD, h);
        if (t->layer < kind->dense) {
            single(t, "", kind->ff, h, 1.0, out);
        } else {
            route(t, h, weights);
            for (size_t e = 0; e < kind->experts; e++)
                if (weights[e] > 0.0)
                    expert(t, e, h, weights[e], out);
        }
        if (kind->shared_ff && t->layer >= kind->dense) {
            share = INFINITY;
            if (is(kind, "qwen2moe"))
                product(tensor(t, "ffn_gate_inp_shexp.weight"), 1, EMBD, h, &share);
            single(t, "_shexp", kind->shared_ff, h, 1.0 / (1.0 + exp(-share)), out);
        }
        add(x + at * EMBD, out, EMBD, 1.0);
    }
    free(h);
    free(out);
}

static void evaluate(struct truth *t, const infer_token *ids, double *logits)
{
    size_t embd = EMBD;
    double *x = numbers(TOKENS * embd), *h = numbers(embd);
    for (int at = 0; at < TOKENS; at++)
        memcpy(x + at * embd, tensor(t, "token_embd.weight") + (size_t)ids[at] * embd,
               embd * sizeof *x);
    for (t->layer = 0; t->layer < t->kind->layers; t->layer++) {
        attention(t, x);
        feed_forward(t, x);
    }
    for (int at = 0; at < TOKENS; at++) {
        norm(tensor(t, "output_norm.weight"), embd, x + at * embd, h);
        product(tensor(t, "output.weight"), TINY_VOCAB, embd, h, logits + at * TINY_VOCAB);
    }
    free(x);
    free(h);
}

static void check(const struct facts *kind)
{
    infer_error err;
    struct truth t = {.kind = kind};
    struct mk_bytes file = tiny_model(tiny_kind_named(kind->name), INF_TYPE_F32, 3);
    infer_plan_options options = {
        .size = sizeof options, .exact = true, .logit_rows = TOKENS, .context = 128, .threads = 1};
    infer_plan *plan;
    infer_session *session;
    infer_token ids[TOKENS];
    bool want[TOKENS];
    double *expected = numbers(TOKENS * TINY_VOCAB), worst = 0.0, largest = 0.0;
    for (int i = 0; i < TOKENS; i++) {
        ids[i] = 3 + i * 37 % (TINY_VOCAB - 3);
        want[i] = true;
    }
    must(infer_model_open_memory(file.ptr, file.len, NULL, &t.model, &err), &err);
    must(infer_plan_new(t.model, &options, &plan, &err), &err);
    must(infer_plan_load(plan, NULL, NULL, &err), &err);
    must(infer_session_new(plan, &session, &err), &err);
    must(infer_session_eval(session, ids, TOKENS, want, &err), &err);
    evaluate(&t, ids, expected);
    const float *got = infer_session_logits(session, 0);
    for (size_t i = 0; i < TOKENS * TINY_VOCAB; i++) {
        worst = fmax(worst, fabs((double)got[i] - expected[i]));
        largest = fmax(largest, fabs(expected[i]));
    }
    bool good = worst < BOUND && largest > 0.5 && (!kind->wide || t.most_gate > 9.0);
    printf("%s %-16s at most %.1e off, logits up to %.1f, gates up to %.1f\n",
           good ? "ok  " : "FAIL", kind->name, worst, largest, t.most_gate);
    good ? passed++ : failed++;
    for (int i = 0; i < t.count; i++)
        free(t.kept[i].data);
    free(expected);
    infer_session_free(session);
    infer_plan_free(plan);
    infer_model_free(t.model);
    free(file.ptr);
}

int main(void)
{
    for (size_t i = 0; i < sizeof all_facts / sizeof *all_facts; i++)
        check(&all_facts[i]);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
