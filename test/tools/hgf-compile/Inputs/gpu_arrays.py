"""gpu_arrays.py write FILE: inputs of gpu-layer.mlir. gpu_arrays.py check FILE...: its outputs, all the same to the last bit."""

import sys

import numpy as np

x = np.random.default_rng(6).standard_normal((3, 64)).astype(np.float32)
command, *paths = sys.argv[1:]
if command == "write":
    np.savez(paths[0], x=x)
else:
    outputs = [np.load(path)["y"] for path in paths]
    # Every four codes of the weights are -1, 0, 1, -1, times 0.5; activations are rounded to 127 steps.
    weight = 0.5 * np.tile([-1.0, 0.0, 1.0, -1.0], 16)
    step = np.abs(x).max(1, keepdims=True) / 127
    expected = (np.rint(x / step) * step) @ weight
    for path, y in zip(paths, outputs):
        assert y.shape == (3, 32) and np.allclose(y, expected[:, None], rtol=0, atol=1e-4), (path, y, expected)
        assert np.array_equal(y, outputs[0]), path
