"""exp and log of float64 in kernels against NumPy's, over all magnitudes and the special values."""

import numpy as np
import pytest

import harness

SPECIAL = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308]
EXPONENTS = [709.7827128933840, 709.7827128933841, 710.0, -708.4, -745.13, -745.14, -746.0, 1e-300, 0.34657359, -0.34657359]
# Units of the last place.
MOST = 4


def values(function):
    rng = np.random.default_rng(1)
    if function == "exp":
        spread = [rng.uniform(-745, 710, 400), rng.uniform(-1, 1, 100)]
    else:
        spread = [np.exp2(rng.uniform(-1074, 1024, 400)), rng.uniform(0.5, 2, 200)]
    return np.concatenate([SPECIAL, EXPONENTS, *spread])


@pytest.mark.parametrize("function", ["exp", "log"])
def test_close_to_numpy(function):
    x = values(function)
    size = len(x)
    text = f"""func.func @main(%x: tensor<{size}xf64> {{onnx.name = "x", onnx.dtype = 11 : i32}}) -> (tensor<{size}xf64> {{onnx.name = "y", onnx.dtype = 11 : i32}}) {{
  %0 = math.{function} %x : tensor<{size}xf64>
  return %0 : tensor<{size}xf64>
}}
"""
    got = harness.run(text, {"x": x}, "--gpu=sm_80", "--compile-from=gpu-packing", device="sim")["y"]
    with np.errstate(all="ignore"):
        expected = getattr(np, function)(x)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(got[~finite], expected[~finite])
    units = np.abs(got[finite] - expected[finite]) / np.spacing(np.abs(expected[finite]))
    assert units.max() <= MOST, (x[finite][units.argmax()], got[finite][units.argmax()], expected[finite][units.argmax()])
