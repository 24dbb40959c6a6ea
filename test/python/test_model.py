"""hgf.compile, hgf.load and calls on NumPy arrays."""

import gc
import pathlib
import threading

import ml_dtypes
import models
import numpy as np
import pytest
from onnx import TensorProto, helper

import hgf

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def adder():
    return hgf.compile(models.add(), threads=1)


def arrays(batch=3, dtype=np.float32):
    rng = np.random.default_rng(batch)
    return [(rng.standard_normal((batch, 4)) * 10).astype(dtype) for _ in range(2)]


def test_arrays_by_place_and_by_name_give_the_same(adder):
    x, y = arrays()
    for result in (adder(x, y), adder(x=x, y=y), adder(x, y=y), adder.run({"x": x, "y": y})["sum"]):
        np.testing.assert_array_equal(result, x + y)


def test_one_model_takes_any_batch(adder):
    for batch in (1, 2, 7, 0, 130):
        x, y = arrays(batch)
        np.testing.assert_array_equal(adder(x, y), x + y)


def test_description_names_tensors_and_dimensions(adder):
    assert [tensor.name for tensor in adder.inputs] == ["x", "y"]
    assert adder.inputs[0].shape == ("batch", 4)
    assert adder.inputs[0].dtype == np.float32 and adder.inputs[0].element_type == "float32"
    assert adder.outputs[0].name == "sum" and adder.outputs[0].state is None
    assert adder.threads == 1 and adder.position == 0 and adder.capacity == 0
    assert adder.level and adder.level_reason
    assert adder.report() == {"linears": []} or "linears" in adder.report()
    assert "x: float32[batch, 4]" in repr(adder)


def test_a_model_for_the_cpu_runs_on_no_other_device(adder, tmp_path):
    x, y = arrays()
    hgf.compile_to(models.add(), tmp_path / "adder.so")
    for device in ("auto", "cpu"):
        model = hgf.load(tmp_path / "adder.so", threads=1, device=device)
        np.testing.assert_array_equal(model(x, y), x + y)
        np.testing.assert_array_equal(model.clone()(x, y), x + y)
    for device in ("gpu", "gpu:0", "sim"):
        with pytest.raises(hgf.Error, match=f"auto or cpu but got '{device}': the model is compiled for the CPU"):
            hgf.load(tmp_path / "adder.so", device=device)
    with pytest.raises(hgf.Error, match="expected a device auto, gpu, gpu:N, sim or cpu but got 'cuda'"):
        hgf.load(tmp_path / "adder.so", device="cuda")


def test_lists_and_awkward_arrays_are_copied_once(adder):
    x, y = arrays()
    np.testing.assert_array_equal(adder(x.tolist(), y), x + y)
    np.testing.assert_array_equal(adder(np.asfortranarray(x), y), x + y)
    np.testing.assert_array_equal(adder(np.repeat(x, 2, axis=0)[::2], y), x + y)
    np.testing.assert_array_equal(adder(x.astype(">f4"), y), x + y)
    unaligned = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float32).reshape(x.shape)
    np.testing.assert_array_equal(adder(unaligned, y), x + y)


def test_read_only_inputs_are_taken_and_outputs_are_the_callers(adder):
    x, y = arrays()
    x.flags.writeable = False
    first = adder(x, y)
    kept = first.copy()
    second = adder(y, y)
    np.testing.assert_array_equal(first, kept)
    assert first.flags.writeable and not np.shares_memory(first, second)


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (lambda x, y: ((x,), {}), "input 'y' is not bound"),
        (lambda x, y: ((x, y, x), {}), "expected at most 2 arrays"),
        (lambda x, y: ((x,), {"x": x}), "input 'x' is given twice"),
        (lambda x, y: ((x,), {"z": x}), "no input 'z'"),
        (lambda x, y: ((x.astype(np.float64), y), {}), "expected float32 for tensor 'x' but got float64"),
        (lambda x, y: ((x.astype(complex), y), {}), "expected float32 for tensor 'x' but got complex128"),
        (lambda x, y: ((np.array([None]), y), {}), "expected float32 for tensor 'x' but got object"),
        (lambda x, y: ((x[:, :3], y), {}), "expected shape"),
        (lambda x, y: ((x[0], y), {}), "expected shape"),
        (lambda x, y: ((x[:2], y), {}), "dimension 'batch' is 2 in input 'x' but 3 in input 'y'"),
    ],
)
def test_wrong_calls_raise_the_runtimes_sentence_and_do_no_harm(adder, arguments, sentence):
    x, y = arrays()
    positional, named = arguments(x, y)
    with pytest.raises(hgf.Error, match=sentence.replace("(", r"\(")):
        adder(*positional, **named)
    np.testing.assert_array_equal(adder(x, y), x + y)


def test_unknown_output_is_named(adder):
    with pytest.raises(hgf.Error, match="no output 'z'; it has sum"):
        adder.run({}, outputs=["z"])


def test_several_outputs_come_as_a_dictionary():
    model = hgf.compile(models.two_outputs())
    x = np.array([-1.5, 2.0], np.float32)
    results = model(x)
    assert list(results) == ["a", "b"]
    np.testing.assert_array_equal(results["a"], -x)
    np.testing.assert_array_equal(model.run({"x": x}, outputs=["b"])["b"], abs(x))


@pytest.mark.parametrize("dtype", ["float16", "float64", "int8", "uint8", "int32", "int64"])
def test_element_types(dtype):
    model = hgf.compile(models.add(helper.np_dtype_to_tensor_dtype(np.dtype(dtype))))
    x, y = (np.abs(a).astype(dtype) for a in arrays())
    result = model(x, y)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, x + y)


def test_bool():
    model = hgf.compile(models.identity_like("Not", TensorProto.BOOL))
    result = model(np.array([True, False]))
    assert result.dtype == bool and result.tolist() == [False, True]


def test_bfloat16_is_taken_as_ml_dtypes_and_as_bits():
    model = hgf.compile(models.identity_like("Neg", TensorProto.BFLOAT16))
    x = np.array([1.5, -2.0], ml_dtypes.bfloat16)
    assert model.outputs[0].element_type == "bfloat16"
    for array in (x, x.view(np.uint16)):
        result = model(array)
        assert result.dtype == ml_dtypes.bfloat16
        np.testing.assert_array_equal(result, -x)


@pytest.mark.parametrize(
    "small, dtype, large, wide",
    [
        (TensorProto.FLOAT16, np.float16, TensorProto.FLOAT, np.float32),
        (TensorProto.FLOAT16, np.float16, TensorProto.DOUBLE, np.float64),
        # ml_dtypes rounds a double twice on its way to bfloat16.
        (TensorProto.BFLOAT16, ml_dtypes.bfloat16, TensorProto.FLOAT, np.float32),
    ],
)
@pytest.mark.parametrize("cpu", ["x86-64", "native"])
def test_16_bit_floats_convert_exactly_with_and_without_instructions(small, dtype, large, wide, cpu):
    to_large = hgf.compile(models.cast(small, large), cpu=cpu)
    to_small = hgf.compile(models.cast(large, small), cpu=cpu)
    every = np.arange(2**16, dtype=np.uint16).view(dtype)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(to_large(every), every.astype(wide))
        values = every[np.isfinite(every)].astype(wide)
        # Numbers, the middles between them, and their neighbours on both sides.
        middles = (np.sort(values)[1:] + np.sort(values)[:-1]) / 2
        above, below = np.nextafter(middles, wide(np.inf)), np.nextafter(middles, wide(-np.inf))
        special = np.array([np.inf, -np.inf, np.nan, 65519.99, 65520, 1e30, -1e-30, 3.4e38], wide)
        some = np.concatenate([values, middles, above, below, special])
        if dtype is ml_dtypes.bfloat16:
            # The instruction takes subnormal numbers for zero.
            some = some[(abs(some) >= np.finfo(np.float32).tiny) | np.isnan(some)]
        expected = some.astype(dtype)
        got = to_small(some)
        # Vectors of doubles go through float32, as they do in ONNX Runtime.
        through_float = some.astype(np.float32).astype(dtype)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    bits = [array.view(np.uint16)[~np.isnan(expected)] for array in (got, expected, through_float)]
    assert ((bits[0] == bits[1]) | (bits[0] == bits[2])).all()


def test_threads_take_turns_on_one_model_and_clones_run_beside(adder):
    x, y = arrays(64)
    failures = []

    def work(model):
        try:
            for _ in range(50):
                np.testing.assert_array_equal(model(x, y), x + y)
        except Exception as error:  # noqa: BLE001 - shown below
            failures.append(error)

    threads = [threading.Thread(target=work, args=(adder if i % 2 else adder.clone(threads=1),)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_library_outlives_model_and_file_can_be_written_anew(tmp_path):
    path = tmp_path / "model.so"
    x = np.array([[1, -2, 3, -4]], np.float32)
    first = hgf.compile(models.add(), output=path)
    second = hgf.compile(models.identity_like("Abs", TensorProto.FLOAT), output=path)
    np.testing.assert_array_equal(first(x, x), x + x)
    np.testing.assert_array_equal(second(x[0]), abs(x[0]))
    copy = first.clone()
    del first
    gc.collect()
    np.testing.assert_array_equal(copy(x, x), x + x)
    np.testing.assert_array_equal(hgf.load(path)(x[0]), abs(x[0]))


def test_temporary_library_goes_with_the_model():
    model = hgf.compile(models.add())
    path = model.path
    assert path.exists()
    del model
    gc.collect()
    assert not path.parent.exists()


def test_what_is_no_model_is_refused(tmp_path):
    text = tmp_path / "text.so"
    text.write_text("no library")
    for path, sentence in [
        (tmp_path / "none.so", "there is no such file"),
        (text, "cannot load"),
        ("/lib/x86_64-linux-gnu/libm.so.6", "is not a compiled model"),
    ]:
        with pytest.raises(hgf.Error, match=sentence):
            hgf.load(path)


def test_state_stays_in_the_model_until_reset():
    model = hgf.compile(models.counter())
    x = np.array([1, 2, 3, 4], np.float32)
    assert [tensor.state for tensor in model.inputs] == [None, "total_next"]
    assert model.metadata["hgf.state"] == "total=total_next"
    for step in (1, 2, 3):
        np.testing.assert_array_equal(model(x), -step * x)
    other = model.clone()
    np.testing.assert_array_equal(other(x), -x)
    np.testing.assert_array_equal(model.run({"x": x}, outputs=["total_next"])["total_next"], 4 * x)
    np.testing.assert_array_equal(model(x, total=10 * x), -11 * x)
    model.reset()
    np.testing.assert_array_equal(model(x), -x)
