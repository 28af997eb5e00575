#!/usr/bin/env python3
"""Prints what models take, as the rows of the README's table.

    memory_table.py INFER "NAME | TYPE | FILE [OPTION...]"...

Asks `INFER plan FILE -c 8192 [OPTION...] --json`. A file of the right shape and types is enough: a plan reads no weight, so
the file may have a hole in their place.
"""
import json
import subprocess
import sys


def gib(count):
    return f"{count / 2**30:.2f}" if count < 10 * 2**30 else f"{count / 2**30:.1f}"


def main():
    infer, *rows = sys.argv[1:]
    for row in rows:
        name, kind, call = (part.strip() for part in row.split("|"))
        plan = subprocess.run([infer, "plan", *call.split(), "-c", "8192", "--json"], check=True, stdout=subprocess.PIPE)
        plan = json.loads(plan.stdout)
        weights = plan["bytes"]["weights_mapped"] + plan["bytes"]["weights_owned"]
        kv = plan["bytes"]["kv"]
        rest = plan["total_bytes"] - weights - kv
        cells = [name, kind, gib(weights), f"{gib(kv)} ({plan['kv']})", gib(rest), gib(plan["total_bytes"]),
                 gib(plan["weight_bytes_per_token"])]
        print("| " + " | ".join(cells) + " |")


main()
