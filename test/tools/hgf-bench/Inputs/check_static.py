"""check_static.py FILE COUNT: FILE holds COUNT lines of hgf-bench --static --json, each with the fields that others read."""

import json
import sys

NUMBERS = ["cycles_per_kweight", "cycles_per_kmac", "instructions_per_kweight", "peak_ratio", "bytes_per_weight",
           "gb_s_per_core", "ghz", "memory_cycles_per_kweight", "cycles_bound"]
WORDS = ["shape", "cpu", "level", "model", "kernel", "encoding", "scale", "bound"]

lines = [json.loads(line) for line in open(sys.argv[1])]
assert len(lines) == int(sys.argv[2]), len(lines)
combinations = set()
for line in lines:
    assert all(isinstance(line[name], (int, float)) and line[name] > 0 for name in NUMBERS), line
    assert all(isinstance(line[name], str) and line[name] for name in WORDS), line
    assert not any("second" in name or name.endswith("_s") for name in line), line
    # Filling the pipeline may cost the shorter of two blocks more.
    assert line["peak_ratio"] <= 1.05, line
    core, memory = line["cycles_per_kweight"], line["memory_cycles_per_kweight"]
    assert line["bound"] == ("core" if core >= memory else "memory"), line
    assert line["cycles_bound"] == max(core, memory), line
    # A kernel for many tokens goes over its weights once for each few: one token counts.
    together = 1 if "prefill" in line["kernel"] else int(line["kernel"].split("_tokens")[1].split("_")[0])
    assert abs(line["cycles_per_kmac"] * together / core - 1) < 0.01, line
    bytes_per_cycle = line["gb_s_per_core"] / line["ghz"]
    shared = line["tokens"] if "prefill" in line["kernel"] else 1
    assert abs(1000 * line["bytes_per_weight"] / bytes_per_cycle / shared / memory - 1) < 0.01, line
    combinations.add(tuple(line[name] for name in ["shape", "tokens", "cpu", "level", "encoding", "scale"]))
assert len(combinations) == len(lines), combinations
