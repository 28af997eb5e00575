"""The tiny models: for each a function that calls make(). Numbers that are often the same in all models (a
RoPE base, an epsilon, a scale) are unusual here, so that what an engine takes for granted shows."""
import torch
import transformers as tf
import numpy as np
from refmodel import bpe_tokenizer, gemma4_tokenizer, make, normal, spm_tokenizer, uniform, wordpiece_tokenizer

FUNCTIONS, MODELS = {}, {}


def model(name):
    def keep(f):
        FUNCTIONS[name] = f
        MODELS[name] = lambda **more: f(name, **more)
        return f
    return keep


# ---- What several have in common ------------------------------------------------------------------------
def base(**more):
    return {**dict(vocab_size=384, num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256), **more}


def rope(theta, **more): return {"rope_type": "default", "rope_theta": theta, **more}


LLAMA3 = {"rope_type": "llama3", "rope_theta": 100000.0, "factor": 8.0, "original_max_position_embeddings": 64,
          "low_freq_factor": 1.0, "high_freq_factor": 4.0}
SMALL_EMBEDDING = [(r"embed_tokens", normal(0.25))]                             # where it is the output matrix too
# norm weights that are stored less 1; the gated norm is not
PLUS_ONE = [(r"linear_attn\.norm\.weight", uniform(0.5, 1.5)), (r"norm\.weight$|layernorm\.weight$", uniform(-0.5, 0.5))]
GLM_SPECIALS = ("[gMASK]", "<|endoftext|>", "<|pad|>", "<sop>", "<|user|>", "<|observation|>", "<think>", "</think>")
HYBRID = ["linear_attention", "linear_attention", "linear_attention", "full_attention"]


def llama_tokenizer(folder): return spm_tokenizer(folder, klass="LlamaTokenizer", ids=(1, 2, 3, 0))


def next_layer(source, target, names, width, prefix):
    """Tensors of a layer that predicts the next token but one, which an engine must not run: a copy in shape of `source`."""
    def extra(t):
        g = torch.Generator().manual_seed(1)
        new = {k.replace(source, target): torch.randn(v.shape, generator=g) for k, v in t.items() if source in k}
        for k in names[1:]: new["%s%s.weight" % (prefix, k)] = torch.randn(width, generator=g)
        return {**new, "%s%s.weight" % (prefix, names[0]): torch.randn(width, 2 * width, generator=g)}
    return extra


# ---- State and attention ---------------------------------------------------------------------------------
@model("lfm2")
def lfm2(name, **more):
    make(name, tf.Lfm2ForCausalLM, tf.Lfm2Config(**base(
        hidden_size=32, intermediate_size=64, num_hidden_layers=6, norm_eps=3e-5, conv_L_cache=3, conv_bias=False, block_auto_adjust_ff_dim=False,
        block_multiple_of=32, rope_parameters=rope(31000.0), tie_word_embeddings=True,
        layer_types=["conv", "conv", "full_attention", "conv", "full_attention", "conv"])),
        seed=101, arch="lfm2", pre="lfm2", rules=SMALL_EMBEDDING,
        what="gated short convolutions between attention layers, RMS norm per head on q and k, tied embeddings", **more)


@model("lfm2moe")
def lfm2moe(name, **more):
    make(name, tf.Lfm2MoeForCausalLM, tf.Lfm2MoeConfig(**base(
        hidden_size=32, intermediate_size=64, moe_intermediate_size=32, num_hidden_layers=4, norm_eps=3e-5, conv_L_cache=3, conv_bias=False,
        num_experts=8, num_experts_per_tok=3, num_dense_layers=1, use_expert_bias=True, norm_topk_prob=True, routed_scaling_factor=1.0,
        rope_parameters=rope(31000.0), tie_word_embeddings=True, layer_types=["conv", "full_attention", "conv", "full_attention"])),
        seed=128, arch="lfm2moe", pre="lfm2", rules=SMALL_EMBEDDING, trim=0.1,
        what="as lfm2 with experts: sigmoid routing with selection bias, weights normalised, dense first layer", **more)


@model("qwen35")
def qwen35(name, **more):
    make(name, tf.Qwen3_5ForCausalLM, tf.Qwen3_5TextConfig(**base(
        hidden_size=32, intermediate_size=64, num_hidden_layers=4, head_dim=16, rms_norm_eps=3e-5, partial_rotary_factor=0.5, tie_word_embeddings=False,
        rope_parameters=rope(170000.0, partial_rotary_factor=0.5, mrope_section=[2, 1, 1], mrope_interleaved=True),
        linear_conv_kernel_dim=4, linear_key_head_dim=32, linear_value_head_dim=32, linear_num_key_heads=2, linear_num_value_heads=4, layer_types=HYBRID)),
        seed=102, arch="qwen35", pre="qwen35", n=144, rules=PLUS_ONE, config_extra=lambda c: c.update(mtp_num_hidden_layers=1),
        extra=next_layer("model.layers.3.", "mtp.layers.0.", ("fc", "pre_fc_norm_embedding", "pre_fc_norm_hidden", "norm"), 32, "mtp."),
        what="gated delta net (state, convolution of 4) in three layers of four, gated attention with partial rope; "
             "the file has a layer that predicts the next token but one", **more)


@model("qwen35moe")
def qwen35moe(name, **more):
    make(name, tf.Qwen3_5MoeForCausalLM, tf.Qwen3_5MoeTextConfig(**base(
        hidden_size=32, num_hidden_layers=4, num_key_value_heads=1, head_dim=16, moe_intermediate_size=32, shared_expert_intermediate_size=64,
        num_experts=6, num_experts_per_tok=3, rms_norm_eps=2e-5, tie_word_embeddings=False,
        rope_parameters=rope(2000000.0, partial_rotary_factor=0.25, mrope_section=[1, 1, 0], mrope_interleaved=True),
        linear_conv_kernel_dim=4, linear_key_head_dim=16, linear_value_head_dim=16, linear_num_key_heads=2, linear_num_value_heads=6, layer_types=HYBRID)),
        seed=103, arch="qwen35moe", pre="qwen35", n=112, trim=0.1, rules=PLUS_ONE, convert_extra=["--no-mtp"],
        what="as qwen35 with experts (softmax, top 3, normalised) and a gated shared expert; 3 value heads a key head", **more)


@model("qwen3next")
def qwen3next(name, **more):
    make(name, tf.Qwen3NextForCausalLM, tf.Qwen3NextConfig(**base(
        hidden_size=32, intermediate_size=64, num_hidden_layers=4, head_dim=16, moe_intermediate_size=32, shared_expert_intermediate_size=32,
        num_experts=6, num_experts_per_tok=3, norm_topk_prob=True, decoder_sparse_step=1, rms_norm_eps=3e-5, tie_word_embeddings=False,
        rope_parameters=rope(170000.0, partial_rotary_factor=0.25),
        linear_conv_kernel_dim=4, linear_key_head_dim=16, linear_value_head_dim=16, linear_num_key_heads=2, linear_num_value_heads=4, layer_types=HYBRID)),
        seed=112, arch="qwen3next", pre="qwen2", n=112, trim=0.1, convert_extra=["--no-mtp"], rules=PLUS_ONE,
        what="gated delta net with beta and alpha in one matrix, gated attention, experts and a gated shared expert", **more)


def granite_names(c):
    """The converter knows the layer types by the names of the published checkpoints."""
    types = c.pop("layers_block_type", None) or c["layer_types"]
    c["layer_types"] = [{"linear_attention": "mamba", "full_attention": "attention"}[t] for t in types]


def granite_hybrid(**more):
    return tf.GraniteMoeHybridConfig(**{**base(
        hidden_size=32, intermediate_size=32, num_hidden_layers=4, rms_norm_eps=2e-5, tie_word_embeddings=True, embedding_multiplier=4.5,
        logits_scaling=0.7, residual_multiplier=0.6, attention_multiplier=0.21, num_local_experts=6, num_experts_per_tok=2,
        shared_intermediate_size=64, position_embedding_type=None, mamba_n_heads=4, mamba_n_groups=2, mamba_d_state=16, mamba_d_head=16,
        mamba_d_conv=4, mamba_expand=2, mamba_chunk_size=32, mamba_conv_bias=True, mamba_proj_bias=False,
        layer_types=["linear_attention", "linear_attention", "full_attention", "linear_attention"]), **more})


@model("granitehybrid")
def granitehybrid(name, **more):
    make(name, tf.GraniteMoeHybridForCausalLM, granite_hybrid(), seed=106, arch="granitehybrid", pre="dbrx", n=112, trim=0.1,
         config_extra=granite_names, rules=SMALL_EMBEDDING,
         what="Mamba-2 (2 groups) and attention without rope, experts and a shared expert, embedding, residual, attention and logit multipliers", **more)


@model("granitehybrid-dense")
def granitehybrid_dense(name, **more):
    make(name, tf.GraniteMoeHybridForCausalLM, granite_hybrid(
        num_local_experts=0, num_experts_per_tok=0, intermediate_size=96, shared_intermediate_size=96, mamba_n_groups=1, mamba_n_heads=2, mamba_d_head=32,
        num_hidden_layers=3, layer_types=["linear_attention", "full_attention", "linear_attention"]),
        seed=107, arch="granitehybrid", pre="dbrx", n=112, config_extra=granite_names, rules=SMALL_EMBEDDING,
        what="as granitehybrid without experts, one group", **more)


NEMOTRON = base(hidden_size=32, head_dim=16, layer_norm_epsilon=2e-5, tie_word_embeddings=False, ssm_state_size=16, mamba_num_heads=4,
                mamba_head_dim=16, n_groups=2, conv_kernel=4, chunk_size=32, use_conv_bias=True, time_step_limit=(0.0, float("inf")))


def nemotron_names(c):
    """As the published dense checkpoints: a pattern, no word of experts."""
    for k in list(c):
        if "expert" in k or k.startswith("moe") or k in ("layers_block_type", "layer_types", "num_hidden_layers", "n_group", "topk_group", "norm_topk_prob"):
            del c[k]
    c.update(hybrid_override_pattern="M-M*-", num_hidden_layers=5)


@model("nemotron_h")
def nemotron_h(name, **more):
    make(name, tf.NemotronHForCausalLM, tf.NemotronHConfig(
        **NEMOTRON, intermediate_size=96, layers_block_type=["linear_attention", "mlp", "linear_attention", "full_attention", "mlp"]),
        seed=108, arch="nemotron_h", pre="tekken", n=112, config_extra=nemotron_names, plain=True,
        what="one sublayer a block: Mamba-2, squared-ReLU feed-forward, attention without rope", **more)


@model("nemotron_h_moe")
def nemotron_h_moe(name, **more):
    make(name, tf.NemotronHForCausalLM, tf.NemotronHConfig(
        **NEMOTRON, intermediate_size=96, layers_block_type=["linear_attention", "moe", "linear_attention", "full_attention", "moe"],
        n_routed_experts=8, n_shared_experts=1, moe_intermediate_size=32, moe_shared_expert_intermediate_size=64, num_experts_per_tok=3,
        routed_scaling_factor=1.6, n_group=1, topk_group=1, norm_topk_prob=True),
        seed=109, arch="nemotron_h_moe", pre="tekken", n=112, trim=0.1,
        what="as nemotron_h with experts of two matrices: sigmoid routing with selection bias, weights normalised and scaled, shared expert", **more)


# ---- Gemma -------------------------------------------------------------------------------------------------
GEMMA4_ROPE = {"sliding_attention": rope(20000.0), "full_attention": {"rope_type": "proportional", "partial_rotary_factor": 0.25, "rope_theta": 300000.0}}
GEMMA4_RULES = SMALL_EMBEDDING + [(r"layer_scalar$", uniform(0.6, 1.4)), (r"router\.scale$|per_expert_scale$", uniform(0.6, 1.6))]
GEMMA4 = dict(seed=110, arch="gemma4", pre="default", n=112, tokenizer=gemma4_tokenizer, low=8, high=384, rules=GEMMA4_RULES)


@model("gemma4")
def gemma4(name, **more):
    make(name, tf.Gemma4ForCausalLM, tf.Gemma4TextConfig(**base(
        vocab_size_per_layer_input=384, hidden_size=32, intermediate_size=64, num_hidden_layers=6, num_key_value_heads=1,
        head_dim=16, global_head_dim=32, rms_norm_eps=2e-5, sliding_window=24, rope_parameters=GEMMA4_ROPE,
        layer_types=["sliding_attention", "sliding_attention", "full_attention"] * 2, final_logit_softcapping=9.0,
        hidden_size_per_layer_input=16, num_kv_shared_layers=3, use_double_wide_mlp=True)), **{**GEMMA4, "seed": 110},
        what="embeddings for every layer, keys and values shared by the last 3 layers, two head sizes, window of 24, proportional rope, V norm", **more)


@model("gemma4-moe")
def gemma4_moe(name, **more):
    make(name, tf.Gemma4ForCausalLM, tf.Gemma4TextConfig(**base(
        hidden_size=32, intermediate_size=64, num_hidden_layers=3, head_dim=16, global_head_dim=32, num_global_key_value_heads=1, attention_k_eq_v=True,
        rms_norm_eps=2e-5, sliding_window=24, rope_parameters=GEMMA4_ROPE, layer_types=["sliding_attention", "sliding_attention", "full_attention"],
        final_logit_softcapping=9.0, hidden_size_per_layer_input=0, num_kv_shared_layers=0, enable_moe_block=True,
        num_experts=8, top_k_experts=3, moe_intermediate_size=32)), **{**GEMMA4, "seed": 111}, trim=0.1,
        what="experts beside a dense feed-forward, keys used as values in the global layers, router scale and per-expert scale", **more)


@model("gemma")
def gemma(name, **more):
    make(name, tf.GemmaForCausalLM, tf.GemmaConfig(**base(
        hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_key_value_heads=1, head_dim=16, rms_norm_eps=2e-5, rope_parameters=rope(10000.0))),
        seed=113, arch="gemma", pre="default", tokenizer=spm_tokenizer, low=4, high=384, rules=PLUS_ONE + SMALL_EMBEDDING,
        what="GELU (tanh form), embedding scale, one key/value head, tied embeddings", **more)


@model("gemma-embedding")
def gemma_embedding(name, **more):
    make(name, tf.Gemma3TextModel, tf.Gemma3TextConfig(**base(
        hidden_size=32, intermediate_size=64, num_hidden_layers=7, num_key_value_heads=1, head_dim=16, rms_norm_eps=2e-5, sliding_window=24,
        query_pre_attn_scalar=16, use_bidirectional_attention=True,
        rope_parameters={"sliding_attention": rope(10000.0), "full_attention": rope(400000.0)})),
        seed=127, arch="gemma-embedding", pre="default", kind="embed", tokenizer=spm_tokenizer, rules=PLUS_ONE + SMALL_EMBEDDING,
        ids=[2] + [int(x) for x in np.random.RandomState(6).randint(4, 384, 94)] + [1],
        what="gemma3 as an encoder: no causal mask, a window on both sides, mean pooling", **more)


@model("gemma-embedding-dense")
def gemma_embedding_dense(name, **more):
    gemma_embedding(name, dense=96, convert_extra=["--sentence-transformers-dense-modules"], **more)


# ---- What a configuration may switch on ------------------------------------------------------------------
@model("qwen3-bias")
def qwen3_bias(name, **more):
    make(name, tf.Qwen3ForCausalLM, tf.Qwen3Config(**base(
        vocab_size=389, hidden_size=32, intermediate_size=48, num_hidden_layers=2, head_dim=24, num_key_value_heads=1, rms_norm_eps=2e-4, tie_word_embeddings=False,
        attention_bias=True, rope_parameters={"rope_type": "yarn", "rope_theta": 20000.0, "factor": 6.0, "original_max_position_embeddings": 16,
                                              "beta_fast": 8.0, "beta_slow": 2.0, "attention_factor": 0.8})),
        seed=130, arch="qwen3", compared=False, tokenizer=lambda d: bpe_tokenizer(d, vocab=389),
        what="biases in all four matrices of attention, one key/value head, heads of 24, 389 tokens, yarn whose magnitude the file gives",
        note="llama.cpp takes no bias of the output matrix in a qwen3, and ignores yarn_attn_factor", **more)


# ---- Dense -------------------------------------------------------------------------------------------------
@model("mistral3")
def mistral3(name, **more):
    make(name, tf.Ministral3ForCausalLM, tf.Ministral3Config(**base(
        hidden_size=32, intermediate_size=96, num_hidden_layers=3, head_dim=32, rms_norm_eps=2e-5, tie_word_embeddings=False,
        rope_parameters={"rope_type": "yarn", "type": "yarn", "rope_theta": 50000.0, "factor": 8.0, "original_max_position_embeddings": 24,
                         "max_position_embeddings": 256, "beta_fast": 16.0, "beta_slow": 1.0, "mscale_all_dim": 1.0, "mscale": 1.0,
                         "llama_4_scaling_beta": 0.3})), seed=104, arch="mistral3", pre="tekken", n=112,
        what="yarn with a magnitude factor of 1, queries scaled by 1 + 0.3 ln(1 + floor(position / 24)), heads wider than hidden / heads", **more)


@model("stablelm")
def stablelm(name, **more):
    make(name, tf.StableLmForCausalLM, tf.StableLmConfig(**base(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, layer_norm_eps=2e-5, rope_parameters=rope(10000.0, partial_rotary_factor=0.25),
        partial_rotary_factor=0.25, use_qkv_bias=True, qk_layernorm=False, use_parallel_residual=False)),
        seed=114, arch="stablelm", pre="default", what="LayerNorm with bias, SwiGLU, q/k/v bias, partial rope on the two halves", **more)


@model("stablelm-parallel")
def stablelm_parallel(name, **more):
    make(name, tf.StableLmForCausalLM, tf.StableLmConfig(**base(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, layer_norm_eps=2e-5, rope_parameters=rope(10000.0, partial_rotary_factor=0.5),
        partial_rotary_factor=0.5, use_qkv_bias=False, qk_layernorm=False, use_parallel_residual=True)),
        seed=115, arch="stablelm", pre="default", what="parallel residual with one LayerNorm, no bias in q, k, v", **more)


@model("seed_oss")
def seed_oss(name, **more):
    make(name, tf.SeedOssForCausalLM, tf.SeedOssConfig(**base(
        hidden_size=32, intermediate_size=96, num_hidden_layers=3, head_dim=32, rms_norm_eps=2e-5, rope_parameters=rope(700000.0), tie_word_embeddings=False,
        attention_bias=True, attention_out_bias=False, mlp_bias=False, attention_dropout=0.0, residual_dropout=0.0)),
        seed=116, arch="seed_oss", pre="seed-coder", what="q/k/v bias, heads wider than hidden / heads, the second norm named post_attention_norm", **more)


def exaone(**more):
    return tf.Exaone4Config(**{**base(hidden_size=32, intermediate_size=64, num_hidden_layers=2, rms_norm_eps=2e-5, tie_word_embeddings=False,
                                      sliding_window=None, rope_parameters=dict(LLAMA3)), **more})


@model("exaone4")
def exaone4(name, **more):
    make(name, tf.Exaone4ForCausalLM, exaone(layer_types=["full_attention"] * 2), seed=117, arch="exaone4", pre="exaone4",
         what="norms after the sublayers only, q/k norm, scaled frequencies, no window", **more)


@model("exaone4-swa")
def exaone4_swa(name, layers=4, **more):
    make(name, tf.Exaone4ForCausalLM, exaone(num_hidden_layers=layers, hidden_size=32, intermediate_size=32, sliding_window=24, sliding_window_pattern=4),
         seed=125, arch="exaone4", pre="exaone4", compared=layers == 64, what="as exaone4 with a window of 24; every 4th layer global and without rope",
         note="llama.cpp looks at attention.sliding_window in models of 64 layers alone: compared in one (layers=64), which agrees to 3e-5", **more)


@model("apertus")
def apertus(name, **more):
    make(name, tf.ApertusForCausalLM, tf.ApertusConfig(**base(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, rms_norm_eps=2e-5, tie_word_embeddings=False, rope_parameters=dict(LLAMA3))),
        seed=118, arch="apertus", pre="tekken", rules=[(r"act_fn\.(alpha_p|alpha_n)$", uniform(-1.0, 1.5))],
        what="xIELU with a pair of scales a layer, no gate, q/k norm, scaled frequencies", **more)


@model("ernie4_5")
def ernie4_5(name, **more):
    make(name, tf.Ernie4_5ForCausalLM, tf.Ernie4_5Config(**base(
        hidden_size=32, intermediate_size=96, num_hidden_layers=3, head_dim=32, rms_norm_eps=2e-5, tie_word_embeddings=True,
        rope_parameters=rope(350000.0), use_bias=False)), seed=122, arch="ernie4_5", pre="default", tokenizer=llama_tokenizer, low=4, high=384,
        rules=SMALL_EMBEDDING, what="as llama, rope on adjacent pairs, heads wider than hidden / heads, tied embeddings", **more)


@model("phi2")
def phi2(name, **more):
    make(name, tf.PhiForCausalLM, tf.PhiConfig(**base(
        hidden_size=32, intermediate_size=128, num_hidden_layers=3, num_key_value_heads=4, layer_norm_eps=2e-5, partial_rotary_factor=0.5,
        rope_parameters=rope(10000.0, partial_rotary_factor=0.5))), seed=124, arch="phi2", pre="gpt-2",
        what="parallel block with one LayerNorm, GELU (tanh form), biases everywhere, the output's too, partial rope", **more)


def nomic_names(c):
    """As the published checkpoints."""
    c.update(architectures=["NomicBertModel"], model_type="nomic_bert", n_positions=8192, max_trained_positions=2048, n_embd=32, n_inner=64, n_head=4, n_layer=3,
             activation_function="swiglu", causal=False, qkv_proj_bias=False, mlp_fc1_bias=False, mlp_fc2_bias=False, prenorm=False, rotary_emb_fraction=1.0,
             rotary_emb_interleaved=False, rotary_emb_scale_base=None, rotary_emb_base=2500.0, layer_norm_epsilon=2e-5)


@model("nomic-bert")
def nomic_bert(name, **more):
    c = base(hidden_size=32, num_hidden_layers=3, intermediate_size=64, layer_norm_eps=2e-5, rope_parameters=rope(2500.0))
    del c["num_key_value_heads"]
    make(name, tf.NomicBertModel, tf.NomicBertConfig(**c), seed=126, arch="nomic-bert", pre="jina-v2-en", kind="embed", tokenizer=wordpiece_tokenizer,
         ids=[2] + [int(x) for x in np.random.RandomState(5).randint(5, 384, 62)] + [3], config_extra=nomic_names, plain=True,
         what="encoder with rope on the two halves, norms after the sublayers, SwiGLU, fused q/k/v, mean pooling", **more)


# ---- Experts -----------------------------------------------------------------------------------------------
@model("glm4moe")
def glm4moe(name, **more):
    make(name, tf.Glm4MoeForCausalLM, tf.Glm4MoeConfig(**base(
        hidden_size=32, intermediate_size=64, num_hidden_layers=3, head_dim=16, partial_rotary_factor=0.5, rms_norm_eps=2e-5, tie_word_embeddings=False,
        rope_parameters=rope(80000.0, partial_rotary_factor=0.5), attention_bias=True, use_qk_norm=True, moe_intermediate_size=32, num_experts_per_tok=3,
        n_routed_experts=8, n_shared_experts=1, routed_scaling_factor=1.7, n_group=1, topk_group=1, first_k_dense_replace=1, norm_topk_prob=True)),
        seed=105, arch="glm4moe", pre="glm4", trim=0.1, tokenizer=lambda d: bpe_tokenizer(d, GLM_SPECIALS),
        config_extra=lambda c: c.update(num_nextn_predict_layers=1),
        extra=next_layer("model.layers.2.", "model.layers.3.", ("eh_proj", "enorm", "hnorm", "shared_head.norm"), 32, "model.layers.3."),
        what="sigmoid routing with selection bias, weights normalised and scaled, shared expert, dense first layer, partial rope, q/k/v bias, q/k norm; "
             "the file has a layer that predicts the next token but one", **more)


@model("dots1")
def dots1(name, **more):
    make(name, tf.Dots1ForCausalLM, tf.Dots1Config(**base(
        hidden_size=32, intermediate_size=96, num_hidden_layers=3, num_key_value_heads=4, rms_norm_eps=2e-5, tie_word_embeddings=False, rope_parameters=rope(60000.0),
        moe_intermediate_size=32, num_experts_per_tok=3, n_routed_experts=8, n_shared_experts=2, routed_scaling_factor=1.7, n_group=1, topk_group=1,
        first_k_dense_replace=1, norm_topk_prob=True, sliding_window=None, max_window_layers=3)),
        seed=129, arch="dots1", pre="qwen2", trim=0.1, config_extra=lambda c: c.update(scoring_func="sigmoid"),
        what="sigmoid routing with selection bias, weights normalised and scaled, 2 shared experts in one, dense first layer, q/k norm", **more)


@model("olmoe")
def olmoe(name, **more):
    make(name, tf.OlmoeForCausalLM, tf.OlmoeConfig(**base(       # the converter writes 1e-5 whatever the configuration says
        hidden_size=32, intermediate_size=32, num_hidden_layers=3, num_key_value_heads=4, rms_norm_eps=1e-5, tie_word_embeddings=False,
        rope_parameters=rope(35000.0), num_experts=8, num_experts_per_tok=3, norm_topk_prob=False)),
        seed=119, arch="olmoe", pre="olmo", trim=0.1, what="RMS norm over the whole q and k, experts not normalised", **more)


@model("granitemoe")
def granitemoe(name, **more):
    make(name, tf.GraniteMoeForCausalLM, tf.GraniteMoeConfig(**base(
        hidden_size=32, intermediate_size=32, num_hidden_layers=3, rms_norm_eps=2e-5, tie_word_embeddings=True, rope_parameters=rope(35000.0),
        embedding_multiplier=4.5, logits_scaling=0.7, residual_multiplier=0.6, attention_multiplier=0.21, num_local_experts=8, num_experts_per_tok=3)),
        seed=120, arch="granitemoe", pre="refact", trim=0.1, rules=SMALL_EMBEDDING,
        what="experts (softmax over the chosen ones), embedding, residual, attention and logit multipliers, tied embeddings", **more)


@model("minimax-m2")
def minimax_m2(name, **more):
    make(name, tf.MiniMaxM2ForCausalLM, tf.MiniMaxM2Config(**base(
        hidden_size=32, intermediate_size=32, num_hidden_layers=3, head_dim=16, rms_norm_eps=2e-5, tie_word_embeddings=False, rotary_dim=8,
        rope_parameters=rope(90000.0, partial_rotary_factor=0.5), num_local_experts=8, num_experts_per_tok=3)),
        seed=121, arch="minimax-m2", pre="minimax-m2", trim=0.1, config_extra=lambda c: c.update(scoring_func="sigmoid"),
        what="RMS norm over the whole q and k, partial rope, sigmoid routing with selection bias, weights normalised", **more)


@model("ernie4_5-moe")
def ernie4_5_moe(name, **more):
    make(name, tf.Ernie4_5_MoeForCausalLM, tf.Ernie4_5_MoeConfig(**base(   # the converter writes intermediate / kv heads for the shared expert
        hidden_size=32, intermediate_size=128, num_hidden_layers=3, rms_norm_eps=2e-5, tie_word_embeddings=True, rope_parameters=rope(350000.0), use_bias=False,
        moe_intermediate_size=32, moe_k=3, moe_num_experts=8, moe_num_shared_experts=2, moe_layer_start_index=1)),
        seed=123, arch="ernie4_5-moe", pre="default", trim=0.1, tokenizer=llama_tokenizer, low=4, high=384,
        rules=SMALL_EMBEDDING + [(r"e_score_correction_bias", normal(0.05))],
        what="softmax routing with selection bias, weights normalised, 2 shared experts in one, dense first layer", **more)


# ---- Quantised: the reference is computed with the weights that the file's blocks stand for -------------------
for _of, _type in (("lfm2", "q8_0"), ("qwen35", "q4_0"), ("glm4moe", "q4_0")):
    MODELS["%s-%s" % (_of, _type)] = lambda of=_of, type=_type, **more: FUNCTIONS[of]("%s-%s" % (of, type), quantise=type, **more)
