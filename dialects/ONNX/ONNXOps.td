//===- ONNXOps.td - The imported graph -------------------------*- tablegen -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_DIALECTS_ONNX_ONNXOPS_TD
#define HGF_DIALECTS_ONNX_ONNXOPS_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def ONNX_Dialect : Dialect {
  let name = "onnx";
  let cppNamespace = "::hgf";
  let summary = "An ONNX graph as it was read, without semantics of its own";
  let description = [{
    One generic operation stands for every ONNX operator, so that the importer
    knows nothing about operators and the legalization phase alone gives them
    meaning. The main graph is a `func.func @main`; model-local functions are
    `onnx.function` operations.

    | attribute of | name | type | meaning |
    |---|---|---|---|
    | the module | `onnx.ir_version` | i64 | the file's IR version |
    | the module | `onnx.opsets` | dictionary of i64 | versions by domain; ONNX's own domain is `ai.onnx` |
    | the module | `onnx.metadata` | dictionary of strings | the model's metadata |
    | arguments and results | `onnx.name` | string | the name in the graph |
    | arguments and results | `onnx.dims` | array of strings | names of symbolic dimensions, `""` for fixed ones, `"?"` for those without a name; one per dimension of a ranked tensor |
    | arguments and results | `onnx.dtype` | i32 | TensorProto.DataType |

    Element types: signed integers and bool are signless (`i8`, `i1`), unsigned
    ones are `ui8`, so that a node's meaning can be read off its types.
    int4/uint4/int2/uint2 are `i4`/`ui4`/`i2`/`ui2`. A value whose type the file
    does not tell has type `!onnx.unknown`.
  }];
  let useDefaultTypePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
}

def ONNX_UnknownType : TypeDef<ONNX_Dialect, "Unknown"> {
  let mnemonic = "unknown";
  let summary = "A value whose type the file does not tell";
}

class ONNX_Op<string mnemonic, list<Trait> traits = []>
    : Op<ONNX_Dialect, mnemonic, traits>;

def ONNX_NodeOp : ONNX_Op<"node", [Pure]> {
  let summary = "One node of the graph";
  let description = [{
    | part | meaning |
    |---|---|
    | `op_type` | operator, e.g. `MatMul` |
    | `domain` | operator set; empty for ONNX's own |
    | `overload` | distinguishes model-local functions of one name |
    | operands | inputs in order; an omitted optional one is `onnx.none` |
    | `node_attributes` | the node's attributes; tensors are elements attributes |
    | location | the node's name, or `OpType_index` if it has none |

    ONNX's attribute types become: FLOAT `f32`, INT `si64`, STRING a string,
    FLOATS `array<f32: …>`, INTS `array<i64: …>`, STRINGS an array of strings,
    TENSOR an elements attribute of the logical type. Trailing omitted inputs are
    left out.

    | rule | what is checked |
    |---|---|
    | `node_c1` | `op_type` is not empty |
    | `node_c2` | the domain `ai.onnx` is written as the empty one |
    | `node_c3` | operands are tensors, `!onnx.unknown` or `none`, or types of the hgf dialect |
    | `node_c4` | attributes named `onnx.ref.…` are strings and stand in functions only |

    Example:

    ```mlir
    func.func @main(%x: tensor<2x3xf32>) -> !onnx.unknown {
      %y = onnx.node "Softmax"(%x) {axis = -1 : si64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
      %z = onnx.node "com.microsoft" "FusedMatMul"(%x, %y) : (tensor<2x3xf32>, tensor<2x3xf32>) -> !onnx.unknown
      return %z : !onnx.unknown
    }
    ```
  }];
  let arguments = (ins
    DefaultValuedAttr<StrAttr, "\"\"">:$domain,
    StrAttr:$op_type,
    DefaultValuedAttr<StrAttr, "\"\"">:$overload,
    DefaultValuedAttr<DictionaryAttr, "{}">:$node_attributes,
    Variadic<AnyType>:$inputs);
  let results = (outs Variadic<AnyType>:$outputs);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
}

def ONNX_ConstantOp : ONNX_Op<"constant", [Pure]> {
  let summary = "An initializer";
  let description = [{
    Up to 64 bytes stand in the attribute. Longer tensors are `dense_resource`
    blobs that alias the mapped model file: nothing is copied before it is
    packed. A blob may be unaligned, as ONNX files are; its declared alignment
    is then 1, and it is read by memcpy. `hgf::ConstantReader` reads all forms.

    `value` has the result's type, with two exceptions, where it is a flat
    `tensor<Bxi8>`: elements of two and four bits (`i2`, `ui2`, `i4`, `ui4`,
    `f4E2M1FN`), packed LSB first over the row-major array, without padding of
    rows; and bools of more than 64 bytes, one byte each.

    | rule | what is checked |
    |---|---|
    | `constant_c1` | the result is a ranked tensor of fixed shape |
    | `constant_c2` | `value` has the result's type, or is `tensor<Bxi8>` if the result is packed or bool |
    | `constant_c3` | `value` has as many bytes as the result needs |

    Example:

    ```mlir
    %w = onnx.constant dense<[1.0, 2.0]> : tensor<2xf32> -> tensor<2xf32>
    %t = onnx.constant dense<[0x71, 0x0D]> : tensor<2xi8> -> tensor<2x3xi2>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs AnyType:$result);
  let hasVerifier = 1;
  let assemblyFormat = "$value `->` type($result) attr-dict";
}

def ONNX_NoneOp : ONNX_Op<"none", [Pure]> {
  let summary = "An optional input that the node omits";
  let description = [{
    Example:

    ```mlir
    %none = onnx.none : none
    ```
  }];
  let results = (outs NoneType:$result);
  let assemblyFormat = "`:` type($result) attr-dict";
}

def ONNX_FunctionOp
    : ONNX_Op<"function", [Symbol, IsolatedFromAbove, NoTerminator,
                           SingleBlock]> {
  let summary = "A model-local function";
  let description = [{
    | part | meaning |
    |---|---|
    | `sym_name` | `domain::name::overload`, unique in the module |
    | `input_names` | the formal parameters' names: block arguments in order |
    | `output_names` | the results' names |
    | `required_attributes` | names of attributes without a default |
    | `default_attributes` | attributes with their defaults |
    | `opsets` | the function's own operator sets |

    Inside the body an attribute that refers to the function's attribute `a` is
    the string attribute `"a"` under the key `onnx.ref.NAME`. The body's values
    are all `!onnx.unknown`, but for its constants.

    | rule | what is checked |
    |---|---|
    | `function_c1` | the body has one argument per input name |
    | `function_c2` | the body ends with an `onnx.return` of one value per output name |

    Example:

    ```mlir
    onnx.function @"local::Scale::" ["x"] -> ["y"] required [] defaults {alpha = 2.0 : f32} opsets {ai.onnx = 20 : i64} {
    ^body(%x: !onnx.unknown):
      %y = onnx.node "Elu"(%x) {onnx.ref.alpha = "alpha"} : (!onnx.unknown) -> !onnx.unknown
      onnx.return %y : !onnx.unknown
    }
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name,
    StrArrayAttr:$input_names,
    StrArrayAttr:$output_names,
    StrArrayAttr:$required_attributes,
    DictionaryAttr:$default_attributes,
    DictionaryAttr:$opsets);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name $input_names `->` $output_names "
                       "`required` $required_attributes `defaults` "
                       "$default_attributes `opsets` $opsets $body attr-dict";
  let hasRegionVerifier = 1;
}

def ONNX_ReturnOp : ONNX_Op<"return", [Pure, HasParent<"FunctionOp">]> {
  let summary = "The outputs of a model-local function";
  let description = [{
    Example:

    ```mlir
    onnx.function @"local::Same::" ["x"] -> ["y"] required [] defaults {} opsets {} {
    ^body(%x: !onnx.unknown):
      onnx.return %x : !onnx.unknown
    }
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$outputs);
  let assemblyFormat = "($outputs^ `:` type($outputs))? attr-dict";
}

#endif // HGF_DIALECTS_ONNX_ONNXOPS_TD
