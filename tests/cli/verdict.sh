# shellcheck shell=bash disable=SC2034
# What the tests of the commands share: a folder for their files, and verdicts. To be sourced.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=$work/out err=$work/err
passed=0 failed=0

verdict() # STATUS NAME: counts a test that passed (0) or failed
{
    if [ "$1" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $2"
        head -c 300 "$err" 2>/dev/null | sed 's/^/     /'
    fi
}
