#!/bin/bash
# lint.sh BUILD: format, include rules, symbols, the header alone, clang-tidy. Each check counts once;
# the last line is `N passed, N failed`.
set -u
build=$1
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

check() {
    local name=$1
    shift
    if "$@" >"$log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL lint: $name"
        head -n 40 "$log"
    fi
}

sources() {
    git ls-files -co --exclude-standard -- '*.c' '*.h' '*.cc'
}

format() {
    sources | xargs clang-format --dry-run -Werror
}

# Nobody outside sees more than infer_ symbols.
exports() {
    ! { nm -D --defined-only "$build/libinfer.so.0"; nm -g --defined-only "$build/libinfer.a"; } |
        awk 'NF == 3 && $3 !~ /^infer_/ && $3 != "INFER_0" {print "exported: " $3; found = 1} END {exit !found}'
}

# What a library must not do: end the process, read the environment, write to a stream.
imports() {
    ! nm -u "$build/libinfer.a" | awk '{print $2}' |
        grep -xE '(abort|_?exit|_Exit|quick_exit|atexit|getenv|secure_getenv|setenv|__assert_fail|longjmp|_longjmp|__longjmp_chk|signal|sigaction|printf|__printf_chk|fprintf|__fprintf_chk|vfprintf|puts|putchar|fputs|fwrite|perror|stdout|stderr|system|popen|rand|srand|setlocale)'
}

prefixes() {
    # between our own objects: inf_ and infer_ alone
    ! find "$build/obj/lib" "$build/obj/formats" "$build/obj/kernels" -name '*.o' -print0 |
        xargs -0 nm -g --defined-only | awk 'NF == 3 && $3 !~ /^infe?r?_/ {print; found = 1} END {exit !found}'
}

# Nothing that changes outlives a call: no writable data in the library (tables of pointers are made
# read-only once loaded: .data.rel.ro).
globals() {
    ! find "$build/obj/lib" "$build/obj/formats" "$build/obj/kernels" -name '*.o' -print0 |
        xargs -0 size -A | awk '/:$/ {file = $1} $1 ~ /^\.(data|bss|tdata|tbss|data\.rel|data\.rel\.local)$/ && $2 > 0 {print file, $1, $2; found = 1} END {exit !found}'
}

header() {
    local compiler
    for compiler in gcc clang; do
        command -v $compiler >/dev/null || continue
        for std in c11 c17; do
            echo '#include <libinfer.h>' | $compiler -Iinclude -std=$std -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c - || return 1
        done
    done
    for compiler in g++ clang++; do
        command -v $compiler >/dev/null || continue
        echo '#include <libinfer.h>' | $compiler -Iinclude -std=c++17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c++ - || return 1
    done
}

scripts() {
    command -v shellcheck >/dev/null || return 0
    git ls-files -- '*.sh' .ci/run | xargs shellcheck -S warning
}

# A name of the header that is neither in a test nor in an example is a name that nobody tried.
used() {
    local missing=0 name
    for name in $(grep -oE '\binfer_[a-z0-9_]+\(' include/libinfer.h | tr -d '(' | sort -u); do
        if ! grep -rqw "$name" tests examples bench --include=*.c; then
            echo "$name is used by no test and no example"
            missing=1
        fi
    done
    return $missing
}

tidy() {
    local clang_flags="-std=c11 -D_GNU_SOURCE -Iinclude -I. -pthread"
    # shellcheck disable=SC2086
    git ls-files -- 'lib/*.c' 'formats/*.c' 'examples/*.c' | grep -vE 'unicode_data|codebooks' |
        xargs -P "$(nproc)" -n 1 sh -c 'clang-tidy --quiet "$@" -- '"$clang_flags"' 2>/dev/null' sh
}

check "clang-format" format
check "include rules" python3 tools/lint_includes.py
check "exported symbols" exports
check "imported symbols" imports
check "prefixes" prefixes
check "no mutable globals" globals
check "libinfer.h alone" header
check "shell scripts" scripts
check "every public function is used" used
[ "${TIDY:-1}" = 0 ] || check "clang-tidy" tidy
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
