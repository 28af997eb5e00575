#!/usr/bin/env python3
"""Checks who includes whom: each folder may include itself, and the folders of its row below."""
import pathlib
import re
import sys

KERNEL_FORMATS = ["formats/block.h", "formats/half.h", "formats/type.h", "formats/types.def",
                  "formats/unpack.h", "formats/codebooks.h", "formats/grid_iq2_xxs.def",
                  "formats/grid_iq2_xs.def", "formats/grid_iq2_s.def", "formats/grid_iq3_xxs.def",
                  "formats/grid_iq3_s.def", "formats/grid_iq1.def"]
# folder: what it may include besides itself (folders or single files)
RULES = {
    "include": [],
    "lib/base": [],
    "formats": ["lib/base"],
    "kernels": KERNEL_FORMATS,
    "lib/vocab": ["lib/base"],
    "lib/sample": ["lib/base"],
    "lib/grammar": ["lib/base"],
    "lib/chat": ["lib/base"],
    "lib/tools": ["lib/base", "lib/grammar"],
    "lib/arch": ["lib/base", "formats", "kernels"],
    "lib/plan": ["lib/base", "formats", "kernels", "lib/arch"],
    "lib/device": ["lib/base", "formats", "kernels", "lib/arch", "lib/plan"],
    "lib": ["formats", "kernels", "lib"],
    "examples": [],
    "bench": ["formats", "kernels", "lib", "tests/tiny"],
    "tests": ["formats", "kernels", "lib", "bench", "examples/agent"],
}
# inside the library no other header of the system than these
SYSTEM = {"examples": None, "bench": None, "tests": None}
BANNED = {"assert.h", "setjmp.h", "locale.h"}


def folder_of(path):
    return max((f for f in RULES if path == f or path.startswith(f + "/")), key=len, default=None)


def main():
    faults = 0
    for top in "include", "formats", "kernels", "lib", "examples", "bench", "tests":
        for file in sorted(pathlib.Path(top).rglob("*")):
            if file.suffix not in (".c", ".h", ".def", ".cc"):
                continue
            own = folder_of(file.as_posix())
            for number, line in enumerate(file.read_text().splitlines(), 1):
                found = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
                if not found:
                    continue
                kind, name = found.groups()
                where = f"{file}:{number}"
                if kind == "<":
                    if own not in SYSTEM and name in BANNED:
                        faults += 1
                        print(f"{where}: <{name}> has no place in the library")
                    if own == "include" and name not in ("stddef.h", "stdint.h", "stdbool.h"):
                        faults += 1
                        print(f"{where}: the public header includes <{name}>")
                    continue
                target = name if (pathlib.Path(name)).exists() else (file.parent / name).as_posix()
                theirs = folder_of(target)
                allowed = theirs == own or any(
                    target == a or target.startswith(a + "/") for a in RULES[own])
                if not allowed:
                    faults += 1
                    print(f"{where}: {own}/ may not include {name}")
    names = {}
    for file in pathlib.Path(".").rglob("*.[ch]"):
        if not file.parts[0].startswith((".", "build")):
            names.setdefault(file.name, []).append(file.as_posix())
    for name, files in sorted(names.items()):
        if len(files) > 1:
            faults += 1
            print(f"{name}: the name stands twice: {', '.join(files)}")
    return faults


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
