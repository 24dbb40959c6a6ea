"""exp, tanh and erf of whole vectors against float64, over the whole range of float32."""

import math

import numpy as np
import pytest

import harness
from harness import argument, result

SPECIAL = np.array([0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 1e-38, 88.72283, 88.72284, -87.3, -103.97, -104,
                    3.4e38, -3.4e38, 0.625, 0.9277344], np.float32)
FUNCTIONS = {"exp": (np.exp, 1.1), "tanh": (np.tanh, 1.4), "erf": (np.vectorize(math.erf), 1.3)}


def samples():
    """Every exponent and sign with spread significands, and the range where the functions bend, densely."""
    rng = np.random.default_rng(1)
    spread = rng.integers(0, 1 << 32, 1 << 17, dtype=np.uint32).view(np.float32)
    dense = rng.uniform(-10, 10, 1 << 16).astype(np.float32)
    edge = rng.uniform(-104, 89, 1 << 16).astype(np.float32)
    return np.concatenate([SPECIAL, spread[np.isfinite(spread)], dense, edge])


def units(expected):
    """The unit in the last place of each value, that of subnormals below the smallest normal number."""
    exponent = np.frexp(np.maximum(np.abs(expected), 2.0 ** -126))[1]
    return np.ldexp(1.0, exponent - 24)


@pytest.mark.parametrize("cpu", ["x86-64", "native"])
def test_a_few_units_in_the_last_place(cpu):
    x = samples()
    body = "\n".join(f"  %{name} = math.{name} %x : tensor<?xf32>" for name in FUNCTIONS)
    names = ", ".join(f"%{name}" for name in FUNCTIONS)
    text = (f"func.func @main({argument('x', (-1,))}) -> ({', '.join(result(name, (-1,)) for name in FUNCTIONS)}) {{\n"
            f"{body}\n  return {names} : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>\n}}\n")
    outputs = harness.run(text, {"x": x}, "--compile-from=tiling", f"--cpu={cpu}")
    for name, (function, bound) in FUNCTIONS.items():
        got = outputs[name]
        with np.errstate(over="ignore"):
            expected = function(x.astype(np.float64))
            rounded = expected.astype(np.float32)
        finite = np.isfinite(rounded)
        np.testing.assert_array_equal(got[~finite], rounded[~finite], err_msg=name)
        error = np.abs(got[finite] - expected[finite]) / units(expected[finite])
        worst = np.argmax(error)
        assert error[worst] <= bound, f"{name}({x[finite][worst]!r}) = {got[finite][worst]!r}, {error[worst]} units away"
        np.testing.assert_array_equal(np.signbit(got[:2]), np.signbit(rounded[:2]))
