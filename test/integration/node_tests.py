"""Runs ONNX's own node tests through the compiler and compares them with a checked-in list of passes.

    node_tests.py [--update] [--only PATTERN] [--symbolic] [--gpu] [--verbose] [--jobs N]

A regression and an unexpected pass both fail: `--update` rewrites the list. No node test has initializers; where a node
needs its shape, axes or k at compile time, integer inputs are turned into initializers and the test runs again.
`--symbolic` gives every input dimension a name instead of a number, one name per size, so that lowering sees equal
dimensions but no sizes. `--gpu` compiles for a GPU and runs on its simulator; it has a list of its own."""

import argparse
import fnmatch
import multiprocessing
import os
import pathlib
import pickle
import signal
import sys
import tempfile

import ml_dtypes
import numpy as np
import onnx
from onnx import numpy_helper, version_converter

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import harness  # noqa: E402

FOLDER = pathlib.Path(onnx.__file__).parent / "backend" / "test" / "data" / "node"
EXPECTED = pathlib.Path(__file__).resolve().parent / "node_tests_expected.txt"
GPU_EXPECTED = EXPECTED.with_name("node_tests_gpu_expected.txt")
harness.DTYPES[np.dtype(ml_dtypes.bfloat16)] = onnx.TensorProto.BFLOAT16
harness.NUMPY_TYPES[onnx.TensorProto.BFLOAT16] = np.dtype(ml_dtypes.bfloat16)
RELATIVE, ABSOLUTE = 1e-3, 1e-7
SECONDS = 60
# The oldest operator set that the compiler reads; older models are converted first.
OLDEST = 11
# Said by the compiler where a value must be known before the model runs.
NEEDS_CONSTANT = ("make it an initializer", "must be constant")
INTEGERS = {onnx.TensorProto.INT64, onnx.TensorProto.INT32, onnx.TensorProto.BOOL}
FLOATS = {onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16}


class Skip(Exception):
    """The test uses values that are no tensors, or types without a NumPy counterpart here."""


def read_tensors(folder, kind, infos):
    """The tensors of one data set, by the names of the graph's inputs or outputs."""
    tensors = {}
    for position, info in enumerate(infos):
        if not info.type.HasField("tensor_type"):
            raise Skip("not a tensor")
        tensor = onnx.TensorProto.FromString((folder / f"{kind}_{position}.pb").read_bytes())
        array = numpy_helper.to_array(tensor)
        if array.dtype not in harness.DTYPES:
            raise Skip(f"element type {array.dtype}")
        tensors[info.name] = array
    return tensors


def bake(model, inputs, everything):
    """Turns integer inputs (and float scalars) into initializers; `everything` also the large ones."""
    baked = onnx.ModelProto()
    baked.CopyFrom(model)
    kept = []
    for info in baked.graph.input:
        kind, array = info.type.tensor_type.elem_type, inputs[info.name]
        if (kind in INTEGERS and (array.ndim <= 1 or everything)) or (kind in FLOATS and array.ndim == 0 and everything):
            baked.graph.initializer.append(numpy_helper.from_array(array, info.name))
        else:
            kept.append(info)
    del baked.graph.input[:]
    baked.graph.input.extend(kept)
    return baked


def make_symbolic(model):
    """Names every dimension of every input after its size, and forgets the shapes of all else."""
    named = onnx.ModelProto()
    named.CopyFrom(model)
    for info in named.graph.input:
        for dimension in info.type.tensor_type.shape.dim:
            if dimension.HasField("dim_value"):
                size = dimension.dim_value
                dimension.dim_param = f"n{size}"
    for info in named.graph.output:
        info.type.tensor_type.ClearField("shape")
    return named


def run_once(model, inputs, path, gpu):
    source = path / "model.onnx"
    source.write_bytes(model.SerializeToString())
    library = harness.compile_file(source, path / "model.so", "--gpu=sm_80" if gpu else "--cpu=native")
    names = {info.name for info in model.graph.input}
    compiled = harness.Model(library, device="sim" if gpu else None)
    return compiled({name: array for name, array in inputs.items() if name in names})


def compare(got, expected):
    for name, array in expected.items():
        if got[name].shape != array.shape:
            return f"output {name}: expected shape {array.shape} but got {got[name].shape}"
        if got[name].dtype != array.dtype:
            return f"output {name}: expected {array.dtype} but got {got[name].dtype}"
        if not np.allclose(got[name].astype(np.float64), array.astype(np.float64), RELATIVE, ABSOLUTE, equal_nan=True):
            error = np.max(np.abs(np.nan_to_num(got[name].astype(np.float64) - array.astype(np.float64))))
            return f"output {name}: differs by {error:.3g}"
    return ""


def run_test(name, symbolic, gpu):
    """'' if the test passes, else why not."""
    folder = FOLDER / name
    model = onnx.load(folder / "model.onnx")
    if any(opset.domain in ("", "ai.onnx") and opset.version < OLDEST for opset in model.opset_import):
        model = version_converter.convert_version(model, OLDEST)
    data = folder / "test_data_set_0"
    try:
        inputs = read_tensors(data, "input", model.graph.input)
        expected = read_tensors(data, "output", model.graph.output)
    except Skip as reason:
        return f"skipped: {reason}"
    message = ""
    for attempt in ("as it is", "small integers baked", "everything baked"):
        current = model if attempt == "as it is" else bake(model, inputs, attempt == "everything baked")
        if symbolic:
            current = make_symbolic(current)
        with tempfile.TemporaryDirectory() as path:
            try:
                return compare(run_once(current, inputs, pathlib.Path(path), gpu), expected)
            except harness.CompileError as error:
                message = next((line for line in str(error).splitlines() if "error" in line), str(error)[-300:])
                if not any(text in str(error) for text in NEEDS_CONSTANT):
                    break
    return message.split("error: ", 1)[-1] or "the compiler failed without a message"


def run_guarded(arguments):
    """Runs the test in a process of its own: a crash of compiled code is a result like any other."""
    name, symbolic, gpu = arguments
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        signal.alarm(SECONDS)
        try:
            outcome = run_test(name, symbolic, gpu)
        except Exception as error:  # noqa: BLE001: reported as the test's outcome
            outcome = f"{type(error).__name__}: {error}"
        with os.fdopen(writer, "wb") as stream:
            pickle.dump(outcome, stream)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        data = stream.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return name, f"crashed with {signal.Signals(os.WTERMSIG(status)).name}"
    return name, pickle.loads(data)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help="rewrite the list of expected passes")
    parser.add_argument("--only", default="*", help="run tests whose names match")
    parser.add_argument("--symbolic", action="store_true", help="symbolic instead of static input dimensions")
    parser.add_argument("--gpu", action="store_true", help="on the simulated GPU")
    parser.add_argument("--verbose", action="store_true", help="say why each test fails")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    names = sorted(path.name for path in FOLDER.iterdir() if fnmatch.fnmatch(path.name, options.only))
    with multiprocessing.Pool(options.jobs) as pool:
        outcomes = dict(pool.imap_unordered(run_guarded, [(name, options.symbolic, options.gpu) for name in names], chunksize=4))
    passed = {name for name, outcome in outcomes.items() if not outcome}
    if options.verbose:
        for name in names:
            if outcomes[name]:
                print(f"{name}: {outcomes[name]}")
    if options.symbolic:
        print(f"{len(passed)} passed, {len(names) - len(passed)} failed (symbolic)")
        return 0
    list_of_passes = GPU_EXPECTED if options.gpu else EXPECTED
    expected = set(list_of_passes.read_text().split()) if list_of_passes.exists() else set()
    if options.update:
        list_of_passes.write_text("".join(f"{name}\n" for name in sorted((expected - set(names)) | passed)))
        expected = expected - set(names) | passed
    regressions = sorted((expected & set(names)) - passed)
    surprises = sorted(passed - expected)
    for name in regressions:
        print(f"REGRESSION {name}: {outcomes[name]}")
    for name in surprises:
        print(f"UNEXPECTED PASS {name}: add it with --update")
    print(f"{len(passed)} passed, {len(regressions) + len(surprises)} failed")
    return 1 if regressions or surprises else 0


if __name__ == "__main__":
    sys.exit(main())
