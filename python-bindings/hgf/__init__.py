"""HGF: compiles gated ternary networks ahead of time, and runs the result on NumPy arrays.

    model = hgf.compile("model.onnx", dims={"batch": 1})
    y = model(x)

`hgf.compile` gives a `Model` that is ready to run, `hgf.compile_to` writes an executable, a library or an object for any
target, `hgf.load` opens a shared library that either of them (or `hgf-compile`) wrote, `hgf.ir` shows the compiler's inside.
What the compiler or the runtime refuses is an `hgf.Error` with its sentence.
"""

from . import ir
from ._compile import compile, compile_to
from ._hgf import Error
from ._model import Model, Tensor, load

__version__ = "0.1.0"
__all__ = ["Error", "Model", "Tensor", "compile", "compile_to", "ir", "load"]
