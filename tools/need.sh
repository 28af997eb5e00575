#!/bin/sh
# need.sh WHAT: sees to it that what `make WHAT` (examples, demo, check, bench) needs is there,
# and installs what is missing through the system's package manager. need.sh --name WHAT only names it.
# WHAT may be `optional`: what the library is built without where it is missing.
set -eu

# name | is it there | Debian's package | Fedora's | Arch's
table() {
    cat <<'EOF'
cc        | command -v cc                     | gcc libc6-dev      | gcc glibc-devel   | gcc
objcopy   | command -v objcopy                | binutils           | binutils          | binutils
pkgconfig | command -v pkg-config             | pkg-config         | pkgconf-pkg-config | pkgconf
jansson   | pkg-config --exists jansson       | libjansson-dev     | jansson-devel     | jansson
libedit   | pkg-config --exists libedit       | libedit-dev        | libedit-devel     | libedit
libmd     | pkg-config --exists libmd         | libmd-dev          | libmd-devel       | libmd
openblas  | pkg-config --exists openblas      | libopenblas-dev    | openblas-devel    | openblas
hwloc     | pkg-config --exists hwloc         | libhwloc-dev       | hwloc-devel       | hwloc
check     | pkg-config --exists check         | check              | check-devel       | check
benchmark | pkg-config --exists benchmark     | libbenchmark-dev   | google-benchmark-devel | benchmark
cxx       | command -v c++                    | g++                | gcc-c++           | gcc
python    | command -v python3                | python3            | python3           | python
pip       | python3 -m pip --version          | python3-pip        | python3-pip       | python-pip
certs     | test -d /etc/ssl/certs            | ca-certificates    | ca-certificates   | ca-certificates
EOF
}

only_name=no
if [ "${1:-}" = --name ]; then
    only_name=yes
    shift
fi
case "${1:-}" in
    optional) needs="openblas hwloc" ;;
    examples) needs="jansson libedit libmd" ;;
    demo) needs="cc objcopy pkgconfig jansson libedit libmd" ;;
    model) needs="python pip certs" ;;
    check) needs="cc objcopy pkgconfig jansson libedit libmd check python" ;;
    bench) needs="cc objcopy pkgconfig cxx benchmark" ;;
    *) echo "usage: need.sh [--name] examples|optional|demo|model|check|bench" >&2; exit 2 ;;
esac

if command -v apt-get >/dev/null 2>&1; then manager="apt-get install -y" column=3
elif command -v dnf >/dev/null 2>&1; then manager="dnf install -y" column=4
elif command -v pacman >/dev/null 2>&1; then manager="pacman -S --noconfirm" column=5
else manager="" column=3
fi

missing="" packages=""
for need in $needs; do
    row=$(table | grep "^$need ")
    test=$(echo "$row" | cut -d'|' -f2)
    if ! sh -c "$test" >/dev/null 2>&1; then
        missing="$missing $need"
        packages="$packages$(echo "$row" | cut -d"|" -f$column | sed 's/  */ /g; s/ $//')"
    fi
done
[ -n "$missing" ] || exit 0

if [ $only_name = yes ] || [ -z "$manager" ]; then
    echo "missing:$missing (packages:$packages)" >&2
    exit 1
fi
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo "
failed() {
    echo "need.sh: $1. As root, and with a network:" >&2
    [ "$column" != 3 ] || echo "  apt-get update" >&2
    echo "  $manager$packages" >&2
    exit 1
}
echo "missing:$missing"
[ -z "$sudo" ] || command -v sudo >/dev/null 2>&1 || failed "there is no sudo to install them with"
if [ "$column" = 3 ] && ! ls /var/lib/apt/lists/*Packages* >/dev/null 2>&1; then
    echo "  ${sudo}apt-get update"
    # shellcheck disable=SC2086 # nothing, or a word
    ${sudo}apt-get update -q >/dev/null || failed "the package lists did not come"
fi
echo "  $sudo$manager$packages"
# shellcheck disable=SC2086 # the command's words
${sudo}env DEBIAN_FRONTEND=noninteractive $manager$packages >/dev/null || failed "they could not be installed"
