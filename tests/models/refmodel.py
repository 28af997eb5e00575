"""Makes a tiny model with random weights from a seed, its reference, and its GGUF file.

    refmodel.py [NAME...]       NAMEs of tiny_configs.py; all without one

Writes to the folder OUT (default: beside this file) NAME.gguf, NAME.ref (which check_refs reads), and, with
FULL=1, NAME.json and NAME.logits.xz: what is checked, in full. Needs torch, transformers, tokenizers,
sentencepiece and gguf; CONVERTER names the folder of llama.cpp's convert_hf_to_gguf.py, QUANTIZE its llama-quantize
(quantised models alone). PEER_LOGITS may name a program `logits FILE f32|f16 UBATCH` (ids on stdin, float32 on
stdout) over another engine, which is compared; without it `bar` and the tolerances are those of exact arithmetic.
"""
import json, lzma, os, re, shutil, struct, subprocess, sys, tempfile
import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.environ.get("OUT", HERE)
torch.set_num_threads(1)

TEXT = """The kettle stood on the stove and the water in it began to sing. There was nothing to do but wait.
She read the letter again, and then once more: they had seen the ship beyond the headland on the ninth.
In the morning the wind turned to the north, and with the wind came rain, thin at first and then in sheets.
A model is a file of numbers; what is read from it must be what was written to it, to the last bit.
for (int i = 0; i < count; i++) { total += value[i]; } return total / count; /* the mean */
He counted the coins: 1, 2, 3, 10, 25, 100. "That is not enough," he said, "and there will be no more."
"""


# ---- Tokenizers of 384 tokens, trained on TEXT; each returns the ids (begin, end, pad) ------------------
def settings(folder, klass, **names):
    with open(os.path.join(folder, "tokenizer_config.json"), "w") as f: json.dump({"tokenizer_class": klass, **names}, f)


def bpe_tokenizer(folder, specials=("<|begin|>", "<|endoftext|>", "<|pad|>", "<|turn|>", "<|role|>", "<|tool|>", "<|a|>", "<|b|>"), vocab=384):
    """A byte-level BPE: 256 bytes, merges, the special tokens last."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    n = vocab - len(specials)
    t.train_from_iterator(TEXT.splitlines(), trainers.BpeTrainer(
        vocab_size=n, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False))
    t.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in specials])
    t.save(os.path.join(folder, "tokenizer.json"))
    settings(folder, "PreTrainedTokenizerFast", bos_token=specials[0], eos_token=specials[1], pad_token=specials[2], clean_up_tokenization_spaces=False)
    return n, n + 1, n + 2


def spm_tokenizer(folder, vocab=384, klass="GemmaTokenizer", ids=(2, 1, 0, 3)):
    """SentencePiece BPE with byte fallback."""
    import sentencepiece as spm
    bos, eos, pad, unk = ids
    with tempfile.TemporaryDirectory() as d:
        text = os.path.join(d, "text")
        with open(text, "w") as f: f.write(TEXT)
        spm.SentencePieceTrainer.train(
            input=text, model_prefix=os.path.join(d, "m"), vocab_size=vocab, model_type="bpe", byte_fallback=True, bos_id=bos, eos_id=eos,
            pad_id=pad, unk_id=unk, add_dummy_prefix=klass != "GemmaTokenizer", remove_extra_whitespaces=False,
            normalization_rule_name="identity", minloglevel=2, num_threads=1)
        shutil.copy(os.path.join(d, "m.model"), os.path.join(folder, "tokenizer.model"))
    settings(folder, klass, bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>")
    return bos, eos, pad


def gemma4_tokenizer(folder, vocab=384):
    """BPE over text whose spaces are U+2581, with byte fallback: what the converter writes as `gemma4`."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<|turn>", "<turn|>", "<|channel>", "<channel|>"]
    t = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    t.normalizer = normalizers.Replace(" ", "\u2581")
    t.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    t.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()])
    t.train_from_iterator(TEXT.splitlines(), trainers.BpeTrainer(
        vocab_size=vocab, special_tokens=specials + ["<0x%02X>" % b for b in range(256)], show_progress=False, max_token_length=6))
    j = json.loads(t.to_str())
    j["added_tokens"] = j["added_tokens"][: len(specials)]
    with open(os.path.join(folder, "tokenizer.json"), "w") as f: json.dump(j, f)
    settings(folder, "PreTrainedTokenizerFast", bos_token="<bos>", eos_token="<eos>", pad_token="<pad>", unk_token="<unk>")
    return 2, 1, 0


def wordpiece_tokenizer(folder, vocab=384):
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(lowercase=True)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.train_from_iterator(TEXT.splitlines(), trainers.WordPieceTrainer(
        vocab_size=vocab, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    j = json.loads(t.to_str())
    words = j["model"]["vocab"]
    for i in range(len(words), vocab): words["[unused%d]" % i] = i
    t = Tokenizer.from_str(json.dumps(j))
    t.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    t.save(os.path.join(folder, "tokenizer.json"))
    settings(folder, "PreTrainedTokenizerFast", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]", unk_token="[UNK]", mask_token="[MASK]")
    return None, None, 0


def mean_pooling(folder):
    os.makedirs(os.path.join(folder, "1_Pooling"))
    with open(os.path.join(folder, "modules.json"), "w") as f:
        json.dump([{"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}], f)
    with open(os.path.join(folder, "1_Pooling", "config.json"), "w") as f: json.dump({"pooling_mode_mean_tokens": True}, f)


def dense_modules(folder, seed, embd, wide):
    """Two matrices behind the pooling, as sentence-transformers keeps them: (wide, embd) and (embd, wide), of values that F16 holds."""
    from safetensors.torch import save_file
    rng, matrices, modules = np.random.RandomState(seed), [], json.load(open(os.path.join(folder, "modules.json")))
    for name, (rows, k) in (("2_Dense", (wide, embd)), ("3_Dense", (embd, wide))):
        m = torch.from_numpy((rng.standard_normal((rows, k)) / np.sqrt(k)).astype(np.float32)).half().float()
        os.makedirs(os.path.join(folder, name))
        save_file({"linear.weight": m}, os.path.join(folder, name, "model.safetensors"))
        with open(os.path.join(folder, name, "config.json"), "w") as f:
            json.dump({"in_features": k, "out_features": rows, "bias": False, "activation_function": "torch.nn.modules.linear.Identity"}, f)
        modules.append({"idx": len(modules), "name": name[0], "path": name, "type": "sentence_transformers.models.Dense"})
        matrices.append(m.numpy())
    with open(os.path.join(folder, "modules.json"), "w") as f: json.dump(modules, f)
    return matrices


# ---- Weights: (pattern, function of the generator and the shape), the first that matches ----------------
def scaled(gain): return lambda r, s: r.standard_normal(s) * gain / np.sqrt(s[-1])
def normal(std): return lambda r, s: r.standard_normal(s) * std
def uniform(a, b): return lambda r, s: r.uniform(a, b, s)


RULES = [
    (r"A_log$", lambda r, s: np.log(r.uniform(0.5, 8, s))),
    (r"dt_bias$|dt_proj\.bias$", uniform(-3, 1)),
    (r"\.D$", uniform(0.3, 1.7)),
    (r"conv1d\.weight$|conv\.conv\.weight$", normal(0.5)),
    (r"correction_bias$|expert_bias$", normal(0.15)),
    (r"norm\d?\.weight$|layernorm\w*\.weight$|norm_\w+\.weight$", uniform(0.5, 1.5)),
    (r"bias$", normal(0.2)),
    (r"embed\w*\.weight$|embedding\w*\.weight$|wte\.weight$", normal(1.0)),
    (r"lm_head\.weight$", scaled(2.0)),
]


def is_matrix(shape): return len([k for k in shape if k != 1]) > 1


def fill(model, seed, rules):
    """Random weights; matrices of values that F16 holds, so that a file in F16 loses nothing."""
    rng = np.random.RandomState(seed)
    named, keep = dict(model.named_parameters()), set(model.state_dict())
    named.update((n, b) for n, b in model.named_buffers() if n in keep)
    for name in sorted(named):
        shape = tuple(named[name].shape)
        rule = next((f for p, f in list(rules) + RULES if re.search(p, name)), scaled(1.0) if len(shape) > 1 else uniform(0.5, 1.5))
        v = torch.from_numpy(np.asarray(rule(rng, shape), dtype=np.float32).reshape(shape))
        with torch.no_grad(): named[name].copy_(v.half().float() if is_matrix(shape) else v)


NOT_QUANTISED = r"conv1d|conv\.conv|router|mlp\.gate\.|block_sparse_moe\.gate\.|router\.layer|norm|bias"


def round_to_blocks(weights, kind):
    """Replaces each weight by what its blocks stand for."""
    import gguf
    t = gguf.GGMLQuantizationType[kind.upper()]
    for name, w in weights:
        if is_matrix(w.shape) and w.shape[-1] % 32 == 0 and not re.search(NOT_QUANTISED, name):
            v = gguf.quants.dequantize(gguf.quants.quantize(w.detach().numpy(), t), t)
            with torch.no_grad(): w.copy_(torch.from_numpy(v.reshape(w.shape)))


def quantise_file(source, target, kind):
    """llama-quantize, and the proof that it has made the very blocks of round_to_blocks."""
    import gguf
    r = subprocess.run([os.environ["QUANTIZE"], "--pure", source, target, kind.upper(), "1"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if r.returncode: raise SystemExit(r.stdout.decode("utf-8", "replace")[-2000:])
    a, b = gguf.GGUFReader(source), gguf.GGUFReader(target)
    for x, y in zip(sorted(a.tensors, key=lambda t: t.name), sorted(b.tensors, key=lambda t: t.name)):
        left, right = (gguf.quants.dequantize(t.data, t.tensor_type) for t in (x, y))
        if x.name != y.name or not np.array_equal(left.reshape(-1), right.reshape(-1)):
            raise SystemExit("%s is not the same in %s: %g" % (x.name, y.tensor_type.name, np.abs(left.reshape(-1) - right.reshape(-1)).max()))


def add_tensors(folder, extra, quantise):
    """Tensors that the reference does not read: extra(all) gives the new ones."""
    from safetensors.torch import load_file, save_file
    path = os.path.join(folder, "model.safetensors")
    t = load_file(path)
    new = {k: v.half().float().contiguous().clone() for k, v in extra(t).items()}
    if quantise: round_to_blocks(new.items(), quantise)
    t.update(new)
    save_file(t, path, {"format": "pt"})


def convert(folder, out, outtype, pre, extra=(), plain=False):
    """Runs the converter in a process of its own. It does not know our tokenizers by their hash: they are named.
    plain: it reads config.json itself, not through transformers."""
    code = ("import sys, runpy; c = sys.argv.pop(1); pre = sys.argv.pop(1); sys.path.insert(0, c); sys.path.insert(1, c + '/gguf-py')\n"
            "import conversion.base as b\n"
            "b.TextModel.get_vocab_base_pre = lambda self, t: pre\n"
            + ("b.AutoConfig = None\n" if plain else "") +
            "sys.argv[0] = c + '/convert_hf_to_gguf.py'; runpy.run_path(sys.argv[0], run_name='__main__')\n")
    r = subprocess.run([sys.executable, "-c", code, os.environ["CONVERTER"], pre, folder, "--outfile", out, "--outtype", outtype,
                        "--model-name", os.path.basename(out)[:-5] if out.startswith(OUT) else "tiny", *extra],
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if r.returncode: raise SystemExit("converter:\n" + r.stdout.decode("utf-8", "replace")[-3000:])


# ---- Comparing -----------------------------------------------------------------------------------------
def log_softmax(x):
    x = x.astype(np.float64)
    m = x.max(-1, keepdims=True)
    return x - m - np.log(np.exp(x - m).sum(-1, keepdims=True))


def compare(ref, got):
    """Of each position the largest difference, and the KL divergence."""
    p, q = log_softmax(ref), log_softmax(got)
    return np.abs(ref.astype(np.float64) - got).max(-1), (np.exp(p) * (p - q)).sum(-1)


def unit_difference(a, b):
    unit = lambda v: v / np.sqrt((v.astype(np.float64) ** 2).sum())
    return np.abs(unit(a) - unit(b)).max()


def peer(path, ids, kv, shape, ubatch=512, preload=None):
    r = subprocess.run([os.environ["PEER_LOGITS"], path, kv, str(ubatch)], input=" ".join(map(str, ids)).encode(), stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, env={**os.environ, **({"LD_PRELOAD": preload} if preload else {})})
    if r.returncode: raise SystemExit("peer: " + r.stderr.decode("utf-8", "replace")[-2000:])
    return np.frombuffer(r.stdout, "<f4").reshape(shape)


def sig2(x): return float("%.2g" % x)


def agreement(j, f32, ids, ref):
    """What the peer gets on the weights in F32 with a cache in F32: two agree, or one is wrong."""
    worst = max(compare(ref, peer(f32, ids, "f32", ref.shape, n))[0].max() for n in (512, 7))
    if worst > 1e-3 and os.environ.get("PEER_EXACT"):     # a peer whose GELU is not a table of half precision
        worst = compare(ref, peer(f32, ids, "f32", ref.shape, preload=os.environ["PEER_EXACT"]))[0].max()
        j["agree_how"] = "GELU computed, not looked up in a table of half precision"
    j["agree"] = sig2(worst)
    if worst > 1e-3: print("   the peer differs by %g" % worst)


def bar(j, path, ids, ref, room):
    """What the peer gets on the file itself: the error of a good engine."""
    worst = [0.0, 0.0]
    for kv in ("f32", "f16"):
        d, k = compare(ref, peer(path, ids, kv, ref.shape))
        order = np.lexsort((d, k))[: len(d) - int(j["tolerance"]["trim"] * len(d))]
        worst = [max(worst[0], d[order].max()), max(worst[1], k[order].mean())]
    j["bar"] = {"max_abs": sig2(worst[0]), "kl_mean": sig2(worst[1])}
    j["tolerance"].update(max_abs=max(0.04, sig2(room * worst[0])), kl_mean=max(1e-5, sig2(4 * worst[1])))


def greedy(ids, last):
    """16 ids after a prompt, with the margins; of a few prompts the one whose choices are the clearest."""
    best = None
    for cut in range(6):
        text, out, margins = ids[: len(ids) - cut], [], []
        for _ in range(16):
            row = last(text + out)
            two = np.sort(row)[-2:]
            out.append(int(row.argmax()))
            margins.append(round(float(two[1] - two[0]), 4))
        if best is None or min(margins) > min(best["margins"]): best = {"prompt": text, "tokens": out, "margins": margins}
        if min(best["margins"]) > 0.1: break
    return best


# ---- Files ---------------------------------------------------------------------------------------------
def write_ref(j, ref):
    """NAME.ref, little-endian: "INFREF1\\n"; uint32 embedding (0, 1), tokens, rows, columns; float32 tight, max_abs, kl_mean, trim;
    int32 ids[tokens]; int32 positions[rows]; float32 values[rows][columns]. Every 8th position, the last among them."""
    t, embedding = j["tolerance"], j["kind"] == "embed"
    rows = [len(j["tokens"]) - 1] if embedding else list(range(len(ref) - 1, -1, -8))[::-1]
    values = ref.reshape(1, -1) if embedding else ref[rows]
    head = struct.pack("<8s4I4f", b"INFREF1\n", embedding, len(j["tokens"]), len(rows), values.shape[1],
                       5e-5 if embedding else 5e-4, t["max_abs"], t.get("kl_mean", 0.0), t.get("trim", 0.0))
    with open(os.path.join(OUT, j["name"] + ".ref"), "wb") as f:
        f.write(head + np.array(j["tokens"] + rows, "<i4").tobytes() + values.astype("<f4").tobytes())


def write_all(j, ref):
    write_ref(j, ref)
    if os.environ.get("FULL"):
        with open(os.path.join(OUT, j["name"] + ".logits.xz"), "wb") as f: f.write(lzma.compress(ref.astype("<f4").tobytes()))
        with open(os.path.join(OUT, j["name"] + ".json"), "w") as f: json.dump(j, f, separators=(",", ":"))
    path = os.path.join(OUT, "DONE")
    old = [l for l in open(path) if l.split()[0] != j["name"]] if os.path.exists(path) else []
    line = "%s %s agree %s bar %s float64 %s" % (j["name"], j["arch"], j.get("agree"), j.get("bar"), j.get("float64"))
    print(line, flush=True)
    with open(path, "w") as f: f.writelines(old + [line + "\n"])


# ---- One model -----------------------------------------------------------------------------------------
def build(model_class, config, folder, tokenizer, seed, rules, quantise):
    ids = tokenizer(folder)
    for c in {id(config): config, id(config.get_text_config()): config.get_text_config()}.values():
        c.bos_token_id, c.eos_token_id, c.pad_token_id = ids
        c._attn_implementation = c._experts_implementation = "eager"
    torch.manual_seed(seed)
    model = model_class(config).float().eval()
    fill(model, seed, rules)
    if quantise: round_to_blocks(model.named_parameters(), quantise)
    model.tie_weights()
    model.save_pretrained(folder)
    return model


def run(model, ids, embedding=False):
    with torch.no_grad():
        out = model(input_ids=torch.tensor([ids]), **({} if embedding else {"use_cache": False}))
        return (out.last_hidden_state if embedding else out.logits)[0].numpy().copy()


def make(name, model_class, config, *, seed, arch, what, tokenizer=bpe_tokenizer, pre="qwen2", n=96, rules=(), trim=0.0, note=None, ids=None,
         low=0, high=372, convert_extra=(), config_extra=None, extra=None, plain=False, compared=True, kind="logits", quantise=None, dense=0):
    embedding, peered = kind == "embed", compared and os.environ.get("PEER_LOGITS")
    weights = quantise.upper() if quantise else "F16"
    if quantise and trim: trim = 0.25
    work = tempfile.mkdtemp(prefix="refmodel-")
    model = build(model_class, config, work, tokenizer, seed, rules, quantise)
    ids = ids or [int(x) for x in np.random.RandomState(seed + 1).randint(low, high, n)]
    ref = run(model, ids, embedding)
    again = model_class.from_pretrained(work, attn_implementation="eager", experts_implementation="eager", dtype=torch.float32).eval()
    if np.abs(run(again, ids, embedding) - ref).max() > 1e-3: raise SystemExit("the saved checkpoint is another model")
    wide = run(again.double(), ids, embedding)

    if embedding: mean_pooling(work)
    matrices = dense_modules(work, seed + 2, ref.shape[1], dense) if dense else []
    if config_extra:
        path = os.path.join(work, "config.json")
        c = json.load(open(path))
        config_extra(c)
        json.dump(c, open(path, "w"))
    if extra: add_tensors(work, extra, quantise)
    f32, out = os.path.join(work, "f32.gguf"), os.path.join(OUT, name + ".gguf")
    convert(work, f32, "f32", pre, convert_extra, plain)
    if quantise: quantise_file(f32, out, quantise)
    else: convert(work, out, "f16", pre, convert_extra, plain)

    j = {"name": name, "file": name + ".gguf", "arch": arch, "weights": weights, "kind": kind, "what": what, **({"note": note} if note else {}), "tokens": ids}
    if embedding:
        vector, exact, shape = ref.mean(0), wide.mean(0), [ref.shape[1]]
        for m in matrices: vector, exact = m @ vector, m.astype(np.float64) @ exact
        j.update(logits={"file": name + ".logits.xz", "offset": 0, "shape": shape, "dtype": "f32le"},
                 tolerance={"max_abs": 0.005, "tight_max_abs": 0.0005}, seed=seed, float64=sig2(unit_difference(vector, exact)))
        if peered:
            j["agree"] = sig2(unit_difference(vector, peer(f32, ids, "embed32", shape)))
            if j["agree"] > 5e-5 and os.environ.get("PEER_EXACT"): j["agree"] = sig2(unit_difference(vector, peer(f32, ids, "embed32", shape, preload=os.environ["PEER_EXACT"])))
            j["bar"] = {"max_abs": sig2(unit_difference(vector, peer(out, ids, "embed16", shape))), "kl_mean": 0.0}
        write_all(j, vector)
    else:
        top = np.sort(ref, -1)
        j.update(logits={"file": name + ".logits.xz", "offset": 0, "shape": list(ref.shape), "dtype": "f32le"},
                 tolerance={"trim": trim, "max_abs": 0.04, "kl_mean": 1e-5, "tight_max_abs": 0.002}, positions=list(range(len(ids))),
                 top1=[int(x) for x in ref.argmax(-1)], top1_margin=[round(float(x), 4) for x in top[:, -1] - top[:, -2]],
                 seed=seed, float64=sig2(np.abs(wide - ref).max()))
        if peered:
            agreement(j, f32, ids, ref)
            bar(j, out, ids, ref, 3 if quantise else 2.5)
        if os.environ.get("FULL"): j["greedy"] = {**greedy(ids, lambda l: run(model, l)[-1]), "min_margin": j["tolerance"]["max_abs"]}
        write_all(j, ref)
    shutil.rmtree(work)


if __name__ == "__main__":
    import logging, transformers
    from tiny_configs import MODELS
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name in sys.argv[1:] or MODELS: MODELS[name]()
