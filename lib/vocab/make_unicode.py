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

    marks = {c for c in codes if unicodedata.category(chr(c)) == "Mn"}
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
