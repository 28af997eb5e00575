#!/usr/bin/env python3
"""make_unicode.py > unicode_data.c: the tables of unicode.h from Python's unicodedata."""
import sys
import unicodedata

LIMIT = 0x110000
BLOCK = 128
BITS = {"Lu": 1, "Lt": 1, "Ll": 2, "Lm": 4, "Lo": 4, "M": 8, "N": 16, "P": 32, "S": 64}
SPACE = 128
# The property White_Space, which unicodedata does not have; it is stable.
SPACES = {*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F,
          0x205F, 0x3000}

# Marks (Mn) that came after Unicode 8, by which BERT's fast tokenizers know accents.
NEW_MARKS = (
    "7fd 898-89f 8ca-8e1 9fe afa-aff b55 c04 c3c d00 d3b-d3c d81 eba 180f 1885-1886 "
    "1abf-1ace 1df6-1dfb a82c a8c5 a8ff a9bd 10d24-10d27 10eab-10eac 10f46-10f50 10f82-10f85 "
    "11070 11073-11074 110c2 111c9 111cf 1123e 1133b 11438-1143f 11442-11444 11446 1145e "
    "1182f-11837 11839-1183a 1193b-1193c 1193e 11943 119d4-119d7 119da-119db 119e0 "
    "11a01-11a0a 11a33-11a38 11a3b-11a3e 11a47 11a51-11a56 11a59-11a5b 11a8a-11a96 "
    "11a98-11a99 11c30-11c36 11c38-11c3d 11c3f 11c92-11ca7 11caa-11cb0 11cb2-11cb3 "
    "11cb5-11cb6 11d31-11d36 11d3a 11d3c-11d3d 11d3f-11d45 11d47 11d90-11d91 11d95 11d97 "
    "11ef3-11ef4 16f4f 16fe4 1cf00-1cf2d 1cf30-1cf46 1e000-1e006 1e008-1e018 1e01b-1e021 "
    "1e023-1e024 1e026-1e02a 1e130-1e136 1e2ae 1e2ec-1e2ef 1e944-1e94a "
)


def ranges(text):
    """The codes that a list of ranges in hexadecimal names."""
    ends = [[int(end, 16) for end in part.split("-")] for part in text.split()]
    return {code for e in ends for code in range(e[0], e[-1] + 1)}


def char_class(code):
    category = unicodedata.category(chr(code))
    bits = BITS.get(category, BITS.get(category[0], 0))
    return bits | (SPACE if code in SPACES else 0)


def canonical(code):
    """The canonical decomposition, one step: (), (a,) or (a, b)."""
    text = unicodedata.decomposition(chr(code))
    return () if not text or text[0] == "<" else tuple(int(c, 16) for c in text.split())


def rows(values, form, per_line):
    for i in range(0, len(values), per_line):
        yield "    " + " ".join(form(v) + "," for v in values[i:i + per_line])


def two_stage(name, values):
    blocks, index = {}, []
    for start in range(0, LIMIT, BLOCK):
        index.append(blocks.setdefault(tuple(values[start:start + BLOCK]), len(blocks)))
    assert len(blocks) <= 256, "the index is one byte"
    flat = [v for block in blocks for v in block]
    print(f"\nconst uint8_t inf_unicode_{name}_index[{len(index)}] = {{")
    print("\n".join(rows(index, str, 32)))
    print(f"}};\n\nconst uint8_t inf_unicode_{name}_blocks[{len(flat)}] = {{")
    print("\n".join(rows(flat, str, 32)))
    print("};")


def main():
    codes = [c for c in range(LIMIT) if not 0xD800 <= c < 0xE000]
    steps = {c: canonical(c) for c in codes if canonical(c)}
    assert all(not canonical(pair[1]) for pair in steps.values() if len(pair) == 2)
    pairs = {c: p for c, p in steps.items()
             if len(p) == 2 and unicodedata.normalize("NFC", chr(c)) == chr(c)}
    seconds = {p[1] for p in pairs.values()} | {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3)}

    classes, nfc = [0] * LIMIT, [0] * LIMIT
    for code in codes:
        classes[code] = char_class(code)
        combining = unicodedata.combining(chr(code))
        assert combining < 255
        changes = code in seconds or unicodedata.normalize("NFC", chr(code)) != chr(code)
        nfc[code] = combining or (255 if changes else 0)

    print(f"/* Made by make_unicode.py from Unicode {unicodedata.unidata_version}: do not edit. */")
    print('// clang-format off\n#include "lib/vocab/unicode.h"')
    two_stage("class", classes)
    two_stage("nfc", nfc)

    table = sorted(steps.items())
    print(f"\nconst uint32_t inf_unicode_steps[INF_UNICODE_STEPS][3] = {{")
    print("\n".join(rows([(c, p[0], p[1] if len(p) == 2 else 0) for c, p in table],
                         lambda r: "{%d, %d, %d}" % r, 4)))
    order = sorted((p, i) for i, (c, p) in enumerate(table) if c in pairs)
    print(f"}};\n\nconst uint16_t inf_unicode_composites[INF_UNICODE_COMPOSITES] = {{")
    print("\n".join(rows([i for _, i in order], str, 16)))

    marks = {c for c in codes if unicodedata.category(chr(c)) == "Mn"} - ranges(NEW_MARKS) | {0x1734}
    accents = [(c, next(n for n in range(c, LIMIT) if n + 1 not in marks))
               for c in sorted(marks) if c - 1 not in marks]
    lower = [(c, ord(chr(c).lower()[0])) for c in codes if c >= 0x80 and chr(c).lower() != chr(c)]
    assert [c for c in codes if len(chr(c).lower()) > 1] == [0x130]
    for name, pairs in (("accents", accents), ("lower", lower)):
        print(f"}};\n\nconst uint32_t inf_unicode_{name}[INF_UNICODE_{name.upper()}][2] = {{")
        print("\n".join(rows(pairs, lambda r: "{%d, %d}" % r, 6)))
    print("};")
    print(f"STEPS {len(table)} COMPOSITES {len(order)} ACCENTS {len(accents)} LOWER {len(lower)}",
          file=sys.stderr)


if __name__ == "__main__":
    main()
