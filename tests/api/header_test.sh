#!/bin/bash
# header_test.sh: the public header compiles alone, as C11, C17 and C++17, with every compiler that is
# here and every warning an error; each function in it has a comment directly before it (or stands
# directly behind one that has), is exported, and is used by a test or an example.
# The last line is `N passed, N failed`.
set -u
cd "$(dirname "$0")/../.." || exit 1
header=include/libinfer.h
passed=0 failed=0

verdict() # STATUS NAME
{
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $2"
    fi
}

for compiler in gcc clang; do
    command -v $compiler >/dev/null || continue
    for standard in c11 c17; do
        printf '#include <libinfer.h>\nint main(void) { return infer_abi_version(); }\n' |
            $compiler -std=$standard -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef \
                -Wstrict-prototypes -Werror -fsyntax-only -Iinclude -x c -
        verdict $? "$compiler -std=$standard"
    done
done
for compiler in g++ clang++; do
    command -v $compiler >/dev/null || continue
    printf '#include <libinfer.h>\nint main() { return infer_abi_version(); }\n' |
        $compiler -std=c++17 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror \
            -fsyntax-only -Iinclude -x c++ -
    verdict $? "$compiler -std=c++17"
done

# A function is documented where the line above its declaration ends a comment or another declaration
# that is documented.
undocumented=$(awk '
    /^INFER_API/ && !documented { print }
    /^INFER_API/ { inside = 1 }
    { if (inside) { documented = 1; if (/;/) inside = 0 }
      else if (/\*\/[ \t]*$/) documented = 1
      else if (/^[ \t]*$/ || /^[#}]/ || /^typedef/) documented = 0 }' $header)
[ -z "$undocumented" ]
verdict $? "without a comment: $undocumented"

functions=$(tr '\n' ' ' <$header | grep -oE 'INFER_API [^;(]*\(' | grep -oE 'infer_[a-z0-9_]+ *\(' |
    tr -d ' (')
count=0
for name in $functions; do
    count=$((count + 1))
    grep -rqE "\b$name\(" examples tests --include='*.c'
    verdict $? "$name is used by no test and no example"
    grep -rqE "^([a-z].*[ *])?$name\(" lib --include='*.c'
    verdict $? "$name is declared and not defined"
done
[ "$count" -gt 50 ]
verdict $? "only $count functions were found in $header"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
