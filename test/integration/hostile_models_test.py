"""Odd models get an answer or one clear error, never a crash.

Valid models (ONNX's own node tests, the exporters' fixtures, the demo) are mutated with a fixed seed: inputs and outputs
dropped or swapped, attributes, element types and shapes changed. Each is compiled up to the fusion phase.

    hostile_models_test.py [--seed N] [--count N] [--large] [--whole] [--keep FOLDER]

searches longer: --large mutates the larger models, --whole compiles to the end; FOLDER keeps the models that fail."""

import argparse
import concurrent.futures
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

import onnx
import pytest
from onnx import TensorProto

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import harness  # noqa: E402
import mutations  # noqa: E402

NODE_TESTS = pathlib.Path(onnx.__file__).parent / "backend" / "test" / "data" / "node"
EXPECTED = pathlib.Path(__file__).resolve().parent / "node_tests_expected.txt"
FIXTURES = harness.ROOT / "test" / "import" / "fixtures"
DEMO = harness.ROOT / "examples" / "shakespeare" / "model.onnx"
SECONDS = 30
# What a person who wrote a bad model should never read.
INTERNAL = re.compile(r"please report|Stack dump|Assertion|LLVM ERROR|PLEASE submit|UNREACHABLE|'(linalg|tensor|arith|memref|func|scf)\.")


def small_models():
    """One node test per operator that compiles, its small integer inputs made initializers."""
    seen = set()
    for name in EXPECTED.read_text().split("\n"):
        path = NODE_TESTS / name.split(" ")[0] / "model.onnx"
        if name.startswith("#") or not name or not path.exists():
            continue
        model = onnx.load(path)
        key = tuple(node.op_type for node in model.graph.node[:1])
        if key in seen or max(opset.version for opset in model.opset_import) < 11:
            continue
        seen.add(key)
        data = path.parent / "test_data_set_0"
        for position, info in reversed(list(enumerate(model.graph.input))):
            tensor = onnx.TensorProto.FromString((data / f"input_{position}.pb").read_bytes())
            if tensor.data_type in (TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL) and len(tensor.dims) <= 1:
                tensor.name = info.name
                model.graph.initializer.append(tensor)
                del model.graph.input[position]
        if model.graph.input or model.graph.initializer:
            yield path.parent.name, model


def large_models():
    for path in [*sorted(FIXTURES.glob("*_static.onnx")), FIXTURES / "bitnet_packed_dynamo_opset23.onnx",
                 FIXTURES / "bitnet_packed_dynamo_eager.onnx", FIXTURES / "bitnet_online_dynamo_dynamic.onnx", DEMO]:
        yield path.stem, onnx.load(path)


def complaint(path, whole=False):
    """What is wrong with the compiler's answer to the model; empty if nothing is."""
    output = str(path) + (".so" if whole else ".mlir")
    flags = [] if whole else ["--emit=mlir", "--compile-to=fusion"]
    try:
        run = subprocess.run([harness.HGF_COMPILE, path, "-o", output, *flags], capture_output=True, text=True, errors="replace",
                             timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"takes longer than {SECONDS} s"
    finally:
        for left in (output, str(path) + ".h"):
            if os.path.exists(left):
                os.remove(left)
    if run.returncode not in (0, 1):
        return f"status {run.returncode}: {run.stderr[-1500:]}"
    if INTERNAL.search(run.stderr):
        return f"internal words: {run.stderr[:1500]}"
    if run.returncode == 1 and not any(line.startswith("hgf-compile: error: ") for line in run.stderr.split("\n")):
        return f"no error line: {run.stderr[:1500]}"
    return ""


def search(seeds, seed, count, folder, whole=False):
    """Compiles `count` mutations of each model; returns the complaints, one by one, with the files kept that cause them."""
    def attempt(name, model, number):
        choose = random.Random(f"{seed} {name} {number}")
        mutated, done = mutations.mutate(model, choose)
        path = pathlib.Path(folder, f"{name}-{seed}-{number}.onnx")
        try:
            data = mutated.SerializeToString()
        except Exception:  # protobuf refuses surrogates and the like
            return ""
        path.write_bytes(data)
        said = complaint(path, whole)
        if said:
            return f"{path.name} ({', '.join(done)}): {said}"
        path.unlink()
        return ""

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = [pool.submit(attempt, name, model, number) for name, model in seeds for number in range(count)]
        return [said for said in (future.result() for future in concurrent.futures.as_completed(futures)) if said]


@pytest.mark.parametrize("seeds, count", [(small_models, 3), (large_models, 14)])
def test_mutations(seeds, count, tmp_path):
    complaints = search(list(seeds()), 0, count, tmp_path)
    assert not complaints, "\n".join(complaints)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--keep", default=tempfile.gettempdir())
    arguments = parser.parse_args()
    os.makedirs(arguments.keep, exist_ok=True)
    complaints = search(list(large_models() if arguments.large else small_models()), arguments.seed, arguments.count,
                        arguments.keep, arguments.whole)
    print("\n".join(complaints))
    return len(complaints) != 0


if __name__ == "__main__":
    sys.exit(main())
