"""hostile.py HGF-TRANSLATE FOLDER: writes broken models to FOLDER and checks that each gets its one sentence and status 1."""
import pathlib
import subprocess
import sys

import onnx
import onnx.parser
from onnx import TensorProto, helper

HEADER = '<ir_version: 10, opset_import: ["" : 20, "local" : 1]>\n'


def parsed(text, change=lambda model: None):
    model = onnx.parser.parse_model(HEADER + text)
    change(model)
    return model.SerializeToString()


def changed(change):
    return parsed("g (float[2] x) => (float[2] y) { y = Abs(x) }", change)


def initializer(**fields):
    def change(model):
        tensor = model.graph.initializer.add(**{"name": "w", "data_type": 1, "dims": [2], **fields})
        return tensor
    return changed(change)


def node_attribute(**fields):
    return changed(lambda model: model.graph.node[0].attribute.add(**fields))


def input_type(change):
    return changed(lambda model: change(model.graph.input[0].type))


def chain(model):
    """f0 calls f1 ... and the last calls f0."""
    for i in range(3000):
        function = model.functions.add(name=f"f{i}", domain="local", input=["a"], output=["b"])
        function.node.add(op_type=f"f{(i + 1) % 3000}", domain="local", name=f"call{i}", input=["a"], output=["b"])


whole = changed(lambda model: model.graph.initializer.add(name="w", data_type=1, dims=[20], raw_data=bytes(80)))
subgraph = helper.make_graph([], "s", [], [])
CASES = {
    "empty": (b"", "the file holds no graph"),
    "noise": (bytes(range(256)) * 4, "expected an ONNX model but"),
    "text": (b"module {}\n", "expected an ONNX model but"),
    "length_overflow": (b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "expected an ONNX model but"),
    "old_ir": (changed(lambda m: setattr(m, "ir_version", 2)), "expected IR version 3 or newer but got 2"),
    "old_opset": (changed(lambda m: setattr(m.opset_import[0], "version", 10)), "expected operator set 11 to 27 but got 10"),
    "no_opset": (changed(lambda m: m.ClearField("opset_import")), "node 'Abs_0' (Abs): its domain '' is not among"),
    "cycle": (parsed("g (float[2] x) => (float[2] y) { y = Add(x, z)  z = Abs(y) }"),
              "node 'Add_0' (Add): its input 'z' comes from node 'Abs_1' (Abs), which does not stand before it"),
    "self": (parsed("g (float[2] x) => (float[2] y) { y = Add(x, y) }"), "its input 'y' comes from node 'Add_0' (Add)"),
    "undefined": (parsed("g (float[2] x) => (float[2] y) { y = Add(x, z) }"), "node 'Add_0' (Add): nothing in the graph defines its input 'z'"),
    "twice": (parsed("g (float[2] x) => (float[2] y) { y = Abs(x)  y = Neg(x) }"), "node 'Neg_1' (Neg): the value 'y' is defined twice"),
    "same_inputs": (changed(lambda m: m.graph.input.append(m.graph.input[0])), "input 'x': the value 'x' is defined twice"),
    "same_outputs": (changed(lambda m: m.graph.output.append(m.graph.output[0])), "the graph has two outputs 'y'"),
    "no_output": (changed(lambda m: m.graph.ClearField("output")), "the graph has no output"),
    "missing_output": (changed(lambda m: setattr(m.graph.output[0], "name", "q")), "no node computes the graph's output 'q'"),
    "nameless_input": (changed(lambda m: setattr(m.graph.input[0], "name", "")), "expected a name but it has none"),
    "no_operator": (changed(lambda m: setattr(m.graph.node[0], "op_type", "")), "expected an operator but it has none"),
    "untyped_input": (input_type(lambda t: t.Clear()), "input 'x': expected a type but the file has none"),
    "strings": (input_type(lambda t: setattr(t.tensor_type, "elem_type", 8)), "input 'x': tensors of strings are not supported"),
    "unknown_type": (input_type(lambda t: setattr(t.tensor_type, "elem_type", 99)), "input 'x': expected an element type from 1 to 26 but got 99"),
    "sequence": (input_type(lambda t: t.sequence_type.elem_type.Clear() or t.sequence_type.SetInParent()), "expected a tensor but got a sequence"),
    "optional": (input_type(lambda t: t.optional_type.SetInParent()), "expected a tensor but got an optional"),
    "sparse": (input_type(lambda t: t.sparse_tensor_type.SetInParent()), "expected a tensor but got a sparse tensor"),
    "sparse_initializer": (changed(lambda m: m.graph.sparse_initializer.add()), "sparse initializers are not supported"),
    "huge_dimension": (input_type(lambda t: setattr(t.tensor_type.shape.dim[0], "dim_value", 2**62)), "expected dimensions up to"),
    "negative_dim": (initializer(dims=[-2]), "initializer 'w': expected dimensions of at least 0 but got -2"),
    "dims_overflow": (initializer(dims=[2**32, 2**32, 2**32]), "initializer 'w': its dimensions hold more than"),
    "short_raw": (initializer(raw_data=b"1234567"), "initializer 'w': expected 8 bytes of data but got 7"),
    "no_data": (initializer(), "initializer 'w': expected 2 entries of data but got fewer"),
    "much_data": (initializer(float_data=[1, 2, 3]), "initializer 'w': expected 2 entries of data but got more"),
    "wrong_field": (initializer(int32_data=[1, 2]), "initializer 'w': expected 2 entries of data but got fewer"),
    "external_nowhere": (initializer(data_location=1), "initializer 'w': expected a relative path"),
    "attribute_type": (node_attribute(name="a", type=0), "its type is 0"),
    "attribute_name": (node_attribute(name="", type=2, i=1), "one of its attributes has no name"),
    "attribute_twice": (changed(lambda m: [m.graph.node[0].attribute.add(name="a", type=2, i=1) for _ in range(2)]),
                        "node 'Abs_0' (Abs): its attribute 'a' is given twice"),
    "attribute_tensor": (node_attribute(name="a", type=4), "lacks the tensor"),
    "graph": (changed(lambda m: m.graph.node[0].attribute.append(helper.make_attribute("body", subgraph))), "control flow is not supported"),
    "loop": (changed(lambda m: setattr(m.graph.node[0], "op_type", "Loop")), "node 'Loop_0' (Loop): control flow is not supported"),
    "sequence_op": (changed(lambda m: setattr(m.graph.node[0], "op_type", "SequenceAt")), "sequences, optionals and strings are not supported"),
    "domain": (changed(lambda m: setattr(m.graph.node[0], "domain", "nowhere")), "its domain 'nowhere' is not among"),
    "hgf": (changed(lambda m: setattr(m.graph.node[0], "domain", "hgf")), "the model has no function 'hgf::Abs::'"),
    "recursion": (changed(chain), "(f0) calls the function 'local::f0::', which is called by itself"),
    "function_twice": (changed(lambda m: [m.functions.add(name="f", domain="local") for _ in range(2)]), "defines the function 'local::f::' twice"),
    "function_output": (changed(lambda m: m.functions.add(name="f", domain="local", output=["q"])), "no node computes its output 'q'"),
    "function_arity": (changed(lambda m: (m.functions.add(name="f", domain="local"), setattr(m.graph.node[0], "op_type", "f"),
                                          setattr(m.graph.node[0], "domain", "local"))), "node 'f_0' (f): expected at most 0 inputs and 0 outputs"),
    "metadata": (changed(lambda m: m.metadata_props.add(key="", value="v")), "an entry without a key"),
}
failures = 0


def check(name, data, sentence):
    global failures
    path = pathlib.Path(sys.argv[2], name + ".onnx")
    path.write_bytes(data)
    run = subprocess.run([sys.argv[1], "--import-onnx", str(path)], capture_output=True, text=True, errors="replace")
    lines = run.stderr.strip().splitlines()
    if run.returncode != 1 or len(lines) != 1 or sentence not in lines[0]:
        failures += 1
        print(f"{name}: expected status 1 and '{sentence}' but got {run.returncode} and: {run.stderr[:500]}")


for name, (data, sentence) in CASES.items():
    check(name, data, sentence)
# Cut anywhere, the file is an error; what is cut may also be a whole field.
for length in range(1, len(whole), 7):
    check(f"cut{length}", whole[:length], "error: ")
sys.exit(failures != 0)
