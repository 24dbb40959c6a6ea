"""Corrections stored as int8 against float64, and what the report says about them."""

import dataclasses
import json
import subprocess

import numpy as np
import pytest

import harness
import kernel_layers
from kernel_layers import Layer
from machines import ARM_MACHINES, NATIVE, shared_source

LAYERS = [Layer(40, 256, rank=8, factor=factor, gate=gate, segments=segments, ranks=ranks)
          for factor in ("f16", "bf16", "f32")
          for gate, segments, ranks in [("sigmoid_output", (), ()), ("row", (11, 29), (3, 5))]]


def quantize(matrix, axis):
    """int8 codes times one scale per rank; `axis` is the other one."""
    matrix = matrix.astype(np.float64)
    scale = (np.abs(matrix.astype(np.float32)).max(axis, keepdims=True) / np.float32(127)).astype(np.float64)
    return np.rint(matrix / scale) * scale


def rounded(layer):
    """The layer with the factors that --correction=int8 stores."""
    result = dataclasses.replace(layer)
    result.__dict__.update(layer.__dict__)
    result.a = quantize(layer.a, 1)
    if layer.segments:
        result.b = np.zeros(layer.b.shape)
        for block in layer.blocks():
            result.b[block] = quantize(layer.b[block], 0)
    else:
        result.b = quantize(layer.b, 0)
    return result


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return shared_source(tmp_path_factory, "corrections.mlir", kernel_layers.module(LAYERS))


@pytest.mark.parametrize("name", ["native", *ARM_MACHINES])
def test_int8_corrections(source, name):
    machine = ARM_MACHINES.get(name, NATIVE)
    model = machine.load(machine.compile(source, "--compile-from=fusion", "--correction=int8"))
    for tokens in (1, 5):
        feeds = kernel_layers.make_inputs(LAYERS, tokens, seed=tokens)
        kernel_layers.check([rounded(layer) for layer in LAYERS], feeds, model(feeds))
    model.close()


def test_report_has_the_error_and_fewer_bits(source, tmp_path):
    def report(*flags):
        run = subprocess.run([harness.HGF_COMPILE, source, "-o", tmp_path / "model.o", "--compile-from=fusion", "--report=json", *flags],
                             capture_output=True, text=True, check=True)
        return json.loads(run.stdout)["linears"]
    for before, after, layer in zip(report(), report("--correction=int8"), LAYERS):
        assert before["correction"] == layer.factor and after["correction"] == "i8"
        assert before["effective_bits"] > after["effective_bits"]
        assert "correction_error" not in before
        error = np.abs(rounded(layer).a - layer.a).max() / np.abs(layer.a).max()
        assert 0.9 * error <= after["correction_error"]["max"] <= 1 / 254 + 1e-6
        assert 0 < after["correction_error"]["rms"] < 0.01


@pytest.mark.parametrize("name", ["native", *ARM_MACHINES])
def test_gate_threshold(source, tmp_path, name):
    """From the command line to the report and the numbers."""
    machine = ARM_MACHINES.get(name, NATIVE)
    flags = ["--compile-from=fusion", "--gate-threshold=0.5"]
    run = subprocess.run([harness.HGF_COMPILE, source, "-o", tmp_path / "model.o", f"--target={machine.target}", "--report=json", *flags],
                         capture_output=True, text=True, check=True)
    for line, layer in zip(json.loads(run.stdout)["linears"], LAYERS):
        assert ("gate_threshold" in line) == (layer.gate == "sigmoid_output")
        if layer.gate == "sigmoid_output":
            bound = 0.5 * np.abs(layer.b.astype(np.float64)).dot(np.abs(layer.a.astype(np.float64)).sum(1)).max()
            assert line["gate_threshold"] == 0.5 and line["gate_error"] == pytest.approx(bound, rel=1e-5)
    closing = []
    for layer in LAYERS:
        closing.append(dataclasses.replace(layer))
        closing[-1].__dict__.update(layer.__dict__, threshold=0.5)
    model = machine.load(machine.compile(source, *flags))
    feeds = kernel_layers.make_inputs(LAYERS, 9, seed=2)
    kernel_layers.check(closing, feeds, model(feeds))
    model.close()
