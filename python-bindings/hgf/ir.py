"""The compiler's intermediate representation: parse a module, run passes on it, print it.

    module = hgf.ir.Module.parse(text)
    module.run("canonicalize,cse")
    print(module)
"""

from __future__ import annotations

import os
import pathlib
import tempfile
from typing import Any, List, Mapping, Optional, Union

from . import _hgf

__all__ = ["Module", "import_onnx", "phases"]


class Module:
    """A builtin.module in a context with every dialect of MLIR and of HGF.

    A module may be used by several threads; its methods take turns.
    """

    def __init__(self, native: _hgf.Module) -> None:
        self._native = native

    @classmethod
    def parse(cls, text: str, name: str = "<string>") -> "Module":
        """Parses and verifies MLIR text. `name` stands for the file in errors.

        Raises hgf.Error with file, line, column and the parser's or the verifier's sentence.
        """
        return cls(_hgf.parse(text, name))

    @classmethod
    def load(cls, path: Union[str, os.PathLike], dims: Optional[Mapping[str, int]] = None) -> "Module":
        """Reads an .onnx, .mlir or .mlirbc file. `dims` gives lengths to symbolic dimensions of an ONNX model.

        Raises hgf.Error where the file cannot be read or is not valid.
        """
        return cls(_hgf.load(os.fspath(path), format_dims(dims)))

    def run(self, pipeline: str) -> List[str]:
        """Runs passes, in the textual form that hgf-opt's --pass-pipeline takes; "builtin.module(...)" around it may be
        left out. HGF's phases are "hgf-phase-NAME" (see `phases`), all of them "hgf-pipeline".

        Changes this module and returns the warnings and remarks. Raises hgf.Error where a pass is unknown or fails; the
        module is then as it was.
        """
        return self._native.run(pipeline)

    def verify(self) -> None:
        """Raises hgf.Error where the module breaks a rule."""
        self._native.verify()

    def clone(self) -> "Module":
        """A copy that changes on its own."""
        return Module(self._native.clone())

    def bytecode(self) -> bytes:
        """The module as MLIR bytecode, what an .mlirbc file holds."""
        return self._native.bytecode()

    def __str__(self) -> str:
        return self._native.print()


def import_onnx(source: Any, dims: Optional[Mapping[str, int]] = None) -> Module:
    """Reads an ONNX model (a path, an onnx.ModelProto, or its bytes) into the onnx dialect, before any pass. `dims`
    gives lengths to symbolic dimensions.

    Raises hgf.Error where the model is malformed or uses what the importer does not know; the sentence names the node.
    """
    if isinstance(source, (str, os.PathLike)):
        return Module.load(source, dims)
    with tempfile.TemporaryDirectory(prefix="hgf-") as folder:
        return Module.load(write_source(source, folder), dims)


def phases() -> List[str]:
    """The names of the pipeline's phases, in order."""
    return _hgf.phases()


def write_source(source: Any, folder: str) -> str:
    """Writes a ModelProto or bytes to a file in `folder` whose suffix says what it holds, and returns its path."""
    data = source.SerializeToString() if hasattr(source, "SerializeToString") else source
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"expected a path, an onnx.ModelProto or bytes but got {type(source).__name__}")
    data = bytes(data)
    path = pathlib.Path(folder) / ("model.mlirbc" if data[:4] == b"ML\xefR" else "model.onnx")
    path.write_bytes(data)
    return str(path)


def format_dims(dims: Optional[Mapping[str, int]]) -> List[str]:
    """{"batch": 1} as the compiler takes it: ["batch=1"]."""
    for name, length in (dims or {}).items():
        if not isinstance(name, str) or not isinstance(length, int) or length < 0:
            raise ValueError(f"expected dims to map names to lengths that are not negative but got {name!r}: {length!r}")
    return [f"{name}={length}" for name, length in (dims or {}).items()]
