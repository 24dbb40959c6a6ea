"""Layers of known models for NVIDIA GPUs, and what ptxas made of their kernels.

    kernels.py write NAME FILE        a module with the layers of LAYERS[NAME]; weights are splat constants, so it stays small
    kernels.py check CHIPS FILE       FILE: a report (--report=json). Every chip has the same kernels, none spills, and the
                                      layers have all that they need"""

import json
import re
import sys

# (rows, columns, rank of the correction) by model, and the order in which activations are quantized; none: they stay float.
LAYERS = {
    "2560": ("reciprocal", [(2560, 2560, 0), (640, 2560, 0), (6912, 2560, 0), (2560, 6912, 0)]),
    "3200": ("reciprocal", [(3200, 3200, 0), (8640, 3200, 0), (3200, 8640, 0)]),
    "1536": ("reciprocal", [(1536, 1536, 0), (4096, 1536, 0), (1536, 4096, 0)]),
    "3072": ("none", [(3072, 3072, 0), (9216, 3072, 0), (3072, 9216, 0)]),
    "2048": ("reciprocal", [(2048, 2048, 0), (256, 2048, 0), (9216, 2048, 0), (2048, 9216, 0)]),
    "4096": ("reciprocal", [(4096, 4096, 0), (1024, 4096, 0), (14336, 4096, 0), (4096, 14336, 0)]),
    "corrected": ("reciprocal", [(2560, 2560, 32)]),
    "two": ("reciprocal", [(640, 2560, 0), (2560, 6912, 32)]),
}
# By the number of tokens that they take at once.
DECODE, PREFILL = (1, 2, 4), (16, 32, 64)


def layer(index, rows, columns, rank, quantization):
    """Operations that compute %yINDEX from %xINDEX."""
    weight = f"!hgf.ternary<{rows} by {columns}, scale = tensor>"
    x, y = f"tensor<?x{columns}xf32>", f"tensor<?x{rows}xf32>"
    lines = [f"%w{index} = hgf.ternary_constant dense<36> : tensor<{rows * columns // 4}xi8>, dense<0.5> : tensor<1xf32> -> {weight}",
             f"%tokens{index} = tensor.dim %x{index}, %zero : {x}",
             f"%init{index} = tensor.empty(%tokens{index}) : {y}"]
    correction = ""
    if rank:
        a, b = f"tensor<{rank}x{columns}xf16>", f"tensor<{rows}x{rank}xf16>"
        lines += [f"%a{index} = arith.constant dense<0.5> : {a}", f"%b{index} = arith.constant dense<0.25> : {b}"]
        correction = f"correction(%a{index}, %b{index} : {a}, {b}) "
    activation = " correction_activation silu" if rank else ""
    lines.append(f"%y{index} = hgf.linear ins(%x{index} : {x}) weight(%w{index} : {weight}) {correction}outs(%init{index} : {y}) "
                 f"quantization {quantization}{activation} -> {y}")
    return "".join(f"  {line}\n" for line in lines)


def module(quantization, layers):
    arguments = [f'%x{index}: tensor<?x{columns}xf32> {{onnx.name = "x{index}", onnx.dims = ["tokens", ""], onnx.dtype = 1 : i32}}'
                 for index, (_, columns, _) in enumerate(layers)]
    types = [f"tensor<?x{rows}xf32>" for rows, _, _ in layers]
    results = [f'{type} {{onnx.name = "y{index}", onnx.dtype = 1 : i32}}' for index, type in enumerate(types)]
    body = "".join(layer(index, *sizes, quantization) for index, sizes in enumerate(layers))
    values = ", ".join(f"%y{index}" for index in range(len(layers)))
    return (f"func.func @main({', '.join(arguments)}) -> ({', '.join(results)}) {{\n"
            f"  %zero = arith.constant 0 : index\n{body}  return {values} : {', '.join(types)}\n}}\n")


def find_missing(line, names, chips):
    """The kernels that a layer's line of the report needs but ptxas did not see."""
    floating = "_float_" in line["kernel"]
    few = floating or "sm_75" in chips
    shape = f"_{line['rows']}x{line['columns']}_"
    # More than four tokens take products of matrices, or blocks of eight where there are none.
    many = [("decode", 8)] if few else [("prefill", tokens) for tokens in PREFILL]
    kernels = [("decode", tokens) for tokens in DECODE] + many
    for kind, tokens in kernels:
        if not any(re.fullmatch(f"hgf_{kind}{shape}.*_tokens{tokens}(_.*)?", name) for name in names):
            yield f"no kernel for {kind} of {tokens} tokens of the layer{shape}"
    if not floating and not any(name.startswith(f"hgf_prologue{shape}") for name in names):
        yield f"no prologue of the layer{shape}"


def check(chips, report):
    images = {image["chip"]: image["kernels"] for image in report["gpu"]}
    if list(images) != chips:
        yield f"expected kernels for {chips} but got {list(images)}"
    names = {chip: sorted(kernel["name"] for kernel in kernels) for chip, kernels in images.items()}
    for chip, kernels in images.items():
        if names[chip] != names[chips[0]] or len(set(names[chip])) != len(kernels):
            yield f"{chip}: other kernels than those of {chips[0]}, or one twice"
        for kernel in kernels:
            if kernel["spill_bytes"] != 0:
                yield f"{chip}: {kernel['name']} spills {kernel['spill_bytes']} bytes, {kernel['registers']} registers"
            if not 0 < kernel["registers"] <= 255:
                yield f"{chip}: {kernel['name']} has {kernel['registers']} registers"
    if not report["linears"]:
        yield "no layer"
    for line in report["linears"]:
        if line["kernel"] == "none":
            yield f"no kernel for {line['node']}"
        yield from find_missing(line, names.get(chips[0], []), chips)


def main():
    command, what, path = sys.argv[1:]
    if command == "write":
        with open(path, "w") as file:
            file.write(module(*LAYERS[what]))
        return 0
    with open(path) as file:
        errors = list(check(what.split(","), json.load(file)))
    print("\n".join(errors))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
