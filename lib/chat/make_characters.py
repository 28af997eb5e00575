#!/usr/bin/env python3
"""make_characters.py > character_data.c: the tables of characters.h from what Python does."""
import sys
import unicodedata

LIMIT = 0x110000


def bits(c):
    tests = (c.isalpha(), c.isdecimal(), c.isdigit(), c.isnumeric(), c.isspace(), c.isprintable(),
             c.isupper(), c.islower())
    return sum(1 << i for i, yes in enumerate(tests) if yes)


def runs(pairs):
    """[(code, delta)] in order as rows first, last, delta, step."""
    rows = []
    for code, delta in pairs:
        if rows and rows[-1][2] == delta:
            first, last, _, step = rows[-1]
            gap = code - last
            if first == last and gap <= 2:
                rows[-1] = [first, code, delta, gap]
                continue
            if first != last and gap == step:
                rows[-1] = [first, code, delta, step]
                continue
        rows.append([code, code, delta, 1])
    return rows


def table(kind, name, rows, per_line):
    print(f"\nconst {kind} {name}[] = {{")
    for i in range(0, len(rows), per_line):
        print("    " + " ".join("{" + ", ".join(str(v) for v in row) + "}," for row in rows[i:i + per_line]))
    print(f"}};\nconst size_t {name}_count = {len(rows)};" if name != "inf_char_classes" else
          f"}};\nconst size_t inf_char_class_count = {len(rows)};")


def main():
    codes = [c for c in range(LIMIT) if not 0xD800 <= c < 0xE000]
    classes = []
    for code in codes:
        b = bits(chr(code))
        if not classes or classes[-1][1] != b:
            classes.append((code, b))
    lower = [(c, ord(chr(c).lower()) - c) for c in codes if len(chr(c).lower()) == 1 and chr(c).lower() != chr(c)]
    upper = [(c, ord(chr(c).upper()) - c) for c in codes if len(chr(c).upper()) == 1 and chr(c).upper() != chr(c)]
    many = [(c, [ord(u) for u in chr(c).upper()]) for c in codes if len(chr(c).upper()) > 1]
    assert [c for c in codes if len(chr(c).lower()) > 1] == [0x130]
    print(f"/* Made by make_characters.py from Unicode {unicodedata.unidata_version}: do not edit. */")
    print("// clang-format off\n#include \"lib/chat/characters.h\"")
    table("struct inf_char_class", "inf_char_classes", classes, 10)
    table("struct inf_char_case", "inf_char_lower", runs(lower), 6)
    table("struct inf_char_case", "inf_char_upper", runs(upper), 6)
    rows = [(c, "{" + ", ".join(map(str, u)) + "}") for c, u in many]
    table("struct inf_char_cases", "inf_char_upper_many", rows, 5)


if __name__ == "__main__":
    sys.exit(main())
