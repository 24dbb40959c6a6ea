"""same_fields.py ONE OTHER: two files of hgf-bench --json have the same lines, but for what was measured."""

import json
import sys

MEASURED = {"seconds", "best_seconds", "spread", "rounds", "valid", "doubt", "limit", "limit_ratio", "read_ratio", "dot_ratio"}
MEASURED |= {"read_gb_s", "dot_gmac_s", "tokens_per_s", "gweights_per_s", "gmac_s", "gb_s", "added_time"}


def read(path):
    for text in open(path):
        line = json.loads(text)
        # There only where there is a reason.
        line.pop("doubt", None)
        yield [(name, None if name in MEASURED else value) for name, value in line.items()]


one, other = (list(read(path)) for path in sys.argv[1:])
assert one and len(one) == len(other), (len(one), len(other))
# Names and their order, too.
for left, right in zip(sorted(one, key=str), sorted(other, key=str)):
    assert left == right, (left, right)
