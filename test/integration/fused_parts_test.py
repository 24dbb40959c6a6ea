"""What joins the ternary kernels of a layer: the norm before it, and gates that close token by token."""

import kernel_layers
import pytest
from kernel_layers import Layer
from machines import ARM_MACHINES, NATIVE, shared_source

NORMS = [Layer(n, k, scale, order, rank, "f16", "silu", read, gate, norm=True)
         for n, k, scale, order, rank, read, gate in [
             (40, 3200, "row", "reciprocal", 0, "original", "open"), (24, 344, "row", "division", 6, "original", "sigmoid_input"),
             (9, 3, "row", "reciprocal", 2, "quantized", "row"), (16, 256, "64", "reciprocal_product", 4, "original", "scalar"),
             (33, 100, "row", "none", 5, "original", "sigmoid_input"), (8, 1, "row", "none", 0, "original", "open")]]
CLOSING = [Layer(n, k, "row", order, rank, factor, "silu", "original", gate, bias=True, threshold=threshold, norm=norm)
           for n, k, order, rank, factor, gate, threshold, norm in [
               (24, 100, "reciprocal", 6, "f16", "sigmoid_input", 0.5, False), (24, 100, "none", 4, "i8", "sigmoid_input", 0.5, True),
               (17, 64, "division", 4, "bf16", "sigmoid_output", 0.5, False), (8, 64, "reciprocal", 4, "f16", "sigmoid_input", 2, True),
               (23, 64, "reciprocal", 4, "f32", "sigmoid_output", 2, False)]]


@pytest.mark.parametrize("name, cpu", [("native", "portable"), ("native", "x86-64"), *((name, "portable") for name in ARM_MACHINES)])
def test_norms_and_closing_gates(tmp_path_factory, name, cpu):
    machine = ARM_MACHINES.get(name, NATIVE)
    layers = NORMS + CLOSING
    source = shared_source(tmp_path_factory, "fused_parts.mlir", kernel_layers.module(layers))
    path = machine.compile(source, kernel_layers.PACKING, f"--cpu={cpu}")
    for threads in (1, 2):
        model = machine.load(path, threads)
        for tokens in (1, 5, 9, 64) if threads == 1 else (1, 11):
            feeds = kernel_layers.make_inputs(layers, tokens, seed=tokens)
            kernel_layers.check(layers, feeds, model(feeds))
        model.close()
