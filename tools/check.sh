#!/bin/bash
# check.sh BUILD [agent]: runs every test program and ends with `N passed, N failed`. Each program's own last
# line of that form is counted (of Check: "N%: Checks: N, Failures: N, Errors: N"); one that ends without
# such a line, or with another exit status than its counts say, is one failure more. With `agent` those of
# infer-agent alone.
set -u
build=$1
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

run() {
    local name=$1 start=$SECONDS
    shift
    echo "== $name"
    "$@" >"$log" 2>&1
    local status=$? line good bad
    if [ $status -eq 0 ] && grep '^SKIPPED ' "$log"; then # says why; it counts nowhere
        skipped=$((skipped + 1))
        return
    fi
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed|^[0-9]+%: Checks: ' "$log" | tail -n 1)
    case $line in
        *Checks:*)
            local total fails errors
            read -r total fails errors < <(sed -E 's/.*Checks: ([0-9]+), Failures: ([0-9]+), Errors: ([0-9]+).*/\1 \2 \3/' <<<"$line")
            bad=$((fails + errors)) good=$((total - fails - errors)) ;;
        *passed*)
            read -r good bad < <(sed -E 's/^([0-9]+) passed, ([0-9]+) failed.*/\1 \2/' <<<"$line") ;;
        *) good=0 bad=1 ;;
    esac
    if { [ $status -ne 0 ] && [ "$bad" -eq 0 ]; } || [ $((good + bad)) -eq 0 ]; then
        bad=$((bad + 1))
        echo "$name ended with status $status"
    fi
    if [ "$bad" -ne 0 ]; then
        grep -vE '^ok ' "$log" | tail -n 40
    fi
    grep '^not run: ' "$log" # what a program leaves out, it says
    echo "   $good passed, $bad failed ($((SECONDS - start)) s)"
    passed=$((passed + good)) failed=$((failed + bad))
}

# Mutated inputs from a fixed seed: a crash ends the program, so all of them are one test.
replay() {
    "$1" --mutate "${MUTATIONS:-20000}" 1 && echo "1 passed, 0 failed"
}

if [ "${2:-}" = agent ]; then
    for program in hands gate filter sandbox; do
        run check_$program "$build/tests/check_$program"
    done
else
    run unit "$build/tests/unit"
    for program in "$build"/tests/check_*; do
        [ -x "$program" ] && run "$(basename "$program")" "$program"
    done
    for program in "$build"/tests/replay_*; do
        [ -x "$program" ] && run "$(basename "$program")" replay "$program"
    done
    run header bash tests/api/header_test.sh
    if [ -x "$build/tests/make_tiny" ]; then
        "$build/tests/make_tiny" "$build/tests/tiny.gguf"
        run cli bash tests/cli/test_cli.sh "$build/infer" "$build/tests/tiny.gguf"
        run infer-bench bash tests/cli/test_bench.sh "$build/infer-bench" "$build/tests/tiny.gguf"
    fi
fi
agent=$build/tests/infer-agent-test attacker=$build/tests/attacker
run agent-loop python3 tests/agent/check_loop.py "$agent"
run agent-attacks python3 tests/agent/check_attacks.py "$agent" "$attacker"
run agent-texts python3 tests/agent/check_texts.py "$agent" "$attacker"
run agent-memory python3 tests/agent/check_memory.py "$agent"
run agent-mcp python3 tests/agent/check_mcp.py "$agent"
[ "$skipped" -eq 0 ] || echo "$skipped programs were skipped"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
