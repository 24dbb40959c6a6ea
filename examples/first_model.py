#!/usr/bin/env python3
"""Writes first.onnx, a small ternary network, and what it gives: inputs.npz and expected.npz (by ONNX Runtime).

  python3 first_model.py FOLDER

Two HGF layers of 256 inputs and outputs: a ternary backbone (absmean, one scale), a correction of rank 8 through SiLU
in float16, and one gate. In a real model, `weight`, A, B and the gate come from training.
"""
import pathlib
import sys

import hgf_onnx
import numpy
import onnx
import onnxruntime
from onnx import TensorProto

WIDTH, RANK, ROWS = 256, 8, 4


def layer(builder, name, x, random):
    """Adds one hgf::Linear node; returns the name of its output."""
    codes, scale = hgf_onnx.quantize_absmean(random.standard_normal((WIDTH, WIDTH)) / WIDTH**0.5)
    builder.initializers.append(hgf_onnx.int2_tensor(f"{name}.weight", codes))
    inputs = [
        x,
        f"{name}.weight",
        builder.tensor(f"{name}.scale", scale),
        builder.tensor(f"{name}.a", (random.standard_normal((RANK, WIDTH)) / WIDTH**0.5).astype(numpy.float16)),
        builder.tensor(f"{name}.b", (random.standard_normal((WIDTH, RANK)) / RANK**0.5).astype(numpy.float16)),
        builder.tensor(f"{name}.gate", numpy.float32(0.3)),
    ]
    return builder.node("Linear", inputs, name=name, domain="hgf")


def main(folder):
    random = numpy.random.default_rng(0)
    builder = hgf_onnx.Builder()
    hidden = builder.node("Relu", [layer(builder, "up", "x", random)])
    builder.node("Identity", [layer(builder, "down", hidden, random)], output="y")
    linear = hgf_onnx.Linear(correction=True, gate_kind="tanh")
    shape = ["batch", WIDTH]
    model = hgf_onnx.make_model(
        builder,
        "first",
        [("x", TensorProto.FLOAT, shape)],
        [("y", TensorProto.FLOAT, shape)],
        functions=[linear.function()],
    )
    onnx.save(model, folder / "first.onnx")

    x = random.standard_normal((ROWS, WIDTH)).astype(numpy.float32)
    session = onnxruntime.InferenceSession(folder / "first.onnx", providers=["CPUExecutionProvider"])
    numpy.savez(folder / "inputs.npz", x=x)
    numpy.savez(folder / "expected.npz", y=session.run(["y"], {"x": x})[0])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
