//===- HGFDialect.td - Dialect, types, attributes --------------*- tablegen -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_DIALECTS_HGF_HGFDIALECT_TD
#define HGF_DIALECTS_HGF_HGFDIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def HGF_Dialect : Dialect {
  let name = "hgf";
  let cppNamespace = "::hgf";
  let summary = "Ternary linears, low-rank corrections and gates";
  let description = [{
    Keeps "ternary", "low rank" and "gate" as first-class ideas until the last
    moment, so that one fused kernel does the work of five graph nodes.

    Notation: M tokens (the product of all leading dimensions), K inputs, N
    outputs, rank R. Dot products of int8 activations with ternary weights are
    exact in int32; everything after them is float32. Rounding is to nearest
    even. The constant 1e-5 bounds every absolute maximum from below.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let hasConstantMaterializer = 1;
}

//===----------------------------------------------------------------------===//
// Enumerations
//===----------------------------------------------------------------------===//

class HGF_Enum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::hgf";
  let genSpecializedAttr = 0;
}
class HGF_EnumAttr<EnumAttrInfo info, string mnemonic>
    : EnumAttr<HGF_Dialect, info, mnemonic> {
  let assemblyFormat = "$value";
}

def HGF_Granularity : HGF_Enum<"Granularity", "what one weight scale covers", [
  I32EnumAttrCase<"Tensor", 0, "tensor">,
  I32EnumAttrCase<"Row", 1, "row">,
  I32EnumAttrCase<"Group", 2, "group">]>;

def HGF_Levels : HGF_Enum<"Levels", "the integer w that a two-bit code c means", [
  // w = c - 1 of -1, 0, 1; there is no code 3.
  I32EnumAttrCase<"Ternary", 0, "ternary">,
  // w = 2 c - 3 of -3, -1, 1, 3: four levels around a zero point of 1.5.
  I32EnumAttrCase<"Odd", 1, "odd">,
  // w = c - 2 of -2, -1, 0, 1: two's complement.
  I32EnumAttrCase<"Signed", 2, "signed">]>;
def HGF_LevelsParameter : EnumParameter<HGF_Levels> {
  let defaultValue = "::hgf::Levels::Ternary";
}

def HGF_Quantization : HGF_Enum<"Quantization",
    "how float activations become int8, in the order of the source graph", [
  I32EnumAttrCase<"None", 0, "none">,
  // q = round(x * (127 / a))
  I32EnumAttrCase<"Reciprocal", 1, "reciprocal">,
  // q = round(x / (a / 127))
  I32EnumAttrCase<"Division", 2, "division">,
  // q = round(x * ((1 / a) * 127))
  I32EnumAttrCase<"ReciprocalProduct", 3, "reciprocal_product">]>;
def HGF_QuantizationAttr : HGF_EnumAttr<HGF_Quantization, "quantization">;

def HGF_Activation : HGF_Enum<"Activation", "elementwise activation", [
  I32EnumAttrCase<"Identity", 0, "identity">,
  I32EnumAttrCase<"SiLU", 1, "silu">,
  I32EnumAttrCase<"ReLU", 2, "relu">,
  I32EnumAttrCase<"ReLUSquared", 3, "relu_squared">,
  I32EnumAttrCase<"GELU", 4, "gelu">,
  I32EnumAttrCase<"GELUTanh", 5, "gelu_tanh">,
  I32EnumAttrCase<"Sigmoid", 6, "sigmoid">,
  I32EnumAttrCase<"Tanh", 7, "tanh">]>;
def HGF_ActivationAttr : HGF_EnumAttr<HGF_Activation, "activation">;

def HGF_GateKind : HGF_Enum<"GateKind", "what the correction is multiplied by", [
  // Always 1.
  I32EnumAttrCase<"Open", 0, "open">,
  // A constant: one for the projection, or one per output.
  I32EnumAttrCase<"Static", 1, "static">,
  // sigmoid(w.x + b), one per token.
  I32EnumAttrCase<"SigmoidInput", 2, "sigmoid_input">,
  // sigmoid(w.y + b) with y the backbone's complete row, one per token.
  I32EnumAttrCase<"SigmoidOutput", 3, "sigmoid_output">]>;
def HGF_GateKindAttr : HGF_EnumAttr<HGF_GateKind, "gate_kind">;

def HGF_CorrectionInput : HGF_Enum<"CorrectionInput",
    "which activations the correction reads", [
  // x as it came.
  I32EnumAttrCase<"Original", 0, "original">,
  // q * a / 127, the activations after quantization.
  I32EnumAttrCase<"Quantized", 1, "quantized">]>;
def HGF_CorrectionInputAttr
    : HGF_EnumAttr<HGF_CorrectionInput, "correction_input">;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

class HGF_Type<string name, string typeMnemonic> : TypeDef<HGF_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def HGF_TernaryType : HGF_Type<"Ternary", "ternary"> {
  let summary = "A matrix of two-bit codes, ternary or wider, with its scales";
  let description = [{
    T in {-1, 0, +1}^(rows x columns) with one float32 scale per tensor, per
    row, or per group of `group` inputs of a row (0 unless the granularity is
    `group`; 32, 64, 128 or 256).

    `levels` widens T to four values for models of two bits: `odd` is
    {-3, -1, 1, 3}, `signed` is {-2, -1, 0, 1}. W = s (c - z) with codes c and
    the zero point z = 1.5 is `odd` with half the scale, z = 2 is `signed`.
    Bytes and kernels are those of ternary matrices; only `ternary` is called so
    in reports.

    Example: `!hgf.ternary<640 by 2560, scale = row>`,
    `!hgf.ternary<640 by 2560, scale = group, group = 64>`,
    `!hgf.ternary<640 by 2560 of odd, scale = row>`.
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$columns,
      EnumParameter<HGF_Granularity>:$granularity,
      DefaultValuedParameter<"int64_t", "0">:$group,
      HGF_LevelsParameter:$levels);
  let assemblyFormat = "`<` $rows `by` $columns (`of` $levels^)? `,` `scale` `=` $granularity (`,` `group` `=` $group^)? `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// How many scales the matrix has.
    int64_t getScaleCount() const;
  }];
}

def HGF_PackedType : HGF_Type<"Packed", "packed"> {
  let summary = "A ternary matrix in the byte layout of one encoding";
  let description = [{
    `encoding` names a row of the target's table of encodings; the blob behind
    it holds all constant parameters of the layer in the layout that the
    encoding's packer writes.

    Example: `!hgf.packed<640 by 2560, encoding = "planes2", scale = row>`.
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$columns,
      EnumParameter<HGF_Granularity>:$granularity,
      DefaultValuedParameter<"int64_t", "0">:$group,
      StringRefParameter<"name of the encoding">:$encoding,
      HGF_LevelsParameter:$levels);
  let assemblyFormat = "`<` $rows `by` $columns (`of` $levels^)? `,` `encoding` `=` $encoding `,` `scale` `=` $granularity (`,` `group` `=` $group^)? `>`";
}

def HGF_Float : TensorOf<[F32]>;
def HGF_Shaped : AnyTypeOf<[AnyRankedTensor, AnyStridedMemRef]>;

class HGF_Op<string mnemonic, list<Trait> traits = []>
    : Op<HGF_Dialect, mnemonic, traits>;

#endif // HGF_DIALECTS_HGF_HGFDIALECT_TD
