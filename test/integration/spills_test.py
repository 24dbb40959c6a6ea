"""No inner loop of the kernels for many tokens touches the stack frame: accumulators that do not fit the registers cost a
third of the speed. The levels without AVX2 are right, not tuned."""

import re

import pytest

import harness
from kernel_layers import PACKING, Layer, module

LAYERS = [Layer(64, 512, "row"), Layer(64, 512, "tensor"), Layer(64, 512, "64"), Layer(64, 512, "row", levels="odd"),
          Layer(64, 512, "row", rank=8, gate="row", bias=True, residual=True)]
LEVELS = {"avx2": "x86_64", "avxvnni": "x86_64", "avx512vnni": "x86_64", "avx512vbmi": "x86_64", "neon": "aarch64",
          "dotprod": "aarch64", "i8mm": "aarch64"}
KERNELS = {"x86_64": re.compile(r"hgf_kernel_prefill_|hgf_kernel_linear_\w+_row_tokens[48]_"),
           "aarch64": re.compile(r"hgf_kernel_prefill_\w+_(row|tensor)|hgf_kernel_linear_\w+_row_tokens[1248]_")}
# What a frame's slot looks like; arrays on the stack are reached with an index, or by another register.
SLOT = re.compile(r"-?\d*\(%(rsp|rbp)\)|\[sp(, #\d+)?\]")


# Of x86, or of AArch64.
JUMP = r"(?:j\w+|ret\w*|b(?:\.\w+)?|cbn?z|tbn?z)\b"


def functions(text):
    """(name, lines) of every function of an assembly file."""
    for match in re.finditer(r"^(\w+):[^\n]*@?\1?\n(.*?)^\.Lfunc_end", text, re.M | re.S):
        yield match[1], [re.split(r"\s#\s|//", line)[0].strip() for line in match[2].splitlines()]


def blocks(lines):
    """Basic blocks as (instructions, numbers of the blocks that may follow)."""
    result, labels, current = [], {}, []
    for line in lines:
        label = re.match(r"(\.L\w+):", line)
        if label:
            if current:
                result.append(current)
                current = []
            labels[label[1]] = len(result)
        elif line and not line.startswith("."):
            current.append(line)
            if re.match(JUMP, line):
                result.append(current)
                current = []
    if current:
        result.append(current)
    following = []
    for index, block in enumerate(result):
        jump = re.match(JUMP + r".*?(\.L\w+)$", block[-1])
        next_blocks = {labels[jump[1]]} if jump and jump[1] in labels else set()
        if not re.match(r"(jmp\w*|ret\w*|b)\b(?!\.)", block[-1]) and index + 1 < len(result):
            next_blocks.add(index + 1)
        following.append(next_blocks)
    return result, following


def components(nodes, following):
    """Sets of blocks that reach each other, two steps: forward order, then the reversed graph."""
    order, seen = [], set()
    for start in nodes:
        stack = [(start, iter(sorted(following[start] & nodes)))] if start not in seen else []
        seen.add(start)
        while stack:
            node, rest = stack[-1]
            step = next((n for n in rest if n not in seen), None)
            if step is None:
                order.append(node)
                stack.pop()
            else:
                seen.add(step)
                stack.append((step, iter(sorted(following[step] & nodes))))
    preceding = {node: {n for n in nodes if node in following[n]} for node in nodes}
    taken = set()
    for start in reversed(order):
        if start in taken:
            continue
        found, work = set(), [start]
        while work:
            node = work.pop()
            if node not in taken:
                taken.add(node)
                found.add(node)
                work.extend(preceding[node])
        if len(found) > 1 or start in following[start]:
            yield found


def inner_loops(nodes, following):
    """Loops that hold no loop: a component without its header is searched again."""
    for loop in components(nodes, following):
        headers = {node for node in loop if any(node in following[n] for n in range(len(following)) if n not in loop)}
        inner = list(inner_loops(loop - (headers or {min(loop)}), following))
        yield from inner or [loop]


def spills(text, architecture="x86_64"):
    count = 0
    for name, lines in functions(text):
        if not KERNELS[architecture].match(name):
            continue
        code, following = blocks(lines)
        for loop in inner_loops(set(range(len(code))), following):
            count += 1
            for index in sorted(loop):
                for instruction in code[index]:
                    if SLOT.search(instruction):
                        yield name, instruction, [line for i in sorted(loop) for line in code[i]]
    assert count > 20, "expected the kernels' loops"


@pytest.mark.parametrize("level", LEVELS)
def test_inner_loops_stay_in_registers(tmp_path, level):
    source, assembly = tmp_path / "layers.mlir", tmp_path / "layers.s"
    source.write_text(module(LAYERS))
    architecture = LEVELS[level]
    harness.compile_file(source, assembly, PACKING, f"--target={architecture}-linux-gnu", f"--level={level}", "--prefill-from=16")
    for name, instruction, loop in spills(assembly.read_text(), architecture):
        pytest.fail(f"{name} reads or writes the stack in an inner loop: {instruction}\n" + "\n".join(loop))


def test_a_spill_is_found():
    text = ("hgf_kernel_prefill_x:  # @hgf_kernel_prefill_x\n" + "".join(
        f".LBB0_{i}:\n\taddq $1, %rax\n\t{'vmovdqa 32(%rsp), %ymm0' if i == 30 else 'nop'}\n\tjne .LBB0_{i}\n" for i in range(40))
        + "\tretq\n.Lfunc_end0:\n")
    assert [(name, instruction) for name, instruction, _ in spills(text)] == [("hgf_kernel_prefill_x", "vmovdqa 32(%rsp), %ymm0")]
