"""check_lines.py FILE COUNT: FILE holds COUNT lines of hgf-bench --json, each with the fields that others read."""

import json
import sys

NUMBERS = ["gweights_per_s", "bytes_per_weight", "gmac_s", "gb_s", "limit_ratio", "read_gb_s", "dot_gmac_s", "seconds"]
WORDS = ["shape", "gate", "scale", "encoding", "kernel", "cpu", "level", "residency", "limit", "dot_loop"]

lines = [json.loads(line) for line in open(sys.argv[1])]
assert len(lines) == int(sys.argv[2]), len(lines)
combinations = set()
for line in lines:
    assert all(isinstance(line[name], (int, float)) and line[name] > 0 for name in NUMBERS), line
    assert all(isinstance(line[name], str) and line[name] for name in WORDS), line
    assert line["limit"] in ("read", "dot") and line["residency"] in ("dram", "cache"), line
    assert line["spread"] >= 0 and line["rounds"] >= 5 and line["layers"] >= 1, line
    assert line["valid"] is True or line["doubt"], line
    if line["shape"] != "step":
        # Two ways to the same number.
        rows, columns = map(int, line["shape"].split("x"))
        rate = rows * columns / line["seconds"] / 1e9
        assert abs(rate / line["gweights_per_s"] - 1) < 0.01, line
    combinations.add(tuple(line[name] for name in ["shape", "tokens", "threads", "rank", "gate", "scale", "cpu", "kernel"]))
assert len(combinations) == len(lines), combinations
