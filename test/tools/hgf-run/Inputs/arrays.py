"""arrays.py write FOLDER: inputs of scale.mlir. arrays.py check FILE...: its outputs."""

import pathlib
import sys

import numpy as np

x = np.arange(12, dtype=np.float32).reshape(3, 4)
command, *paths = sys.argv[1:]
if command == "write":
    folder = pathlib.Path(paths[0])
    np.savez(folder / "in.npz", x=x)
    np.savez(folder / "wrong.npz", x=np.asfortranarray(x.T))
    np.save(folder / "folder" / "x.npy", np.asfortranarray(x))
for path in map(pathlib.Path, paths if command == "check" else []):
    y = np.load(path)["y"] if path.is_file() else np.load(path / "y.npy")
    assert y.dtype == np.float32 and np.array_equal(y, 2 * x), (path, y)
