"""Writes variants of good.onnx whose external data are wrong, and the data."""
import copy
import pathlib
import struct

import onnx

good = onnx.load("good.onnx", load_external_data=False)
variants = {
    "absolute": {"location": "/etc/passwd"}, "parent": {"location": "../outside/w.bin"}, "link": {"location": "link.bin"},
    "missing": {"location": "none.bin"}, "offset": {"offset": "12"}, "overflow": {"offset": str(2**64 - 4)}, "length": {"length": "12"},
    "number": {"offset": "-4"}, "folder": {"location": "sub"},
}
for name, changes in variants.items():
    model = copy.deepcopy(good)
    for entry in model.graph.initializer[0].external_data:
        entry.value = changes.get(entry.key, entry.value)
    pathlib.Path(f"{name}.onnx").write_bytes(model.SerializeToString())
for path in ("w.bin", "../outside/w.bin"):
    pathlib.Path(path).write_bytes(struct.pack("<4f", 0, 1, 2, 3))
