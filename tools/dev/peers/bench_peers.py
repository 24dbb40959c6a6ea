"""Measures ternary kernels of several programs, interleaved in one process; started by tools/dev/bench-peers."""

import argparse
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import table

ROOT = pathlib.Path(__file__).resolve().parents[3]
HOME = ROOT / "build" / "peers"
RESULTS = HOME / "results"
PAGE = ROOT / "docs" / "Performance.md"

# N×K of the linears of published models.
PRESETS = {
    "bitnet-2b": [(2560, 2560), (640, 2560), (6912, 2560), (2560, 6912)],
    "bitnet-3b": [(3200, 3200), (8640, 3200), (3200, 8640)],
    "bitnet-large": [(1536, 1536), (4096, 1536), (1536, 4096)],
    "trilm-3.9b": [(3072, 3072), (9216, 3072), (3072, 9216)],
    "falcon-e-1b": [(2048, 2048), (256, 2048), (9216, 2048), (2048, 9216)],
    "llama3-8b": [(4096, 4096), (1024, 4096), (14336, 4096), (4096, 14336)],
}
DEFAULT_PRESETS = ["bitnet-2b", "bitnet-3b", "bitnet-large", "trilm-3.9b"]
PEERS = ["ggml", "ik_llama", "onnxruntime"]


def shapes(text):
    found = []
    for part in text.split(","):
        match = re.fullmatch(r"([1-9]\d{0,6})x([1-9]\d{0,6})", part)
        if not match:
            raise argparse.ArgumentTypeError(f"expected shapes such as 6912x2560,640x2560 but got '{part}'")
        found.append((int(match[1]), int(match[2])))
    return found


def counts(text):
    if not re.fullmatch(r"[1-9]\d{0,5}(,[1-9]\d{0,5})*", text):
        raise argparse.ArgumentTypeError(f"expected positive numbers joined by commas but got '{text}'")
    return [int(part) for part in text.split(",")]


def names(known):
    def parse(text):
        for part in text.split(","):
            if part not in known:
                raise argparse.ArgumentTypeError(f"expected some of {', '.join(known)} but got '{part}'")
        return text.split(",")
    return parse


def positive(text):
    value = counts(text)
    if len(value) != 1:
        raise argparse.ArgumentTypeError(f"expected one positive number but got '{text}'")
    return value[0]


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="bench-peers", allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures our ternary kernels interleaved with other programs' on the same shapes, and writes the table of docs/Performance.md.",
        epilog="Each piece (a shape, a number of tokens) is prepared, measured and kept as JSON in build/peers/results; the table holds all pieces kept.")
    parser.add_argument("--shape", type=shapes, metavar="NxK,...", help="outputs x inputs; default: those of the presets")
    parser.add_argument("--preset", type=names(PRESETS), metavar="NAME,...", default=DEFAULT_PRESETS,
                        help=f"shapes of published models: {', '.join(PRESETS)} (default: {','.join(DEFAULT_PRESETS)})")
    parser.add_argument("--tokens", type=counts, default=[1, 256], metavar="N,...", help="default: 1,256")
    parser.add_argument("--threads", type=counts, default=[1, 2], metavar="N,...", help="default: 1,2")
    parser.add_argument("--cpu", type=lambda text: text.split(","), default=["native"], metavar="NAME,...",
                        help="for which machines ours are compiled, as --cpu of hgf-compile (default: native)")
    parser.add_argument("--peers", type=names(PEERS), default=PEERS, metavar="NAME,...", help=f"default: {','.join(PEERS)}")
    parser.add_argument("--rounds", type=positive, default=9, metavar="N", help="how often each is measured, in turns (default: 9)")
    parser.add_argument("--megabytes", type=positive, default=500, metavar="N",
                        help="distinct weights at 2 bits that up to 8 tokens read (default: 500, far more than a cache)")
    parser.add_argument("--quiet-with", metavar="COMMAND", help="a command that runs another one on a quiet machine: it is held while the clock runs")
    parser.add_argument("--missing", action="store_true", help="only pieces without a kept result")
    parser.add_argument("--table-only", action="store_true", help="measure nothing, write the table of what is kept")
    parser.add_argument("--check-arguments", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.shape = list(dict.fromkeys(options.shape or [shape for name in options.preset for shape in PRESETS[name]]))
    for rows, columns in options.shape:
        if columns % 4:
            parser.error(f"expected a multiple of 4 inputs, as four codes share a byte, but got {rows}x{columns}")
    return options


@contextlib.contextmanager
def quiet(command):
    """Holds COMMAND's machine for as long as the block runs."""
    if not command:
        yield
        return
    holder = subprocess.Popen([*command.split(), "sh", "-c", "echo ready; read ignored"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if holder.stdout.readline().strip() != "ready":
            raise RuntimeError(f"'{command}' did not run a command")
        yield
    finally:
        holder.communicate("\n")


def say(text, start=time.monotonic()):
    print(f"[{time.monotonic() - start:6.1f} s] {text}", file=sys.stderr, flush=True)


def main():
    options = parse(sys.argv[1:])
    if options.check_arguments:
        return 0
    if not options.table_only:
        # NumPy and the opponents are only in the environment that bench-peers makes.
        import pieces
        for rows, columns in options.shape:
            for tokens in options.tokens:
                path = RESULTS / f"{rows}x{columns}-{tokens}.json"
                if options.missing and path.exists():
                    continue
                result = pieces.measure((rows, columns), tokens, options, lambda: quiet(options.quiet_with), say)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(result, indent=1))
    kept = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    if not kept:
        say("bench-peers: no results are kept in build/peers/results; run it without --table-only")
        return 1
    table.replace(PAGE, table.render(kept))
    say(f"bench-peers: wrote the table of {len(kept)} pieces into {os.path.relpath(PAGE, ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
