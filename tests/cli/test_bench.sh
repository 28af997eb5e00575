#!/bin/bash
# Tests of infer-bench and versus: test_bench.sh INFER_BENCH MODEL.gguf
# MODEL is any small model that runs. The last line is `N passed, N failed`.
set -u

bench=${1:?usage: test_bench.sh INFER_BENCH MODEL.gguf}
model=${2:?usage: test_bench.sh INFER_BENCH MODEL.gguf}
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/cli/verdict.sh
. "$(dirname "$0")/verdict.sh"

# refused STATUS NAME COMMAND...: that status, nothing on stdout, one line of printable text on stderr.
refused()
{
    local want=$1 name=$2 got
    shift 2
    "$@" >"$out" 2>"$err" </dev/null
    got=$?
    [ "$got" -eq "$want" ] && [ ! -s "$out" ] && [ "$(wc -l <"$err")" -eq 1 ] &&
        ! LC_ALL=C tr -d '\n' <"$err" | LC_ALL=C grep -q '[[:cntrl:]]' &&
        grep -q '^infer-bench: ' "$err"
    verdict $? "$name: status $got, wanted $want and one line"
}

json() # EXPRESSION NAME: a Python expression over v, stdout's JSON in strict UTF-8
{
    python3 - "$out" "$1" <<'PY' 2>>"$err"
import json, sys
def no(name): raise ValueError(name)
v = json.loads(open(sys.argv[1], "rb").read().decode(), parse_constant=no)
sys.exit(0 if eval("(" + sys.argv[2] + ")") else "not so: " + sys.argv[2])
PY
    verdict $? "$2"
}

for wrong in "" "-p" "-p 0 -n 0 M" "-p 4x M" "-p -1 M" "-p 99999999999999999999 M" "-n -0 M" "-t 0 M" \
    "-t 513 M" "-r 0 M" "-r 1001 M" "-b 8193 M" "-d M" "-d 1,,2 M" "-d 1, M" "-d x M" \
    "-d 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16 M" "--kv q4 M" "--kv" "--isa" "--json --csv M" \
    "--md --json M" "--other M" "-x M"; do
    # shellcheck disable=SC2086
    refused 2 "usage '$wrong'" "$bench" $wrong
done
refused 1 "a missing file" "$bench" "$work/none.gguf"
refused 1 "a missing file with a control character" "$bench" "$work/no"$'\n\e'"ne.gguf"
printf 'GGUF' >"$work/short.gguf"
refused 1 "a file that is too short" "$bench" "$work/short.gguf"
refused 1 "an unknown level" "$bench" --isa other "$model"
refused 1 "a missing second file with --json" "$bench" -p 4 -n 2 -r 1 --json "$model" "$work/none"
"$bench" -p 4 -n 2 -r 1 --json "$model" >/dev/full 2>"$err"
[ $? -eq 1 ] && [ "$(wc -l <"$err")" -eq 1 ]
verdict $? "a full disk"

"$bench" --help >"$out" 2>"$err" && grep -q '^usage: infer-bench FILE' "$out" && [ ! -s "$err" ]
verdict $? "--help"
"$bench" -h | cmp -s - "$out"
verdict $? "-h"
"$bench" --version >"$out" 2>"$err" && grep -qE '^infer-bench [0-9]+\.[0-9]+\.[0-9]+$' "$out"
verdict $? "--version"
sed 's/\\-/-/g' "$root/bench/man/infer-bench.1" >"$work/man"
for option in $("$bench" --help | grep -oE -- '--[a-z]+' | sort -u); do
    grep -q -- "$option" "$work/man"
    verdict $? "the man page has $option"
done

for option in $("$bench" --help | grep -oE -- '--[a-z]+' | sort -u); do
    grep -qE -- "$option(\[|,|\})" "$root/bench/completion/_infer-bench"
    verdict $? "the zsh completion has $option"
done
(
    # shellcheck source=bench/completion/infer-bench.bash
    source "$root/bench/completion/infer-bench.bash"
    complete() # WORD...: what is offered for the last
    {
        COMP_WORDS=("$bench" "$@") COMP_CWORD=$#
        _infer_bench
        echo "${COMPREPLY[*]}"
    }
    [ "$(complete --)" = "$("$bench" --help | grep -oE -- ' --[a-z]+' | tr -d '\n' | cut -c 2-)" ] &&
        [ "$(complete --kv q)" = q8_0 ] && [ "$(complete --isa av)" = 'avx2 avx512' ] &&
        [ "$(complete -p '')" = '' ] && [ "$(complete "$root/Make")" = "$root/Makefile" ]
)
verdict $? "the bash completion"

ln -s "$(realpath "$model")" "$work/a \"b\" \\ "$'\x01\xff'".gguf"
"$bench" -p 8 -n 4 -r 3 -d 16,0,5 -t 2 -b 4 --kv f32 --json -- "$work"/a*.gguf "$model" >"$out" 2>"$err"
verdict $? "--json"
[ ! -s "$err" ]
verdict $? "no progress where stderr is no terminal"
json 'isinstance(v, list) and len(v) == 2 and all(isinstance(m, dict) for m in v)' "an object a model"
json 'all(isinstance(m[k], (int, float)) and m[k] > 0 for m in v for k in ("plan_bytes", "peak_bytes",
    "load_ms", "pp_tok_s", "tg_tok_s", "read_gb_s", "int8_gop_s", "f32_gop_s", "tg_gb_s", "tg_share",
    "pp_gop_s", "pp_share", "weight_bytes_per_token", "ops_per_token"))' "the needed keys"
json 'v[1]["model"] == "'"$model"'" and "a \"b\" \\ \x01\ufffd.gguf" in v[0]["model"]' "names"
json '[d["depth"] for d in v[0]["depths"]] == [0, 16, 5]' "a point for each depth, 0 first and once"
json 'all(d["pp_tok_s_min"] <= d["pp_tok_s"] <= d["pp_tok_s_max"] and
    d["tg_tok_s_min"] <= d["tg_tok_s"] <= d["tg_tok_s_max"] for m in v for d in m["depths"])' "medians"
json 'all(m["threads"] == 2 and m["batch"] == 4 and m["kv"] == "f32" and m["prompt_tokens"] == 8 and
    m["generated_tokens"] == 4 and m["repetitions"] == 3 for m in v)' "what was asked"
json 'all(sum(m[k] for k in m if k.startswith("plan_") and k != "plan_bytes") == m["plan_bytes"]
    for m in v)' "plan bytes by kind sum to the total"
json 'all(m["peak_bytes"] >= m["peak_anon_bytes"] and m["processor"] for m in v)' "peak, processor"
json 'all(abs(m["load_open_ms"] + m["load_plan_ms"] + m["load_memory_ms"] + m["load_first_token_ms"] -
    m["load_ms"]) <= 0.01 + 1e-3 * m["load_ms"] for m in v)' "the parts of the load sum to it"
# with one repetition the share is of the mean of the two rates around it, which is their median
"$bench" -p 8 -n 4 -r 1 --json "$model" >"$out" 2>"$err"
json 'all(abs(m["tg_share"] * m["tg_read_gb_s"] / m["tg_gb_s"] - 1) < 1e-3 for m in v)' "share of read"
json 'all(abs(m["pp_share"] * m[m["pp_share_of"]] / m["pp_gop_s"] - 1) < 1e-3 for m in v)' "share of operations"

"$bench" -p 8 -n 4 -r 1 -d 8 --csv "$model" >"$out" 2>"$err" && python3 - "$out" <<'PY' 2>>"$err"
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], newline=""), strict=True))
assert [row["depth"] for row in rows] == ["0", "8"], rows
assert all(float(row["pp_tok_s"]) > 0 and None not in row and None not in row.values() for row in rows)
PY
verdict $? "--csv"
"$bench" -p 8 -n 4 -r 1 -d 8 --md "$model" >"$out" 2>"$err" &&
    [ "$(grep -c '^|' "$out")" -eq 4 ] &&
    [ "$(grep '^|' "$out" | tr -cd '|\n' | sort -u | wc -l)" -eq 1 ]
verdict $? "--md: head, rule and two rows of as many columns"
"$bench" -p 8 -n 4 -r 2 "$model" >"$out" 2>"$err" && grep -q 'of read' "$out" &&
    grep -qE '^ +0 +[0-9.]+ \(' "$out"
verdict $? "text"
"$bench" -p 0 -n 4 -r 1 -d 3 "$model" >"$out" 2>"$err" && grep -q 'decode 4' "$out" &&
    ! grep -q 'prefill\|nan' "$out"
verdict $? "-p 0: decoding alone"
"$bench" -p 4 -n 0 -r 1 -d 3 --md "$model" >"$out" 2>"$err" && grep -q 'prefill 4' "$out" &&
    ! grep -q 'decode\|nan' "$out" && [ "$(grep '^|' "$out" | tr -cd '|\n' | sort -u | wc -l)" -eq 1 ]
verdict $? "-n 0: prefill alone"
"$bench" -p 4 -n 0 -r 1 --json "$model" >"$out" 2>"$err"
json 'v[0]["pp_tok_s"] > 0 and v[0]["tg_tok_s"] is None and v[0]["tg_share"] is None and
    v[0]["depths"][0]["tg_gb_s"] is None' "-n 0: what was not measured is null"
"$bench" -p 0 -n 4 -r 1 --csv "$model" >"$out" 2>"$err" && ! grep -q nan "$out"
verdict $? "-p 0 --csv"

versus=$root/bench/versus
"$versus" -n 3 -w 0 --json -q 'speed ([0-9.]+)' "echo speed 10" "sh -c 'echo speed 25'" >"$out" 2>"$err"
verdict $? "versus --json"
json 'v["ratio_median"] == 2.5 and v["ratios"] == [2.5] * 3 and v["medians"] == [10, 25]' "versus: ratio"
"$versus" -n 1 -w 0 "sleep 0" "sleep 0.2" >"$out" 2>"$err" && grep -q '^B / A' "$out"
verdict $? "versus: text"
for wrong in "true" "-n 0 true true" "-q x true true" "-q ( true true"; do
    # shellcheck disable=SC2086
    "$versus" $wrong >"$out" 2>"$err"
    [ $? -eq 2 ] && [ ! -s "$out" ]
    verdict $? "versus: usage '$wrong'"
done
"$versus" -n 1 true false >"$out" 2>"$err"
[ $? -eq 1 ] && [ ! -s "$out" ] && [ "$(wc -l <"$err")" -eq 1 ]
verdict $? "versus: a command that fails"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
