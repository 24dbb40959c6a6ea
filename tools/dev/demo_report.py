"""Compares the compiled demo model with ONNX Runtime and prints sizes; called by tools/dev/demo.

    demo_report.py MODEL.onnx EXECUTABLE"""

import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples" / "shakespeare"))
import oracle  # noqa: E402

# 200 bytes whose greedy continuation keeps its distance from ties: what the greedy texts continue.
PROMPT = (ROOT / "examples" / "shakespeare" / "prompt.txt").read_bytes()


def size(count):
    return f"{count / 1e6:.2f} MB"


def parameters(path):
    """How many parameters the file's tensors hold, nested functions included."""
    model = onnx.load(path)
    return sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer)


def run_call(executable, feeds, folder):
    np.savez(folder / "in.npz", **feeds)
    subprocess.run([executable, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz"], check=True,
                   capture_output=True)
    return dict(np.load(folder / "out.npz"))


def main():
    model, executable = sys.argv[1:3]
    count = parameters(model)
    rows = [("executable", size(pathlib.Path(executable).stat().st_size)),
            ("ONNX file", size(pathlib.Path(model).stat().st_size)),
            (f"the same {count / 1e6:.2f} M parameters in 16 bits", size(2 * count))]
    description = json.loads(subprocess.run([executable, "--describe", "--json"], check=True, capture_output=True,
                                            text=True).stdout)
    report = description.get("report", {})
    totals = report.get("totals", {}) if isinstance(report, dict) else {}
    if "effective_bits" in totals:
        rows.append(("effective bits of the ternary layers", f"{totals['effective_bits']:.2f}"))
    teacher = oracle.Oracle(model)
    expected, actual = [], []
    with tempfile.TemporaryDirectory() as folder:
        for feeds, results in teacher.calls(PROMPT):
            expected.append(results["logits"][0])
            actual.append(run_call(executable, feeds, pathlib.Path(folder))["logits"][0])
    agrees, facts = oracle.compare(np.concatenate(expected), np.concatenate(actual))
    rows.append(("largest difference of a logit from ONNX Runtime", f"{facts['largest_difference']:.2e}"))
    rows.append(("tokens equal to 1e-4", f"{facts['close_fraction']:.1%} of {facts['tokens']}"))
    margins = []
    wanted = bytes(teacher.generate(PROMPT, 100, margins))
    run = subprocess.run([executable, "--prompt", PROMPT, "--tokens", "100", "--temperature", "0"], check=True,
                         capture_output=True)
    # The text may repeat the prompt before it goes on.
    same = wanted in run.stdout
    rows.append(("greedy text of 100 bytes after 200", "the same" if same else "differs"))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:<{width}}  {value}")
    if not agrees or not same:
        print(f"demo: the executable and ONNX Runtime disagree: {facts}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
