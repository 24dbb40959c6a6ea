"""Mutations of ONNX models for tests of hostile input: mutate(model, choose) with choose = random.Random(seed)."""

import copy

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper

TYPES = [TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.INT32, TensorProto.INT8,
         TensorProto.UINT8, TensorProto.BOOL, TensorProto.INT4]
NUMBERS = [-(2**63), 2**63 - 1, -2**31, -100, -3, -2, -1, 0, 1, 2, 3, 4, 7, 16, 100, 2**31]
SIZES = [0, 0, 1, 2, 3, 5, 2**20, 2**33]


# One function per kind of mutation: changes the model with the generator's choices; false if there was nothing to change.

def any_node(model, choose):
    nodes = [*model.graph.node, *(node for function in model.functions for node in function.node)]
    return choose.choice(nodes) if nodes else None


def drop_input(model, choose):
    node = any_node(model, choose)
    if not node or not node.input:
        return False
    position = choose.randrange(len(node.input))
    if choose.random() < 0.5:
        node.input[position] = ""
    else:
        del node.input[position:choose.choice([len(node.input), position + 1])]
    return True


def drop_outputs(model, choose):
    node = any_node(model, choose)
    if not node:
        return False
    if len(model.graph.node) > 1 and choose.random() < 0.5:
        model.graph.node.remove(node) if node in model.graph.node else node.ClearField("output")
    elif choose.random() < 0.5:
        node.ClearField("output")
    elif node.output:
        node.output[choose.randrange(len(node.output))] = ""
    return True


def add_operands(model, choose):
    node = any_node(model, choose)
    if not node:
        return False
    if choose.random() < 0.5 and node.input:
        node.input.extend([choose.choice(node.input)] * choose.choice([1, 2, 9]))
    else:
        node.output.extend(f"{node.name}extra{position}" for position in range(choose.choice([1, 5])))
    return True


def swap_inputs(model, choose):
    node = any_node(model, choose)
    if not node or not node.input:
        return False
    first, second = choose.randrange(len(node.input)), choose.randrange(len(node.input))
    names = [*node.input, *(info.name for info in model.graph.input), *(info.name for info in model.graph.initializer)]
    if choose.random() < 0.5:
        node.input[first] = choose.choice(names)
    else:
        node.input[first], node.input[second] = node.input[second], node.input[first]
    return True


def random_attribute(name, choose):
    value = choose.choice([
        choose.choice(NUMBERS), 0.5, float("nan"), 1e300, "text", "", [choose.choice(NUMBERS) for _ in range(choose.randrange(4))],
        [0.5, -1.0], ["a", ""], numpy_helper.from_array(np.zeros((0,), "float32")),
        helper.make_tensor("t", TensorProto.INT64, [2], [1, -5])])
    if value == []:
        return helper.make_attribute(name, value, attr_type=choose.choice([AttributeProto.INTS, AttributeProto.FLOATS]))
    return helper.make_attribute(name, value)


def change_attribute(model, choose):
    node = any_node(model, choose)
    if not node:
        return False
    try:
        known = [*onnx.defs.get_schema(node.op_type, 21, node.domain).attributes]
    except onnx.defs.SchemaError:
        known = []
    names = sorted({*known, *(attribute.name for attribute in node.attribute)})
    if not names:
        return False
    name = choose.choice(names)
    for position, attribute in enumerate(node.attribute):
        if attribute.name == name:
            if choose.random() < 0.3 and attribute.type == AttributeProto.INTS and attribute.ints:
                attribute.ints[choose.randrange(len(attribute.ints))] = choose.choice(NUMBERS)
                return True
            del node.attribute[position]
            if choose.random() < 0.2:
                return True
            break
    node.attribute.append(random_attribute(name, choose))
    return True


def change_type(model, choose):
    values = [*model.graph.input, *model.graph.output, *model.graph.value_info]
    value = choose.choice(values)
    tensor = value.type.tensor_type
    if choose.random() < 0.4:
        tensor.elem_type = choose.choice(TYPES)
    elif choose.random() < 0.2:
        tensor.ClearField("shape")
    else:
        dims = tensor.shape.dim
        what = choose.randrange(4)
        if what == 0 or not dims:
            dims.add(dim_value=choose.choice(SIZES))
        elif what == 1:
            del dims[choose.randrange(len(dims))]
        elif what == 2:
            dims[choose.randrange(len(dims))].dim_value = choose.choice(SIZES)
        else:
            dims[choose.randrange(len(dims))].dim_param = choose.choice(["N", "batch", "", "a+b"])
    return True


def change_initializer(model, choose):
    if not model.graph.initializer:
        return False
    tensor = choose.choice(model.graph.initializer)
    what = choose.randrange(5)
    if what == 0:
        tensor.data_type = choose.choice(TYPES)
        return True
    array = numpy_helper.to_array(tensor)
    if what == 1:
        array = array.reshape(-1)
    elif what == 2:
        array = array[None]
    elif what == 3:
        array = array[:0] if array.ndim else array.reshape(1, 1)
    elif array.size:
        array = array.copy()
        array.reshape(-1)[choose.randrange(array.size)] = choose.choice([0, 1, 2, 3, 100])
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    return True


def rename(model, choose):
    node = any_node(model, choose)
    if not node:
        return False
    what = choose.randrange(4)
    if what == 0:
        node.name = choose.choice([*(other.name for other in model.graph.node), "", "a'b\n\"c", "\u2603" * 50])
    elif what == 1:
        node.op_type = choose.choice([*(other.op_type for other in model.graph.node), "MatMul", "Reshape", "Frobnicate"])
    elif what == 2:
        node.domain = choose.choice(["ai.onnx", "com.microsoft", "hgf", "nowhere"])
    else:
        choose.choice([*model.graph.input, *model.graph.output, *model.graph.initializer]).name = "renamed"
    return True


def splice(model, choose):
    """Puts a node of another kind on a value that is there."""
    node = any_node(model, choose)
    if not node or not node.input or node not in model.graph.node:
        return False
    kind = choose.choice(["Cast", "Transpose", "Squeeze", "Shape", "Identity", "ReduceSum", "Flatten", "Neg", "Softmax", "MatMul"])
    position = choose.randrange(len(node.input))
    added = onnx.NodeProto(op_type=kind, name="spliced", input=[node.input[position]], output=["spliced"])
    if kind == "Cast":
        added.attribute.append(helper.make_attribute("to", choose.choice(TYPES)))
    place = list(model.graph.node).index(node)
    node.input[position] = "spliced"
    model.graph.node.insert(place, added)
    return True


MUTATIONS = [drop_input, drop_input, drop_outputs, add_operands, swap_inputs, swap_inputs, change_attribute, change_attribute,
             change_type, change_type, change_initializer, change_initializer, rename, splice]


def mutate(model, choose):
    mutated = copy.deepcopy(model)
    if choose.random() < 0.5:  # so that what the mutations change is not contradicted
        mutated.graph.ClearField("value_info")
        for info in mutated.graph.output:
            if choose.random() < 0.7:
                info.type.tensor_type.ClearField("shape")
    done = []
    while len(done) < choose.choice([1, 1, 2, 4]):
        mutation = choose.choice(MUTATIONS)
        if mutation(mutated, choose):
            done.append(mutation.__name__)
    return mutated, done
