"""Compiled models on NumPy arrays."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import tempfile
import threading
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from . import _hgf
from ._hgf import Error

# The numbers of ONNX's TensorProto.DataType, as include/hgf-c/Model.h has them.
_NUMBERS = {
    "float32": 1,
    "uint8": 2,
    "int8": 3,
    "uint16": 4,
    "int16": 5,
    "int32": 6,
    "int64": 7,
    "bool": 9,
    "float16": 10,
    "float64": 11,
    "uint32": 12,
    "uint64": 13,
    "bfloat16": 16,
}


# The runtime looks for it beside the program, which is the interpreter.
_SIMULATOR = pathlib.Path(__file__).parent / "runtime" / "libhgf_gpusim.so"


def _numpy_dtype(name: str) -> np.dtype:
    """NumPy's name for an element type. bfloat16 is ml_dtypes' where that is installed, else its bits as uint16."""
    if name != "bfloat16":
        return np.dtype(name)
    try:
        import ml_dtypes
    except ImportError:
        return np.dtype(np.uint16)
    return np.dtype(ml_dtypes.bfloat16)


@dataclasses.dataclass(frozen=True)
class Tensor:
    """An input or an output of a model."""

    name: str
    #: "float32", "bool", "bfloat16" and so on.
    element_type: str
    #: What NumPy calls the element type: that of arrays the model takes and gives.
    dtype: np.dtype
    #: One entry an axis: a length, the name of a symbolic dimension, or None where it is neither.
    shape: Tuple[Union[int, str, None], ...]
    #: The name of the output that feeds this input in the next call, or the other way round; None: not state.
    state: Optional[str] = None


class Model:
    """A compiled model in this process, with its threads, its memory and its state.

    Calling it runs it once. A call takes its arrays as they lie in memory: no copy is made of an array that is
    C-contiguous, aligned and of the machine's byte order (one copy otherwise), and outputs are computed in the memory of the arrays that are
    returned. The GIL is free while the model runs.

    State (inputs that an output feeds, e.g. caches) stays in the model from call to call and needs not be given;
    `reset` empties it.

    Threads: calls from several threads take turns. For calls at the same time, use one `clone` a thread; clones share
    code and weights.
    """

    #: Path of the shared library.
    path: pathlib.Path
    inputs: Tuple[Tensor, ...]
    outputs: Tuple[Tensor, ...]
    #: The model's metadata.
    metadata: Dict[str, str]
    #: Warnings and remarks of the compilation (empty for a model that was loaded).
    messages: List[str]

    def __init__(self, session: _hgf.Session, path: pathlib.Path) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._folder: Optional[tempfile.TemporaryDirectory] = None
        self.path = path
        self.messages = []
        self._description = json.loads(session.describe())
        self.inputs = _tensors(self._description["inputs"])
        self.outputs = _tensors(self._description["outputs"])
        self.metadata = self._description["metadata"]
        self._input_index = {tensor.name: index for index, tensor in enumerate(self.inputs)}
        self._output_index = {tensor.name: index for index, tensor in enumerate(self.outputs)}

    def __call__(self, /, *arrays: Any, **named: Any) -> Union[np.ndarray, Dict[str, np.ndarray]]:
        """Runs the model once on `arrays`, in the order of the inputs that are not state, and on `named` ones.

        Returns the output's array where there is one output that is not state, else a dictionary of all of these by name. Raises
        hgf.Error for a wrong shape, a wrong element type, a missing or unknown input, or a full cache.
        """
        ordinary = [tensor.name for tensor in self.inputs if tensor.state is None]
        if len(arrays) > len(ordinary):
            raise Error(f"expected at most {len(ordinary)} arrays ({', '.join(ordinary)}) but got {len(arrays)}")
        inputs = dict(zip(ordinary, arrays))
        for name in named:
            if name in inputs:
                raise Error(f"input '{name}' is given twice: by place and by name")
        inputs.update(named)
        results = self._run(inputs, [tensor.name for tensor in self.outputs if tensor.state is None])
        return next(iter(results.values())) if len(results) == 1 else results

    def run(self, inputs: Mapping[str, Any], outputs: Optional[Sequence[str]] = None) -> Dict[str, np.ndarray]:
        """Runs the model once on `inputs` by name, and returns the arrays of `outputs` by name.

        outputs: names, also of state (a copy of it); None: all that are not state.

        Raises as a call does.
        """
        if outputs is None:
            outputs = [tensor.name for tensor in self.outputs if tensor.state is None]
        return self._run(inputs, outputs)

    def _run(self, inputs: Mapping[str, Any], outputs: Sequence[str]) -> Dict[str, np.ndarray]:
        arrays = []
        for name, value in inputs.items():
            index = self._index(self._input_index, name, "input")
            arrays.append((index, *_prepare(self.inputs[index], value)))
        wanted = [(name, self._index(self._output_index, name, "output")) for name in outputs]
        results: Dict[str, np.ndarray] = {}
        session = self._session
        bound: List[Tuple[bool, int]] = []
        with self._lock:
            try:
                for index, number, array in arrays:
                    session.bind_input(index, number, array)
                    bound.append((False, index))
                for name, index in wanted:
                    tensor = self.outputs[index]
                    result = np.empty(session.output_dims(index), tensor.dtype)
                    session.bind_output(index, _NUMBERS[tensor.element_type], _bits(result))
                    bound.append((True, index))
                    results[name] = result
                session.run()
            finally:
                # The arrays may go: nothing may point at them.
                for is_output, index in bound:
                    session.unbind(is_output, index)
        return results

    @staticmethod
    def _index(indices: Mapping[str, int], name: str, kind: str) -> int:
        if name not in indices:
            raise Error(f"the model has no {kind} '{name}'; it has {', '.join(indices) or 'none'}")
        return indices[name]

    def reset(self) -> None:
        """Empties the state."""
        with self._lock:
            self._session.reset()

    def clone(self, *, threads: int = 0, max_context: int = 0) -> "Model":
        """Another model on the same code, weights and device, with empty state of its own. Arguments: as for `load`."""
        model = Model(self._session.clone(threads, max_context), self.path)
        model._folder = self._folder
        model.messages = self.messages
        return model

    def report(self) -> Dict[str, Any]:
        """What the compiler did with each linear: form, encoding, kernel, bits; totals."""
        return self._description["report"] or {}

    @property
    def position(self) -> int:
        """Positions that growing state (caches) holds now."""
        with self._lock:
            return self._session.position

    @property
    def capacity(self) -> int:
        """Positions that growing state can hold; 0: no limit, or no such state."""
        return self._session.capacity

    @property
    def threads(self) -> int:
        """Threads that a call may use, the caller's included."""
        return self._session.threads

    @property
    def level(self) -> str:
        """The kernels that were chosen for this machine, e.g. "avx2", on a GPU "sm_80"."""
        return self._session.level

    @property
    def level_reason(self) -> str:
        """Why these: one clause, e.g. "the last of baseline, avx2 that this processor and operating system support"."""
        return self._session.level_reason

    def __repr__(self) -> str:
        def text(tensors: Tuple[Tensor, ...]) -> str:
            return ", ".join(f"{t.name}: {t.element_type}[{', '.join(map(str, t.shape))}]" for t in tensors)

        return f"<hgf.Model {self.path.name}: ({text(self.inputs)}) -> ({text(self.outputs)})>"


def load(
    path: Union[str, os.PathLike], *, threads: int = 0, max_context: int = 0, device: str = "auto"
) -> Model:
    """Opens a compiled model: a shared library that hgf.compile, hgf.compile_to or hgf-compile wrote.

    threads: that a call may use, the caller's included; 0: as many as the process may have CPUs.
    max_context: capacity of state that grows, in positions; 0: what the model says.
    device: where a model for GPUs runs: "auto" or "gpu" (the first GPU), "gpu:N", "sim" (a simulated one), or "cpu" (its
        CPU version, where it has one).

    Raises hgf.Error where the file is not a compiled model, is made for another machine or version, its weights are
    missing, or there is no such device.
    """
    if device == "sim" and _SIMULATOR.is_file():
        os.environ.setdefault("HGF_GPUSIM_LIBRARY", str(_SIMULATOR))
    path = pathlib.Path(path).absolute()
    if not path.is_file():
        raise Error(f"cannot load '{path}': there is no such file")
    # The loader knows libraries by their paths and would give an older file's code, while that is in use, for a file
    # written anew. So each is opened by a name of its own; the weights file lies beside the true one.
    with tempfile.TemporaryDirectory(prefix="hgf-") as folder:
        alias = pathlib.Path(folder) / path.name
        alias.symlink_to(path.resolve())
        session = _hgf.Session(str(alias), str(path), threads, max_context, device)
    return Model(session, path)


def _tensors(descriptions: Sequence[Mapping[str, Any]]) -> Tuple[Tensor, ...]:
    return tuple(
        Tensor(d["name"], d["dtype"], _numpy_dtype(d["dtype"]), tuple(d["shape"]), d.get("state")) for d in descriptions
    )


def _prepare(tensor: Tensor, value: Any) -> Tuple[int, np.ndarray]:
    """The number of the element type, and an array as the runtime takes it. A Python number or list becomes an array
    of the tensor's element type; an array's own element type is never changed."""
    if not isinstance(value, np.ndarray):
        value = np.asarray(value) if hasattr(value, "__array__") else np.asarray(value, tensor.dtype)
    if not value.dtype.isnative:
        value = value.astype(value.dtype.newbyteorder("="))
    name = value.dtype.name
    if tensor.element_type == "bfloat16" and name == "uint16":
        name = "bfloat16"
    if name not in _NUMBERS:
        raise Error(f"expected {tensor.element_type} for tensor '{tensor.name}' but got {value.dtype}")
    return _NUMBERS[name], _bits(np.require(value, requirements=["C", "A"]))


def _bits(array: np.ndarray) -> np.ndarray:
    """The same memory under an element type that every version of the array protocols knows."""
    if array.dtype.name == "bfloat16":
        return array.view(np.uint16)
    return array.view(np.uint8) if array.dtype == np.bool_ else array
