"""Every instruction level's kernels: natively where this processor has the level, and with portable dot products anywhere."""

import platform

import numpy as np
import pytest

import harness
from kernel_layers import FLOATS, FORMS, GROUPS, PACKING, SEGMENTS, SHAPES, Layer, check, make_inputs, module, references

# What /proc/cpuinfo calls that which each level needs.
LEVELS = {
    "baseline": set(), "ssse3": {"ssse3"}, "avx2": {"avx2", "fma", "f16c"}, "avxvnni": {"avx2", "fma", "f16c", "avx_vnni"},
    "avx512vnni": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx512_vnni"},
    "avx512vbmi": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx512_vnni", "avx512vbmi"},
}
# Several chunks of columns, one, and less than a block; rows that fill no tile.
LAYERS = SHAPES + GROUPS + FLOATS[:3] + FORMS[:1] + SEGMENTS[:1] + [
    Layer(24, 8640, "64", "reciprocal"), Layer(9, 3200, "row", "reciprocal", bias=True)]
TOKENS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 64, 130]


def processor_features():
    with open("/proc/cpuinfo") as lines:
        for line in lines:
            if line.startswith("flags"):
                return set(line.split(":")[1].split())
    return set()


def lowering_of(level):
    """'native' where this processor can run the level's instructions, 'portable' otherwise."""
    if platform.machine() != "x86_64":
        return "portable"
    return "native" if LEVELS[level] <= processor_features() else "portable"


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    folder = tmp_path_factory.mktemp("levels")
    source = folder / "layers.mlir"
    source.write_text(module(LAYERS))

    def compile_level(level, lowering):
        path = folder / f"{level}-{lowering}.so"
        if not path.exists():
            harness.compile_file(source, path, PACKING, "--target=x86_64-linux-gnu", f"--level={level}",
                                 f"--dot-lowering={lowering}")
        return path

    return compile_level


@pytest.fixture(scope="module")
def cases():
    """Inputs, ordinary ones, some near the largest float, and denormal ones, with what is expected of them."""
    feeds = [make_inputs(LAYERS, tokens, seed=tokens) for tokens in TOKENS]
    for magnitude in [1e33, 1e-41]:
        feeds.append({name: (x * np.float32(magnitude)).astype(np.float32)
                      for name, x in make_inputs(LAYERS, 3, seed=11).items()})
    return [(feed, references(LAYERS, feed)) for feed in feeds]


def run(path, cases, threads):
    model = harness.Model(path, threads)
    for feeds, expectations in cases:
        check(LAYERS, feeds, model(feeds), expectations)
    name = model.library.hgf_session_level(model.session).decode()
    model.close()
    return name


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_on_this_processor(build, cases, level, record_property):
    lowering = lowering_of(level)
    record_property("lowering", lowering)
    print(f"{level}: {lowering} dot products")
    path = build(level, lowering)
    for threads in [1, 2, 3]:
        assert run(path, cases, threads) == level


@pytest.mark.parametrize("level", [level for level in LEVELS if level != "baseline" and lowering_of(level) == "native"])
def test_a_schedule_with_portable_dot_products(build, cases, level):
    """What a processor without the level would run: the same vectors, tiles and unpacking."""
    assert run(build(level, "portable"), cases, 2) == level
