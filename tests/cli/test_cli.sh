#!/bin/bash
# Tests of the `infer` command: test_cli.sh INFER MODEL.gguf [CHAT.gguf]
# MODEL is any small model that runs, CHAT one whose chat template renders (default: MODEL, if it
# does). The last line is `N passed, N failed`.
set -u

infer=${1:?usage: test_cli.sh INFER MODEL.gguf}
model=${2:?usage: test_cli.sh INFER MODEL.gguf}
talker=${3:-$model}
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
# shellcheck source=tests/cli/verdict.sh
. "$(dirname "$0")/verdict.sh"

# call STATUS NAME ARGUMENT...: runs infer with stdin from $work/in. A failure must be one line on
# stderr, without control characters, and begin with the program's name.
call()
{
    local want=$1 name=$2 got
    shift 2
    "$infer" "$@" <"$work/in" >"$out" 2>"$err"
    got=$?
    [ "$got" -eq "$want" ]
    verdict $? "$name: status $got, wanted $want"
    if [ "$want" -eq 1 ] || [ "$want" -eq 2 ]; then
        cat "$err" >>"$work/failures"
        local text
        text=$(cat "$err" && printf .)
        text=${text%.}
        [[ $text == "infer: "*$'\n' && ${text%$'\n'} != *[[:cntrl:]]* ]]
        verdict $? "$name: one sound line on stderr"
    fi
}

given() # puts its argument on the next calls' stdin
{
    printf '%b' "$1" >"$work/in"
}

json() # EXPRESSION NAME: evaluates a Python expression over v, stdout's JSON in strict UTF-8
{
    python3 - "$out" "$1" <<'PY' 2>>"$err"
import json, sys
def no(name): raise ValueError(name)
v = json.loads(open(sys.argv[1], "rb").read().decode(), parse_constant=no)
sys.exit(0 if eval("(" + sys.argv[2] + ")") else "not so: " + sys.argv[2])
PY
    verdict $? "$2"
}

contains() # TEXT FILE NAME
{
    grep -qF -- "$1" "$2"
    verdict $? "$3"
}

export LC_ALL=C
commands=$("$infer" --list-options | cut -f 1)

# ---- Help, version, completion, man page ---------------------------------------------------------
given ''
call 0 'help' --help
contains 'perplexity' "$out" 'help names the commands'
call 0 'version' --version
contains 'infer ' "$out" 'version prints a version'
for command in $commands; do
    call 0 "$command --help" "$command" --help
    contains "infer $command" "$out" "$command --help names it"
    call 0 "$command --version" "$command" --version
    call 0 "options before $command" --isa ref --exact -b 7 --kv q8_0 "$command" -h
    call 2 "$command: unknown option" "$command" --no-such-option
    contains "infer $command" "$root/examples/infer/man/infer.1" "man page has infer $command"
    "$infer" --list-options "$command" | cut -f 1 >>"$work/options"
done
sed 's/\\-/-/g' "$root/examples/infer/man/infer.1" >"$work/man"
for option in $(sort -u "$work/options"); do
    grep -qE -- "^\.(B|BI|BR) .*${option}(\"|,| |\$)" "$work/man"
    verdict $? "man page has $option"
done
(
    source "$root/examples/infer/completion/infer.bash"
    COMP_WORDS=("$infer" run --) COMP_CWORD=2
    _infer
    [ "$(printf '%s\n' "${COMPREPLY[@]}" | sort)" = \
        "$("$infer" --list-options run | cut -f 1 | grep '^--' | sort)" ] || exit 1
    COMP_WORDS=("$infer" --isa ref '') COMP_CWORD=3
    _infer
    [ "${COMPREPLY[*]}" = "$(echo $commands)" ] || exit 1
    COMP_WORDS=("$infer" run --kv q) COMP_CWORD=3
    _infer
    [ "${COMPREPLY[*]}" = q8_0 ] || exit 1
    COMP_WORDS=("$infer" run --kv "=" q) COMP_CWORD=4
    _infer
    [ "${COMPREPLY[*]}" = q8_0 ] || exit 1
    COMP_WORDS=("$infer" run --kv "=") COMP_CWORD=3
    _infer
    [ ${#COMPREPLY[@]} = 4 ]
)
verdict $? 'bash completion'

# ---- Wrong usage ---------------------------------------------------------------------------------
call 2 'no command'
call 2 'unknown command' fly
call 2 'unknown command with control characters' $'fly\n\e[2J'
call 2 'unknown option before the command' --fast run
call 2 'run without a file' run
call 2 'two files' run a b -p x
call 2 'tensor without a name' tensor "$model"
call 2 'option without its value' run "$model" -p
call 2 'flag with a value' run "$model" -p x --json=yes
call 2 '-p and -f' run "$model" -p x -f "$work/in"
call 2 '--ids and -p' run "$model" -p x --ids
call 2 '--logprobs without --json' run "$model" -p x --logprobs 2
call 2 'empty stop text' run "$model" -p x --stop ''
call 2 'option of another command' info "$model" --temp 0
call 2 'unknown cache type' run "$model" -p x --kv f8
call 2 'models takes no operand' models x
for number in '' -1 +1 0x10 1.5 ' 1' '1 ' 1k 99999999999999999999 2147483648; do
    call 2 "-n '$number'" run "$model" -p x -n "$number"
done
for number in 0 -1 x 4294967296; do
    call 2 "-c '$number'" run "$model" -p x -c "$number"
    call 2 "-t '$number'" run "$model" -p x -t "$number"
    call 2 "-b '$number'" run "$model" -p x -b "$number"
done
for number in '' nan inf -0.1 101 1e999 0x1 1.2.3 '1 ' 1f; do
    call 2 "--temp '$number'" run "$model" -p x --temp "$number"
done
for number in -1 18446744073709551616 1.0 ''; do
    call 2 "--seed '$number'" run "$model" -p x --seed "$number"
done
for bias in 1 =1 1= x=1 1=x -1=1 1=nan 1=inf 4294967296=1; do
    call 2 "--logit-bias '$bias'" run "$model" -p x --logit-bias "$bias"
done
for mirostat in 1 3 '' x; do
    call 2 "--mirostat '$mirostat'" run "$model" -p x --mirostat "$mirostat"
done
given '[1, 2, 3]'
for at in '' x '1,' ,1 1,1 2,1 -1 1.5 '1 ,2'; do
    call 2 "--at '$at'" logits "$model" --at "$at"
done
call 1 '--at beyond the tokens' logits "$model" --at 3

# ---- Failures ------------------------------------------------------------------------------------
given ''
printf 'GGUF and no more' >"$work/broken.gguf"
for command in info plan tokenize detokenize; do
    given '[1]'
    call 1 "$command: no such file" "$command" "$work/no-such-file"
    call 1 "$command: not a model" "$command" "$work/broken.gguf"
    call 1 "$command: a directory" "$command" "$work"
done
call 1 'run: no such file' run $'/no/such\n\e[1mfile' -p x
call 1 'run: no such prompt file' run "$model" -f "$work/no-such-file"
call 1 'no such tensor' tensor "$model" $'no\e[31m such tensor'
call 1 'no such level' --isa mmx run "$model" -p x -n 1
maker=$(dirname "$model")/make_tiny
if [ -x "$maker" ]; then
    "$maker" "$work/embedding.gguf" qwen3_embedding
    given '[5, 6, 7]'
    call 0 'embed' embed "$work/embedding.gguf"
    python3 -c 'import array, sys
v = array.array("f", open(sys.argv[1], "rb").read())
sys.exit(not (len(v) == 256 and abs(sum(x * x for x in v) - 1) < 1e-5))' "$out"
    verdict $? 'embed: 256 numbers of length 1'
    given ''
    call 0 'embed of a text' embed "$work/embedding.gguf" -p 'a text' --json
    python3 -c 'import json, sys
v = json.load(open(sys.argv[1]))
sys.exit(not (len(v) == 256 and abs(sum(x * x for x in v) - 1) < 1e-5))' "$out"
    verdict $? 'embed of a text: 256 numbers of length 1'
    # what we do not know: info says it from the header, quickly, all that runs a model in the same words
    mkdir "$work/lacking"
    "$maker" --lacking "$work/lacking" >"$work/lacking/list"
    while IFS=$'\t' read -r name vocabulary words; do
        file=$work/lacking/$name.gguf
        why=$(python3 - "$infer" "$file" <<'PY'
import json, resource, subprocess, sys
def spent():
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return use.ru_utime + use.ru_stime
best = 1
for _ in range(5):
    before = spent()
    made = subprocess.run([sys.argv[1], "info", sys.argv[2], "--json"], stdout=subprocess.PIPE)
    best = min(best, spent() - before)
    if best < 0.1: break
print(json.loads(made.stdout)["runs"])
sys.exit(made.returncode or best >= 0.1)
PY
        )
        verdict $? "lacking $name: info takes less than 0.1 s"
        [[ $why == "$file: $words"* ]]
        verdict $? "lacking $name: info --json says so: $why"
        given '[1, 2]'
        call 0 "lacking $name: info" info "$file"
        contains "runs          $why" "$out" "lacking $name: info says so"
        commands=("plan" "plan --json" "plan --explain" "run -p x -n 1" "run --ids -n 1" "chat -p x"
            "logits" "logits --exact" "embed" "perplexity $work/in" "compare $model $work/in")
        [ "$vocabulary" = 0 ] || commands+=("tokenize" "detokenize")
        for command in "${commands[@]}"; do
            read -ra words_of <<<"$command"
            call 1 "lacking $name: $command" "${words_of[0]}" "$file" "${words_of[@]:1}"
            [[ $(cat "$err") == "infer: $why" ]]
            verdict $? "lacking $name: $command says the words of info"
        done
    done <"$work/lacking/list"
    [ "$(wc -l <"$work/lacking/list")" -ge 20 ]
    verdict $? 'twenty files lack something'
fi
call 1 'no such session' run "$model" -p x -n 1 --restore "$work/no-such-file"
call 1 'embed' embed "$model"
printf x >"$work/short.txt"
call 1 'perplexity of a short text' perplexity "$model" "$work/short.txt"
call 1 'a prompt that does not fit' run "$model" -p "$(printf 'a %.0s' {1..500})" -c 16
for ids in '' ' ' '[' '[1' '[1,' '[1,]' '[,1]' '[1 2]' '{}' '1' 'null' '"1"' '["1"]' '[1.5]' '[1e0]' \
    '[01]' '[-1]' '[--1]' '[null]' '[[1]]' '[1]x' '[1][2]' '[999999999]' '[4294967296]' \
    '[99999999999999999999]' '[1]\0' '[1\0]'; do
    given "$ids"
    call 1 "detokenize: $ids" detokenize "$model"
    call 1 "run --ids: $ids" run "$model" --ids -n 1
    call 1 "logits: $ids" logits "$model"
done
given '[]'
call 0 'detokenize: []' detokenize "$model"
call 1 'run --ids: []' run "$model" --ids -n 1
call 1 'logits: []' logits "$model"
if [ -w /dev/full ]; then
    "$infer" info "$model" >/dev/full 2>"$err"
    [ $? -eq 1 ] && [ "$(wc -l <"$err")" -eq 1 ]
    verdict $? 'a full disk is a failure with one line'
    "$infer" run --help >/dev/full 2>"$err"
    [ $? -eq 1 ] && [ "$(wc -l <"$err")" -eq 1 ]
    verdict $? 'a full disk, of the help'
fi

# ---- What it prints ------------------------------------------------------------------------------
given ''
call 0 'models' models
call 0 'models --json' models --json
json 'all(isinstance(x, str) for x in v["architectures"]) and v["architectures"]' 'models: a list'
call 0 'info' info "$model"
call 0 'info --json' info "$model" --json
json '{"architecture", "parameters", "tensors", "types", "context", "vocab", "tokenizer",
       "template", "runs"} <= set(v)' 'info: the keys'
json 'v["runs"] is True and sum(v["types"].values()) == v["tensors"]' 'info: counts'
json 'v["template_sha256"] is None if v["template"] is None else len(v["template_sha256"]) == 64' 'info: a sum beside the template'
# FIPS 180-4's examples, every way a text can end in a block, and one that goes on behind a NUL
python3 - "$infer" "$work/sums.gguf" <<'PY' 2>>"$err"
import hashlib, json, struct, subprocess, sys
def text(b): return struct.pack("<Q", len(b)) + b
def key(name, value): return text(name) + struct.pack("<I", 8) + text(value)
known = {b"abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
         b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq":
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"}
texts = list(known) + [b"abc\0def"] + [b"x" * n for n in (0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 127, 128, 1000)]
for t in texts:
    open(sys.argv[2], "wb").write(b"GGUF" + struct.pack("<IQQ", 3, 0, 2) + key(b"general.architecture", b"llama")
                                  + key(b"tokenizer.chat_template", t))
    got = json.loads(subprocess.check_output([sys.argv[1], "info", sys.argv[2], "--json"]))["template_sha256"]
    want = known.get(t, hashlib.sha256(t).hexdigest())
    if got != want: sys.exit("%r: %s, not %s" % (t, got, want))
    line = subprocess.check_output([sys.argv[1], "info", sys.argv[2]]).decode()
    if "%d bytes, sha256 %s\n" % (len(t), want) not in line: sys.exit("info for a person: %r" % t)
PY
verdict $? 'info: SHA-256'
vocab=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["vocab"])' "$out")
call 0 'info --tensors' info --json --tensors -- "$model"
json 'len(v["tensor_list"]) == v["tensors"]' 'info: every tensor'
tensor=$(python3 -c '
import json, sys
t = json.load(open(sys.argv[1]))["tensor_list"][0]
n = 1
for d in t["shape"]: n *= d
print(t["name"], 4 * n)' "$out")
call 0 'tensor' tensor "$model" "${tensor% *}"
[ "$(wc -c <"$out")" -eq "${tensor#* }" ]
verdict $? 'tensor: all weights'
call 0 'plan' plan "$model"
call 0 'plan --explain' plan "$model" --explain
call 0 'plan --json' plan "$model" --json -c 32 -t 1 --kv f32
json 'sum(v["bytes"].values()) == v["total_bytes"] and "weights_mapped" in v["bytes"]' 'plan: the sum'
json 'v["context"] == 32 and v["threads"] == 1 and v["kv"] == "f32"' 'plan: the options'

given 'hello you'
call 0 'tokenize' tokenize "$model" --no-special-add
json 'isinstance(v, list) and all(type(x) is int for x in v)' 'tokenize: ids'
cp "$out" "$work/in"
ids=$(cat "$out")
count=$(python3 -c 'import json, sys; print(len(json.loads(sys.argv[1])))' "$ids")
call 0 'detokenize' detokenize "$model"
[ "$(cat "$out")" = 'hello you' ]
verdict $? 'detokenize: the text comes back'
python3 - >"$work/text" <<'PY'
import random, sys
random.seed(1)
words = ["some text", "\n", "\0", "  ", "<s>", "it's 12", "\t\r\n"]
pick = lambda: random.choice((random.randrange(0xd800), random.randrange(0xe000, 0x110000), random.randrange(128)))
text = "".join(chr(pick()) * random.randrange(3) + random.choice(words) for _ in range(20000))
# SentencePiece writes a blank as U+2581, so that this one comes back as a blank
sys.stdout.buffer.write(text.replace("\u2581", "").encode())
PY
cp "$work/text" "$work/in"
call 0 'tokenize: any UTF-8' tokenize "$model" --no-special-add --plain
cp "$out" "$work/in"
call 0 'detokenize: any UTF-8' detokenize "$model"
cmp -s "$work/text" "$out"
verdict $? 'detokenize: any UTF-8 comes back, byte for byte'
echo "$ids" >"$work/in"
call 0 'logits' logits "$model"
[ "$(wc -c <"$out")" -eq $((4 * vocab * count)) ]
verdict $? 'logits: (tokens, vocabulary)'
tail -c $((4 * vocab)) "$out" >"$work/last"
call 0 'logits --at' logits "$model" --at $((count - 1)) -b 1 -t 1
cmp -s "$work/last" "$out"
verdict $? 'logits --at: the same bits'
printf '\xff\xc3 broken' >"$work/in"
call 0 'tokenize: broken UTF-8' tokenize "$model"

# ---- run -----------------------------------------------------------------------------------------
given 'hello'
call 0 'run: stdin' run "$model" -n 8 --temp 0
cp "$out" "$work/first"
contains 'tokens' "$err" 'run: a summary'
call 0 'run: -p' run -phello "$model" -n8 --temp=0 -t 1 -b 2
cmp -s "$work/first" "$out"
verdict $? 'run: -p is the same text as stdin'
mkfifo "$work/pipe"
cp "$work/in" "$work/prompt"
cat "$work/prompt" >"$work/pipe" &
call 0 'run: -f a pipe' run "$model" -f "$work/pipe" -n 8 --temp 0
cmp -s "$work/first" "$out"
verdict $? 'run: -f is the same text'
call 0 'run --json' run "$model" -n 8 --temp 0 --json --logprobs 3
json '{"text", "ids", "stop", "prompt_tokens", "cached_tokens", "tokens", "prefill_s",
       "decode_s"} <= set(v) and v["stop"] in ("end", "limit", "context")' 'run --json: the keys'
json 'v["tokens"] <= 8 and len(v["ids"]) - v["tokens"] in (0, 1)' 'run --json: counts'
json 'len(v["logprobs"]) == len(v["ids"]) and
      all(p["id"] == i and len(p["top"]) == 3 and p["top"][0]["id"] == i
          and abs(p["top"][0]["logprob"] - p["logprob"]) < 1e-3
          for p, i in zip(v["logprobs"], v["ids"]))' 'run --json: log probabilities of greedy tokens'
call 0 'run: -n 0' run "$model" -n 0 --json --save "$work/session"
json 'v["text"] == "" and v["ids"] == [] and v["stop"] == "limit" and v["tokens"] == 0' '-n 0: nothing'
call 0 'run: --restore' run "$model" -n 8 --temp 0 --json --restore "$work/session"
json 'v["cached_tokens"] >= v["prompt_tokens"] - 1' 'run: the restored prompt is not read again'
python3 -c '
import json, sys
sys.stdout.buffer.write(json.load(open(sys.argv[1]))["text"].encode())' "$out" >"$work/restored"
python3 -c '
import sys
a, b = (open(f, "rb").read().decode(errors="replace") for f in sys.argv[1:])
sys.exit(a != b)' "$work/first" "$work/restored"
verdict $? 'run: the same text after restore'
head -c 100 "$work/session" >"$work/damaged"
call 1 'run: a damaged session' run "$model" -n 1 --restore "$work/damaged"
call 1 'run: a session of other settings' run "$model" -n 1 --restore "$work/session" --kv q8_0
call 1 'run: a place that is not there' run "$model" -n 1 --save "$work/no/such/place"
call 0 'run: a seed' run "$model" -n 8 --seed 7 --json
python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["ids"])' "$out" >"$work/seed"
contains 'seed 7' "$err" 'run: the seed is printed'
call 0 'run: the seed again' run "$model" -n 8 --seed 7 --json
python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["ids"])' "$out" | cmp -s - "$work/seed"
verdict $? 'run: the same seed gives the same ids'
call 0 'run: every sampling option' run "$model" -n 4 --temp 0.7 --top-k 0 --top-p 1 --min-p 0 \
    --typical 0.9 --repeat-penalty 1.1 --frequency-penalty 0.1 --presence-penalty -0.1 \
    --repeat-last 8 --dry-multiplier 0.8 --dry-base 1.75 --dry-allowed-length 2 \
    --xtc-probability 0.5 --xtc-threshold 0.1 --logit-bias 1=-inf --logit-bias 2=-1.5 --seed 0 \
    --no-mmap --overcommit -c 64
printf 'root ::= "yes" | "no"\n' >"$work/grammar"
printf '{"type": "object", "properties": {"n": {"type": "integer", "minimum": 3, "maximum": 12},
    "c": {"enum": ["red", "blue"]}}, "required": ["n", "c"], "additionalProperties": false}' >"$work/schema"
printf '{"properties": {"a": {"not": {}}}}' >"$work/unknown"
for temp in 0 1 2; do
    call 0 "run --grammar, temperature $temp" run "$model" --temp $temp --seed $temp --grammar "$work/grammar"
    grep -qxE 'yes|no' "$out"
    verdict $? "run --grammar, temperature $temp: one of two texts"
    call 0 "run --schema, temperature $temp" run "$model" --temp $temp --seed $temp --json --schema "$work/schema"
    json 'v["constraint"] == "schema" and (v["stop"] != "end" or (lambda t: 3 <= t["n"] <= 12
        and t["c"] in ("red", "blue") and len(t) == 2)(json.loads(v["text"])))' "run --schema, temperature $temp"
done
call 1 'run: a schema that is not supported' run "$model" --schema "$work/unknown"
contains '#/properties/a/not' "$err" 'run --schema: the pointer of what is not supported'
call 1 'run: a grammar that is none' run "$model" --grammar "$work/schema"
contains 'line 1, column 1' "$err" 'run --grammar: line and column'
call 1 'run: a grammar that is not there' run "$model" --grammar "$work/no-such-file"
call 2 'run: a grammar and a schema' run "$model" --grammar "$work/grammar" --schema "$work/schema"
call 0 'run: mirostat' run "$model" -n 4 --mirostat 2 --mirostat-tau 4 --mirostat-eta 0.2
given "$ids"
call 0 'run --ids' run "$model" --ids -n 4 --temp 0
json 'isinstance(v, list) and len(v) <= 4 and all(type(x) is int for x in v)' 'run --ids: ids'
call 0 'run --ids --json' run "$model" --ids -n 4 --temp 0 --json
json "v['prompt_tokens'] == $count" 'run --ids: no token is added'

# ---- Ctrl-C --------------------------------------------------------------------------------------
# A child of a background job of bash ignores SIGINT, so that Python starts it.
python3 - "$infer" "$model" <<'PY'
import signal, subprocess, sys, time
infer, model = sys.argv[1:]
# Forever: every token ends up back in the context, which is as large as it gets.
run = subprocess.Popen([infer, "run", model, "-p", "hello", "-c", "100000", "--overcommit", "--temp", "0",
                        "--logit-bias", "2=-1000"],              # the end of the tiny model
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
first = run.stdout.read(1)
start = time.monotonic()
run.send_signal(signal.SIGINT)
rest, err = run.communicate(timeout=20)
sys.exit(not (first and run.returncode == 130 and b"cancelled" in err
              and time.monotonic() - start < 2))
PY
verdict $? 'Ctrl-C in run: status 130, the text so far'
python3 - "$infer" "$model" <<'PY'
import signal, subprocess, sys, time
run = subprocess.Popen([sys.argv[1], "run", sys.argv[2]], stdin=subprocess.PIPE,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
time.sleep(0.5)
run.send_signal(signal.SIGINT)
sys.exit(run.wait(timeout=20) != 130 or run.stdout.read() != b"")
PY
verdict $? 'Ctrl-C while run waits for its prompt: status 130'

# ---- perplexity, compare -------------------------------------------------------------------------
for i in {1..800}; do printf 'The sea is %d and the sky is wide. ' "$i"; done >"$work/text.txt"
call 0 'perplexity' perplexity "$model" "$work/text.txt" -c 64 --json
json '{"ppl", "error", "tokens"} <= set(v) and v["ppl"] > 1 and v["error"] > 0' 'perplexity: the keys'
json 'v["tokens"] % 31 == 0' 'perplexity: half of each chunk, less one'
call 0 'perplexity as text' perplexity "$model" "$work/text.txt" -c 64
call 0 'compare' compare "$model" "$model" "$work/text.txt" -c 64 --json
json 'v["kl"] == 0 and v["top1"] == 1 and v["max_abs"] == 0' 'compare: a model with itself'

# ---- template, chat ------------------------------------------------------------------------------
plain=$work/plain.jinja
printf '%s' '{%- for m in messages %}{{ m.role + ": " + m.content + "\n" }}{% endfor %}' >"$plain"
printf '%s' '{%- if add_generation_prompt %}{{ "assistant:" }}{% endif %}' >>"$plain"
given '{"messages": [{"role": "user", "content": "h\\u00e9"}], "add_generation_prompt": true}'
call 0 'template: a text' template "$plain"
[ "$(cat "$out")" = $'user: h\u00e9\nassistant:' ] || [ "$(cat "$out")" = $'user: h\xc3\xa9\nassistant:' ]
verdict $? 'template: the prompt'
printf 'a\n{{ b' >"$work/broken.jinja"
call 1 'template: a broken one' template "$work/broken.jinja"
contains 'line 2, column 5' "$err" 'template: line and column'
call 1 'template: no file' template "$work/none.jinja"
given '{"messages": '
call 1 'template: broken JSON' template "$plain"
contains 'JSON, line 1' "$err" 'template: the place in the JSON'
printf '%s' '{{ strftime_now("%Y-%m-%d") }}' >"$work/date.jinja"
given '{}'
SOURCE_DATE_EPOCH=1767312000 TZ=UTC call 0 'template: the date' template "$work/date.jinja"
[ "$(cat "$out")" = 2026-01-02 ]
verdict $? 'template: SOURCE_DATE_EPOCH'
given ''
call 1 'template: no variables' template "$plain"
contains 'stdin: empty' "$err" 'template: says where they come from'
given 'hello'
own=(--chat-template "$plain")
"$infer" chat "$talker" -p hello -n 1 >/dev/null 2>&1 && own=()
call 0 'chat: one turn' chat "$talker" "${own[@]}" -n 4 --temp 0 --json --system 'Be short.'
json '{"text", "ids", "stop", "prompt_tokens"} <= set(v)' 'chat --json: the keys'
grep -qE '"prefill_s":[0-9]+(\.[0-9]{1,6})?(e-[0-9]+)?,' "$out"
verdict $? 'chat --json: seconds have at most six decimals'
call 0 'chat: a NUL byte' chat "$talker" "${own[@]}" -n 1 -f <(printf 'a\0b')
call 1 'chat: no UTF-8' chat "$talker" "${own[@]}" -n 1 -f <(printf 'a\377b')
call 0 'chat: text' chat "$talker" "${own[@]}" -p hello -n 4
call 0 'chat: no thoughts' chat "$talker" "${own[@]}" -p hello -n 4 --reasoning off
call 0 'chat: few thoughts' chat "$talker" "${own[@]}" -p hello -n 4 --reasoning 7
call 2 'chat: odd thoughts' chat "$talker" -p hello --reasoning on
call 1 'chat: a broken template' chat "$talker" --chat-template "$work/broken.jinja" -p hello
contains 'line 2, column 5' "$err" 'chat: where the template is broken'
call 0 'chat: -n 0' chat "$talker" "${own[@]}" -p hello -n 0 --json
json 'v["tokens"] == 0 and v["stop"] == "limit" and v["prompt_tokens"] > 0' 'chat: -n 0 makes nothing'
call 0 'chat: a stop text' chat "$talker" "${own[@]}" -p hello -n 20 --temp 0 --json
stop=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["text"][3:5])' "$out")
call 0 'chat: a stop text' chat "$talker" "${own[@]}" -p hello -n 20 --temp 0 --json --stop "$stop"
json "v['stop'] == 'stop' and len(v['text']) <= 3" 'chat: a stop text ends the answer'
printf '[{"name": "look", "description": "looks", "parameters": {"type": "object", "properties": {"at":
    {"enum": ["a", "b"]}}, "required": ["at"], "additionalProperties": false}}]' >"$work/tools.json"
printf '[{"name": "look"}, {"name": "look"}]' >"$work/twice.json"
call 0 'chat --tools' chat "$talker" "${own[@]}" -p hello -n 4 --json --tools "$work/tools.json"
json 'v["tool_calls"] == [] or v["tool_calls"][0]["name"] == "look"' 'chat --tools: tool_calls'
call 0 'chat --tool-choice none' chat "$talker" "${own[@]}" -p hello -n 4 --tools "$work/tools.json" --tool-choice none
call 0 'chat --strict-tools' chat "$talker" "${own[@]}" -p hello -n 4 --tools "$work/tools.json" --strict-tools
call 2 'chat: strict tools without tools' chat "$talker" -p hello --strict-tools
python3 "$here/chat_terminal.py" "$infer" "$talker" "${own[@]}" -c 4096 --tools "$work/tools.json" --tool-choice required 2>"$err"
verdict $? 'chat at a terminal: results of calls'
for choice in required look; do
    call 0 "chat --tool-choice $choice" chat "$talker" "${own[@]}" -p hello -n 300 --temp 0 --json -c 4096 \
        --tools "$work/tools.json" --tool-choice $choice
    json 'v["tool_calls"] and all(c["name"] == "look" and c["arguments"] in ({"at": "a"}, {"at": "b"}) and c["id"]
        for c in v["tool_calls"])' "chat --tool-choice $choice: a call that fits"
    call 0 "chat --tool-choice $choice, text" chat "$talker" "${own[@]}" -p hello -n 300 --temp 0 -c 4096 \
        --tools "$work/tools.json" --tool-choice $choice
    grep -qE '^look\(\{.*"at".*"[ab]".*\}\)$' "$out"
    verdict $? "chat --tool-choice $choice: a line for a call"
done
if [ -x "$maker" ]; then
    "$maker" "$work/talker.gguf" talker
    "$(dirname "$infer")/chat" "$work/talker.gguf" >"$out" 2>"$err"
    verdict $? 'examples/chat.c: two turns'
    kept=$(sed -n 's/^(\([0-9]*\) of .*/\1/p' "$out" | tail -1)
    [ "$(grep -c 'were there already' "$out")" -eq 2 ] && [ "${kept:-0}" -gt 10 ]
    verdict $? "examples/chat.c: the second turn goes on, $kept tokens"
    "$(dirname "$infer")/chat" "$work/none.gguf" >"$out" 2>"$err"
    [ $? -eq 1 ] && [ "$(wc -l <"$err")" -eq 1 ]
    verdict $? 'examples/chat.c: no such file'
    "$(dirname "$infer")/tool_turn" "$work/talker.gguf" >"$out" 2>"$err"
    verdict $? 'examples/tool_turn.c: a call and an answer'
    python3 - "$out" <<'PY' 2>>"$err"
import json, re, sys
call, product = re.search(r"^\[multiply (\{.*?\}) = (\d+)\]$", open(sys.argv[1], errors="replace").read(), re.S | re.M).groups()
call = json.loads(call)
assert sorted(call) == ["a", "b"] and call["a"] * call["b"] == int(product), (call, product)
PY
    verdict $? "examples/tool_turn.c: the call's product"
    "$(dirname "$infer")/tool_turn" "$model" >"$out" 2>"$err"
    [ $? -eq 1 ] && [ "$(wc -l <"$err")" -eq 1 ]
    verdict $? 'examples/tool_turn.c: a model without a chat template'
    call 0 'chat: a model that talks' chat "$work/talker.gguf" -p hello -n 4 --json --tools "$work/tools.json"
    json 'v["cached_tokens"] == 0 and v["prompt_tokens"] > 50' 'chat: the template tells of the tools'
    "$maker" "$work/hybrid.gguf" qwen35
    call 0 'plan: a recurrent model' plan "$work/hybrid.gguf"
    contains '1 + 4 times' "$out" 'plan: the copies of a recurrent state'
fi
call 2 'chat: a tool choice without tools' chat "$talker" -p hello --tool-choice auto
call 2 'chat: tools and a grammar' chat "$talker" -p hello --tools "$work/tools.json" --grammar "$work/grammar"
call 1 'chat: no such tool' chat "$talker" "${own[@]}" -p hello --tools "$work/tools.json" --tool-choice fly
call 1 'chat: two tools of one name' chat "$talker" "${own[@]}" -p hello --tools "$work/twice.json"
contains 'twice.json' "$err" 'chat: which file of tools is wrong'
call 1 'chat: tools that are no JSON' chat "$talker" "${own[@]}" -p hello --tools "$work/broken.jinja"
call 1 'chat: a template that is not there' chat "$talker" --chat-template "$work/none" -p hello
python3 "$here/chat_terminal.py" "$infer" "$talker" "${own[@]}" 2>"$err"
verdict $? 'chat at a terminal'
if [ ${#own[@]} -ne 0 ]; then
    call 1 'chat: a model without a template' chat "$talker" -p hello -n 1
    contains 'no chat template' "$err" 'chat: says so'
    contains "infer: $talker: key" "$err" 'chat: of which file'
fi

# ---- Split and merge -------------------------------------------------------------------------------
given ''
mkdir "$work/files"
call 2 'split: no size' split "$model" "$work/files/m"
call 2 'split: a size of nothing' split "$model" "$work/files/m" --bytes 0
call 2 'split: a size that passes 2^64' split "$model" "$work/files/m" --bytes 99999999999T
call 2 'split: an odd size' split "$model" "$work/files/m" --bytes 4Gi
call 1 'split: no such directory' split "$model" "$work/files/none/m" --tensors 1
call 1 'split: metadata larger than a part' split "$model" "$work/files/m" --bytes 100
(ulimit -f 8 && "$infer" split "$model" "$work/files/m" --tensors 5 2>"$err")
[ $? -eq 1 ] && [ "$(ls "$work/files")" = '' ]
verdict $? 'split: no file is left where one grows too large'
call 0 'split' split "$model" "$work/files/m" --tensors 5
call 1 'split: parts are there already' split "$model" "$work/files/m" --tensors 7
call 0 'split --force' split "$model" "$work/files/m" --tensors 5 --force
first=$(echo "$work"/files/m-00001-of-*.gguf)
call 0 'merge' merge "$first" "$work/files/whole.gguf"
call 1 'merge: the file is there already' merge "$first" "$work/files/whole.gguf"
call 0 'merge --force' merge "$first" "$work/files/whole.gguf" --force
rm "$work"/files/m-00002-of-*.gguf
call 1 'merge: a part is missing' merge "$first" "$work/files/other.gguf"
given '[5, 17, 99]'
call 0 'logits' logits "$model"
cp "$out" "$work/logits"
call 0 'logits of the merged file' logits "$work/files/whole.gguf"
cmp -s "$out" "$work/logits"
verdict $? 'split and merge: the same bits'

python3 - "$work/failures" <<'PY'
import re, sys
text = open(sys.argv[1], "rb").read().decode()
sys.exit(re.search("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]", text) is not None)
PY
verdict $? 'all error lines: UTF-8 without characters that turn the text'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
