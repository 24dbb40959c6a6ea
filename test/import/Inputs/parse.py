"""parse.py FILE.onnx < TEXT: writes the model that TEXT describes in ONNX's textual syntax. Lines from the first `---` on are Python that may change `model`."""
import sys

import onnx
import onnx.parser
from onnx import TensorProto, helper, numpy_helper  # for the Python part

lines = [line for line in sys.stdin if not line.startswith("//")]
parts = "".join(lines).split("\n---\n")
model = onnx.parser.parse_model(parts[0])
if len(parts) > 1:
    exec(parts[1])
with open(sys.argv[1], "wb") as file:
    file.write(model.SerializeToString())
