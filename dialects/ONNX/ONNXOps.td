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
    meaning. The main graph is a `func.func @main` whose arguments and results
    carry `onnx.name` (and `onnx.dims`, the names of symbolic dimensions);
    model-local functions are `onnx.function` operations. The module carries
    `onnx.ir_version`, `onnx.opsets` (domain to version) and `onnx.metadata`.

    Element types: signed integers and bool are signless (`i8`, `i1`), unsigned
    ones are `ui8`, so that a node's meaning can be read off its types.
    int4/uint4/int2/uint2 are `i4`/`ui4`/`i2`/`ui2`. A value whose type the file
    does not tell has type `!onnx.unknown`.
  }];
  let useDefaultTypePrinterParser = 1;
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
    | location | the node's name |

    Example:

    ```mlir
    %y = onnx.node "Softmax"(%x) {axis = -1 : si64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
    %z = onnx.node "com.microsoft" "FusedMatMul"(%x, %x) : (tensor<2x3xf32>, tensor<2x3xf32>) -> !onnx.unknown
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
}

def ONNX_ConstantOp : ONNX_Op<"constant", [Pure]> {
  let summary = "An initializer";
  let description = [{
    The bytes alias the mapped model file where they are aligned there: nothing
    is copied before it is packed. Types of two and four bits hold one flat,
    LSB-first packed blob as `dense_resource` over `i8` in `packed`; `value`'s
    type is then `tensor<Bxi8>` and the result's the logical one.

    Example:

    ```mlir
    %w = onnx.constant dense<[1.0, 2.0]> : tensor<2xf32> -> tensor<2xf32>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs AnyType:$result);
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
    the string attribute `"$a"` under the key `onnx.ref.NAME`.
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
}

def ONNX_ReturnOp : ONNX_Op<"return", [Pure, HasParent<"FunctionOp">]> {
  let summary = "The outputs of a model-local function";
  let arguments = (ins Variadic<AnyType>:$outputs);
  let assemblyFormat = "($outputs^ `:` type($outputs))? attr-dict";
}

#endif // HGF_DIALECTS_ONNX_ONNXOPS_TD
