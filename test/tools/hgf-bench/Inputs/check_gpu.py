"""Checks lines of hgf-bench --static --gpu --json: limits, never figures. check_gpu.py FILE LINES"""

import json
import sys

KEYS = [
    "shape",
    "tokens",
    "chip",
    "kernel",
    "sass_per_weight",
    "naive_sass_per_weight",
    "sector_efficiency",
    "bank_conflicts",
    "registers",
    "spills",
    "occupancy",
    "bound",
]


def check(line):
    if list(line)[: len(KEYS)] != KEYS:
        yield f"the keys do not begin with {KEYS}"
    if line["spills"] != 0:
        yield f"{line['spills']} bytes are spilled"
    if not 0 < line["registers"] <= 255:
        yield f"{line['registers']} registers"
    if not 0.25 <= line["occupancy"] <= 1:
        yield f"occupancy {line['occupancy']}"
    if not line["bank_conflicts"] == 0:
        yield f"{line['bank_conflicts']} bank conflicts"
    if not 0.98 <= line["sector_efficiency"] <= 1:
        yield f"{line['sector_efficiency']} of the sectors are of use"
    if line["tokens"] <= 2 and line["sass_per_weight"] > 0.5 * line["naive_sass_per_weight"]:
        yield f"{line['sass_per_weight']} instructions a weight, a naive kernel {line['naive_sass_per_weight']}"
    if line["tokens"] == 1 and line["sass_per_weight"] > 0.65:
        yield f"{line['sass_per_weight']} instructions a weight"
    if line["tokens"] == 1 and line["bound"] != "memory":
        yield f"bound by {line['bound']}"
    if line["moved_ratio"] > 1.03:
        yield f"moves {line['moved_ratio']} of what it has to"
    if line["rank"] and line["bytes_separate"] <= line["bytes_moved"]:
        yield "launches of their own for the correction move less"


def main():
    path, count = sys.argv[1:]
    with open(path) as file:
        lines = [json.loads(line) for line in file]
    errors = [f"{line['shape']} {line['chip']} tokens {line['tokens']} rank {line['rank']}: {error}" for line in lines for error in check(line)]
    if len(lines) != int(count):
        errors.append(f"{len(lines)} lines, expected {count}")
    for error in errors:
        print(error)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
