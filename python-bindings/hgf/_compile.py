"""Compilation: any source to any kind of output."""

from __future__ import annotations

import os
import pathlib
import platform
import tempfile
from typing import Any, List, Mapping, Optional, Sequence, Union

from . import _hgf
from ._model import Model, load
from .ir import Module, format_dims, write_source

_KINDS = {
    ".so": "shared",
    ".a": "static",
    ".o": "object",
    ".ll": "llvm",
    ".s": "asm",
    ".mlir": "mlir",
    ".mlirbc": "bytecode",
}


def compile(
    source: Any,
    *,
    output: Optional[Union[str, os.PathLike]] = None,
    target: Optional[str] = None,
    cpu: str = "portable",
    gpu: Union[str, Sequence[str]] = (),
    dims: Optional[Mapping[str, int]] = None,
    weights: str = "embed",
    closed_gate_bound: float = 0.0,
    gate_threshold: float = 0.0,
    encoding: str = "auto",
    head: str = "f16",
    correction: str = "keep",
    report_missed_ternary: bool = False,
    dump_phases_to: Optional[Union[str, os.PathLike]] = None,
    threads: int = 0,
    max_context: int = 0,
    device: str = "auto",
) -> Model:
    """Compiles a model for this machine and loads it.

    source: path of an .onnx, .mlir or .mlirbc file, an onnx.ModelProto, its bytes, or an hgf.ir.Module (kept as it is).
    output: path of the shared library to write; None: a temporary one that lives as long as the Model.
    target: LLVM triple, which must be this machine's (others: `compile_to`).
    cpu: "portable" (kernels are chosen at load), "native" (this machine's), or an LLVM CPU name.
    gpu: chips of NVIDIA GPUs, e.g. "sm_80" or ["sm_80", "sm_90"]; the model then runs there and not on the CPU.
    dims: lengths of symbolic dimensions, e.g. {"batch": 1}; the others stay free.
    weights: "embed" in the library, or "side": in a file beside it, which is mapped at load.
    closed_gate_bound: corrections whose every |tanh g| is below it are deleted; 0 deletes none.
    gate_threshold: a token's dynamic gate below it counts as closed; 0 closes none.
    encoding: how weights lie in memory: "auto" (what is expected to be fastest), "planes2" or "trits3in5".
    head: the large float matrix that makes the output as "f16", as "int8" with one scale per row, or "keep".
    correction: factors of corrections as they are ("keep"), or as "int8" with one scale per rank.
    report_missed_ternary: `Model.messages` then says of each near miss which condition failed.
    dump_phases_to: folder for the module after each phase.
    threads, max_context, device: as for `load`.

    Raises hgf.Error with the compiler's sentence (it names the node), ValueError or TypeError for wrong arguments.
    """
    if target is not None and target.split("-")[0] != platform.machine():
        raise ValueError(
            f"expected a target that runs on this machine ({platform.machine()}) but got '{target}'; "
            "hgf.compile_to compiles for other machines"
        )
    folder = None
    if output is None:
        folder = tempfile.TemporaryDirectory(prefix="hgf-")
        output = pathlib.Path(folder.name) / "model.so"
    messages = compile_to(
        source,
        output,
        emit="shared",
        target=target,
        cpu=cpu,
        gpu=gpu,
        dims=dims,
        weights=weights,
        closed_gate_bound=closed_gate_bound,
        gate_threshold=gate_threshold,
        encoding=encoding,
        head=head,
        correction=correction,
        report_missed_ternary=report_missed_ternary,
        dump_phases_to=dump_phases_to,
    )
    model = load(output, threads=threads, max_context=max_context, device=device)
    model.messages = messages
    model._folder = folder
    return model


def compile_to(
    source: Any,
    output: Union[str, os.PathLike],
    *,
    emit: Optional[str] = None,
    target: Optional[str] = None,
    cpu: str = "portable",
    gpu: Union[str, Sequence[str]] = (),
    dims: Optional[Mapping[str, int]] = None,
    weights: str = "embed",
    closed_gate_bound: float = 0.0,
    gate_threshold: float = 0.0,
    encoding: str = "auto",
    head: str = "f16",
    correction: str = "keep",
    report_missed_ternary: bool = False,
    dump_phases_to: Optional[Union[str, os.PathLike]] = None,
    compile_from: Optional[str] = None,
    compile_to: Optional[str] = None,
) -> List[str]:
    """Compiles a model to a file, for any target, as the command hgf-compile does.

    output: its suffix says what is written: .so .a .o .ll .s .mlir .mlirbc, anything else an executable.
    emit: exe, static-exe, shared, static, object, llvm, asm, mlir or bytecode, whatever the suffix.
    target: LLVM triple, e.g. "aarch64-linux-gnu"; None: this machine's.
    compile_from, compile_to: names of phases (`hgf.ir.phases()`); the first one's input is what the phase before wrote,
    the pipeline stops after the second, which needs emit "mlir" or "bytecode".
    The rest: as for `compile`.

    Returns the compiler's warnings and remarks. Raises as `compile`.
    """
    if weights not in ("embed", "side"):
        raise ValueError(f"expected weights to be 'embed' or 'side' but got '{weights}'")
    if head not in ("f16", "int8", "keep"):
        raise ValueError(f"expected head to be 'f16', 'int8' or 'keep' but got '{head}'")
    if correction not in ("keep", "int8"):
        raise ValueError(f"expected correction to be 'keep' or 'int8' but got '{correction}'")
    for name, bound in (("closed_gate_bound", closed_gate_bound), ("gate_threshold", gate_threshold)):
        if not bound >= 0:  # refuses NaN, too
            raise ValueError(f"expected {name} to be at least 0 but got {bound}")
    output = os.fspath(output)
    if emit is None:
        emit = _KINDS.get(pathlib.Path(output).suffix, "mlir" if compile_to else "exe")
    if compile_to and emit not in ("mlir", "bytecode"):
        raise ValueError(f"expected emit to be 'mlir' or 'bytecode' with compile_to but got '{emit}'")
    if dump_phases_to is not None:
        os.makedirs(dump_phases_to, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hgf-") as folder:
        if isinstance(source, Module):
            module = source
        elif isinstance(source, (str, os.PathLike)):
            module = Module.load(source, dims)
        else:
            module = Module.load(write_source(source, folder), dims)
        return _hgf.compile(
            module._native,
            output=output,
            emit=emit,
            target=target or "",
            cpu=cpu,
            gpus=[gpu] if isinstance(gpu, str) else list(gpu),
            dimensions=format_dims(dims),
            side_weights=weights == "side",
            closed_gate_bound=closed_gate_bound,
            gate_threshold=gate_threshold,
            encoding=encoding,
            head=head,
            int8_corrections=correction == "int8",
            report_missed_ternary=report_missed_ternary,
            compile_from=compile_from or "",
            compile_to=compile_to or "",
            dump_phases_to=os.fspath(dump_phases_to) if dump_phases_to is not None else "",
            runtime_directory=str(pathlib.Path(__file__).parent / "runtime"),
        )
