//===- HGFOps.td - Layers ---------------------------------------*- tablegen -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_DIALECTS_HGF_HGFOPS_TD
#define HGF_DIALECTS_HGF_HGFOPS_TD

include "HGFAttentionOps.td"
include "HGFDialect.td"
include "HGFKernelOps.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def HGF_Factor : TensorOf<[F16, BF16, F32, I8]>;
def HGF_Weight : AnyTypeOf<[HGF_TernaryType, HGF_PackedType]>;

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

def HGF_TernaryConstantOp : HGF_Op<"ternary_constant", [Pure]> {
  let summary = "A ternary matrix given by codes and scales";
  let description = [{
    | part | meaning |
    |---|---|
    | `codes` | w + 1, two bits each, four per byte, least significant first, rows one after another without padding: `tensor<Bxi8>`, B = ceil(rows * columns / 4) |
    | `scales` | float32: one, one per row, or rows x (columns / group) row by row |

    Constraints: `ternary_constant_c1` codes has ceil(rows * columns / 4) bytes;
    `ternary_constant_c2` scales has as many elements as the type's granularity
    asks for.

    Example:

    ```mlir
    func.func @example() {
      %w = hgf.ternary_constant dense<[-94, 8]> : tensor<2xi8>, dense<0.5> : tensor<1xf32> -> !hgf.ternary<2 by 3, scale = tensor>
      return
    }
    ```
  }];
  let arguments = (ins ElementsAttr:$codes, ElementsAttr:$scales);
  let results = (outs HGF_TernaryType:$result);
  let assemblyFormat = "$codes `,` $scales `->` type($result) attr-dict";
  let hasVerifier = 1;
}

def HGF_WeightsOp : HGF_Op<"weights", [Symbol]> {
  let summary = "Packed bytes that reach the binary as a section";
  let description = [{
    | part | meaning |
    |---|---|
    | `sym_name` | the symbol of the object file |
    | `bytes` | the blob, `tensor<Bxi8>`; absent where it lives in the weights archive |
    | `byte_count` | B |

    Example:

    ```mlir
    hgf.weights @layer_0 dense<0> : tensor<64xi8> size 64
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name,
                       OptionalAttr<ElementsAttr>:$bytes,
                       I64Attr:$byte_count);
  let assemblyFormat = "$sym_name ($bytes^)? `size` $byte_count attr-dict";
}

def HGF_PackedConstantOp : HGF_Op<"packed_constant", [Pure]> {
  let summary = "The packed matrix behind a symbol";
  let description = [{
    Example:

    ```mlir
    func.func @example() {
      %w = hgf.packed_constant @layer_0 : !hgf.packed<2 by 3, encoding = "planes2", scale = row>
      return
    }
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$weights);
  let results = (outs HGF_PackedType:$result);
  let assemblyFormat = "$weights `:` type($result) attr-dict";
}

//===----------------------------------------------------------------------===//
// The parts of a layer
//===----------------------------------------------------------------------===//

def HGF_QuantizeOp : HGF_Op<"quantize", [Pure]> {
  let summary = "Per-token int8 quantization of activations";
  let description = [{
    | value | definition |
    |---|---|
    | a | max(abs(x)) over the last dimension, at least 1e-5 |
    | q | clip(roundeven(x * r), -128, 127), with r = 127/a in the `order` of the source graph |
    | scale | a / 127, one per token |

    Constraints: `quantize_c1` q has the shape of x; `quantize_c2` scale has the
    shape of x without its last dimension; `quantize_c3` the order is not
    `none`. A row that holds a NaN quantizes to unspecified codes.

    Source: BitNet b1.58, arXiv 2402.17764.

    Example:

    ```mlir
    func.func @example(%x: tensor<?x64xf32>) {
      %q, %scale = hgf.quantize %x order reciprocal : tensor<?x64xf32> -> tensor<?x64xi8>, tensor<?xf32>
      return
    }
    ```
  }];
  let arguments = (ins HGF_Float:$x, HGF_QuantizationAttr:$order);
  let results = (outs TensorOf<[I8]>:$q, HGF_Float:$scale);
  let assemblyFormat = "$x `order` $order `:` type($x) `->` type($q) `,` type($scale) attr-dict";
  let hasVerifier = 1;
}

def HGF_DequantizeOp : HGF_Op<"dequantize", [Pure]> {
  let summary = "What quantized activations stand for";
  let description = [{
    x = q * scale, as float32: what a correction reads that comes after the
    quantizer.

    Constraints: `dequantize_c1` x has the shape of q; `dequantize_c2` scale
    has the shape of q without its last dimension.

    Example:

    ```mlir
    func.func @example(%q: tensor<?x64xi8>, %scale: tensor<?xf32>) {
      %x = hgf.dequantize %q, %scale : tensor<?x64xi8>, tensor<?xf32> -> tensor<?x64xf32>
      return
    }
    ```
  }];
  let arguments = (ins TensorOf<[I8]>:$q, HGF_Float:$scale);
  let results = (outs HGF_Float:$x);
  let assemblyFormat = "$q `,` $scale `:` type($q) `,` type($scale) `->` type($x) attr-dict";
  let hasVerifier = 1;
}

def HGF_TernaryLinearOp : HGF_Op<"ternary_linear", [Pure, AttrSizedOperandSegments]> {
  let summary = "A ternary matrix applied to each token";
  let description = [{
    | form | definition |
    |---|---|
    | int8 activations (`scale` given) | y = s * (q T^t) * scale + bias; groups: y = scale * sum_g s_g (q_g T_g^t) + bias |
    | float activations | y = s * (x T^t) + bias |

    Constraints: `ternary_linear_c1` x's last dimension is the weight's columns;
    `ternary_linear_c2` y has x's leading dimensions and the weight's rows;
    `ternary_linear_c3` x is i8 where a scale is given, f32 otherwise;
    `ternary_linear_c4` scale has x's leading dimensions; `ternary_linear_c5`
    bias has the weight's rows.

    Example:

    ```mlir
    func.func @example(%q: tensor<?x3xi8>, %a: tensor<?xf32>, %w: !hgf.ternary<2 by 3, scale = row>, %b: tensor<2xf32>) {
      %y = hgf.ternary_linear ins(%q : tensor<?x3xi8>) scale(%a : tensor<?xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) bias(%b : tensor<2xf32>) -> tensor<?x2xf32>
      return
    }
    ```
  }];
  let arguments = (ins TensorOf<[F32, I8]>:$x, Optional<HGF_Float>:$scale,
                       HGF_Weight:$weight, Optional<HGF_Float>:$bias);
  let results = (outs HGF_Float:$y);
  let assemblyFormat = [{
    `ins` `(` $x `:` type($x) `)` (`scale` `(` $scale^ `:` type($scale) `)`)?
    `weight` `(` $weight `:` type($weight) `)`
    (`bias` `(` $bias^ `:` type($bias) `)`)? attr-dict `->` type($y)
  }];
  let hasVerifier = 1;
}

def HGF_LowRankOp : HGF_Op<"low_rank", [Pure, AttrSizedOperandSegments]> {
  let summary = "The low-rank correction";
  let description = [{
    c = phi(x A^t) B^t, accumulated in float32; phi is `activation`. int8
    factors carry one scale per rank: A[r,:] * a_scale[r], B[:,r] * b_scale[r].

    | operand | shape |
    |---|---|
    | x | [..., K] f32 |
    | a | [R, K] f16, bf16, f32 or i8 |
    | b | [N, R] the same |
    | a_scale, b_scale | [R] f32, exactly where the factor is i8 |

    Constraints: `low_rank_c1` a is R x K; `low_rank_c2` b is N x R;
    `low_rank_c3` scales exist exactly for i8 factors; `low_rank_c4` the result
    has x's leading dimensions and N; `low_rank_c5` phi is silu or identity.

    Source: HGF, arXiv 2602.05269 (silu); LoRA, arXiv 2106.09685 (identity).

    Example:

    ```mlir
    func.func @example(%x: tensor<?x3xf32>, %a: tensor<1x3xf16>, %b: tensor<2x1xf16>) {
      %c = hgf.low_rank silu ins(%x : tensor<?x3xf32>) factors(%a, %b : tensor<1x3xf16>, tensor<2x1xf16>) -> tensor<?x2xf32>
      return
    }
    ```
  }];
  let arguments = (ins HGF_Float:$x, HGF_Factor:$a, HGF_Factor:$b,
                       Optional<HGF_Float>:$a_scale,
                       Optional<HGF_Float>:$b_scale,
                       HGF_ActivationAttr:$activation);
  let results = (outs HGF_Float:$c);
  let assemblyFormat = [{
    $activation `ins` `(` $x `:` type($x) `)` `factors` `(` $a `,` $b `:` type($a) `,` type($b) `)`
    (`scales` `(` $a_scale^ `,` $b_scale `:` type($a_scale) `,` type($b_scale) `)`)?
    attr-dict `->` type($c)
  }];
  let hasVerifier = 1;
}

def HGF_StaticGateOp : HGF_Op<"static_gate", [Pure, SameOperandsAndResultType]> {
  let summary = "tanh of a trained gate";
  let description = [{
    alpha = tanh(g), a scalar for the projection or one per output.

    Example:

    ```mlir
    func.func @example(%g: tensor<f32>) {
      %alpha = hgf.static_gate %g : tensor<f32>
      return
    }
    ```
  }];
  let arguments = (ins HGF_Float:$g);
  let results = (outs HGF_Float:$alpha);
  let assemblyFormat = "$g `:` type($g) attr-dict";
  let hasVerifier = 1;
  let hasFolder = 1;
}

def HGF_DynamicGateOp : HGF_Op<"dynamic_gate", [Pure]> {
  let summary = "A gate computed for each token";
  let description = [{
    alpha = sigmoid(w . h + b), one per token; h is the layer's input or the
    backbone's output.

    Constraints: `dynamic_gate_c1` w has h's last dimension; `dynamic_gate_c2`
    alpha has h's shape with a last dimension of 1.

    Example:

    ```mlir
    func.func @example(%h: tensor<?x3xf32>, %w: tensor<3xf32>, %b: tensor<f32>) {
      %alpha = hgf.dynamic_gate %h, %w, %b : tensor<?x3xf32>, tensor<3xf32>, tensor<f32> -> tensor<?x1xf32>
      return
    }
    ```
  }];
  let arguments = (ins HGF_Float:$h, 1DTensorOf<[F32]>:$w,
                       0DTensorOf<[F32]>:$b);
  let results = (outs HGF_Float:$alpha);
  let assemblyFormat = "$h `,` $w `,` $b `:` type($h) `,` type($w) `,` type($b) `->` type($alpha) attr-dict";
  let hasVerifier = 1;
}

def HGF_GatedAddOp : HGF_Op<"gated_add", [Pure, AllTypesMatch<["y", "c", "result"]>]> {
  let summary = "y + alpha * c";
  let description = [{
    alpha is a scalar (rank 0), one per output ([N]) or one per token
    ([..., 1]); absent it is 1.

    Constraints: `gated_add_c1` alpha has one of the three shapes.

    Example:

    ```mlir
    func.func @example(%y: tensor<?x2xf32>, %c: tensor<?x2xf32>, %alpha: tensor<f32>) {
      %z = hgf.gated_add %y, %c gate %alpha : tensor<?x2xf32>, tensor<f32>
      return
    }
    ```
  }];
  let arguments = (ins HGF_Float:$y, HGF_Float:$c, Optional<HGF_Float>:$alpha);
  let results = (outs HGF_Float:$result);
  let assemblyFormat = "$y `,` $c (`gate` $alpha^)? `:` type($y) (`,` type($alpha)^)? attr-dict";
  let hasVerifier = 1;
  let hasFolder = 1;
}

//===----------------------------------------------------------------------===//
// The fused layer
//===----------------------------------------------------------------------===//

def HGF_LinearOp : HGF_Op<"linear", [
    AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<DestinationStyleOpInterface, ["getDpsInitsMutable"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "The fused HGF layer";
  let description = [{
    y = act(ternary(x) + bias + alpha * c) + residual, kept as one operation to
    the end. Tensors before bufferization, memrefs (no result) after it. With a
    norm the ternary matrix, the correction and the gate read
    `hgf.rms_norm`(x) in place of x.

    | part | meaning |
    |---|---|
    | x | [..., K] f32 |
    | weight | the ternary matrix, N x K |
    | a, b, a_scale, b_scale | the correction's factors, as in `hgf.low_rank` |
    | gate | alpha itself where `gate_kind` is `static`: [] or [N], tanh already applied |
    | gate_weight, gate_bias | the dynamic gate's: [K] or [N], and [] |
    | bias | [N] |
    | residual | [..., N], added last |
    | norm_weight, norm_epsilon | of `hgf.rms_norm`; [K] |
    | init | [..., N], the destination |
    | scratch | bytes that the kernel computes in; given after bufferization |
    | quantization | `none`: float activations; otherwise int8 per token in that order |
    | correction_activation | phi |
    | correction_input | whether the correction reads x or the quantized x |
    | activation | act |
    | segments | rows of each linear that was merged into this one; empty for one |
    | segment_ranks | ranks of each merged linear: segment i reads its own slice of h = phi(x A^t) |
    | gate_threshold | a dynamic alpha below it is 0, and a token's closed gate reads no factor; 0: never |

    Constraints: `linear_c1` x's last dimension is the weight's columns;
    `linear_c2` init has x's leading dimensions and the weight's rows;
    `linear_c3` a and b come together, R x K and N x R (with segments b is a
    flat [sum_i N_i * R_i], each segment's N_i x R_i row by row); `linear_c4`
    scales exist exactly for i8 factors; `linear_c5` the gate operands are those
    that `gate_kind` asks for; `linear_c6` bias has N elements; `linear_c7`
    residual has init's shape; `linear_c8` segments sum to N and segment_ranks
    to R; `linear_c9` a gate needs a correction; `linear_c10` norm_weight has K elements;
    `linear_c11` a gate_threshold needs a dynamic gate.

    Source: HGF, arXiv 2602.05269.

    Example:

    ```mlir
    func.func @example(%x: tensor<?x3xf32>, %w: !hgf.ternary<2 by 3, scale = row>, %a: tensor<1x3xf16>, %b: tensor<2x1xf16>, %alpha: tensor<f32>, %init: tensor<?x2xf32>) {
      %y = hgf.linear ins(%x : tensor<?x3xf32>) weight(%w : !hgf.ternary<2 by 3, scale = row>) correction(%a, %b : tensor<1x3xf16>, tensor<2x1xf16>) gate(%alpha : tensor<f32>) outs(%init : tensor<?x2xf32>) quantization reciprocal gate_kind static -> tensor<?x2xf32>
      return
    }
    ```
  }];
  let arguments = (ins
    HGF_Shaped:$x,
    HGF_Weight:$weight,
    Optional<HGF_Shaped>:$a,
    Optional<HGF_Shaped>:$b,
    Optional<HGF_Shaped>:$a_scale,
    Optional<HGF_Shaped>:$b_scale,
    Optional<HGF_Shaped>:$gate,
    Optional<HGF_Shaped>:$gate_weight,
    Optional<HGF_Shaped>:$gate_bias,
    Optional<HGF_Shaped>:$bias,
    Optional<HGF_Shaped>:$residual,
    Optional<HGF_Shaped>:$norm_weight,
    HGF_Shaped:$init,
    Optional<MemRefRankOf<[I8], [1]>>:$scratch,
    DefaultValuedAttr<HGF_QuantizationAttr, "::hgf::Quantization::None">:$quantization,
    DefaultValuedAttr<HGF_ActivationAttr, "::hgf::Activation::SiLU">:$correction_activation,
    DefaultValuedAttr<HGF_CorrectionInputAttr, "::hgf::CorrectionInput::Original">:$correction_input,
    DefaultValuedAttr<HGF_GateKindAttr, "::hgf::GateKind::Open">:$gate_kind,
    DefaultValuedAttr<HGF_ActivationAttr, "::hgf::Activation::Identity">:$activation,
    DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$segments,
    DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$segment_ranks,
    DefaultValuedAttr<F32Attr, "::llvm::APFloat(0.0f)">:$norm_epsilon,
    DefaultValuedAttr<F32Attr, "::llvm::APFloat(0.0f)">:$gate_threshold);
  let results = (outs Optional<AnyRankedTensor>:$y);
  let assemblyFormat = [{
    `ins` `(` $x `:` type($x) `)` `weight` `(` $weight `:` type($weight) `)`
    (`correction` `(` $a^ `,` $b `:` type($a) `,` type($b) `)`)?
    (`factor_scales` `(` $a_scale^ `,` $b_scale `:` type($a_scale) `,` type($b_scale) `)`)?
    (`gate` `(` $gate^ `:` type($gate) `)`)?
    (`dynamic_gate` `(` $gate_weight^ `,` $gate_bias `:` type($gate_weight) `,` type($gate_bias) `)`)?
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    (`residual` `(` $residual^ `:` type($residual) `)`)?
    (`norm` `(` $norm_weight^ `:` type($norm_weight) `)`)?
    `outs` `(` $init `:` type($init) `)`
    (`scratch` `(` $scratch^ `:` type($scratch) `)`)?
    (`quantization` $quantization^)?
    (`correction_activation` $correction_activation^)?
    (`correction_input` $correction_input^)?
    (`gate_kind` $gate_kind^)?
    (`activation` $activation^)?
    (`norm_epsilon` $norm_epsilon^)?
    (`gate_threshold` $gate_threshold^)?
    attr-dict (`->` type($y)^)?
  }];
  // Without what later passes add: a norm, a threshold, scratch.
  let builders = [OpBuilder<(ins "::mlir::Type":$y, "::mlir::Value":$x,
      "::mlir::Value":$weight, "::mlir::Value":$a, "::mlir::Value":$b,
      "::mlir::Value":$a_scale, "::mlir::Value":$b_scale,
      "::mlir::Value":$gate, "::mlir::Value":$gate_weight,
      "::mlir::Value":$gate_bias, "::mlir::Value":$bias,
      "::mlir::Value":$residual, "::mlir::Value":$init,
      CArg<"::hgf::Quantization", "::hgf::Quantization::None">:$quantization,
      CArg<"::hgf::Activation", "::hgf::Activation::SiLU">:$correction_activation,
      CArg<"::hgf::CorrectionInput", "::hgf::CorrectionInput::Original">:$correction_input,
      CArg<"::hgf::GateKind", "::hgf::GateKind::Open">:$gate_kind,
      CArg<"::hgf::Activation", "::hgf::Activation::Identity">:$activation,
      CArg<"::llvm::ArrayRef<int64_t>", "{}">:$segments,
      CArg<"::llvm::ArrayRef<int64_t>", "{}">:$segment_ranks), [{
    build($_builder, $_state, y, x, weight, a, b, a_scale, b_scale, gate,
          gate_weight, gate_bias, bias, residual, /*norm_weight=*/nullptr, init,
          /*scratch=*/nullptr, quantization, correction_activation, correction_input, gate_kind,
          activation, segments, segment_ranks,
          /*norm_epsilon=*/::llvm::APFloat(0.0f),
          /*gate_threshold=*/::llvm::APFloat(0.0f));
  }]>];
  let hasVerifier = 1;
  let hasCanonicalizer = 1;
}

def HGF_HeadOp : HGF_Op<"head", [
    AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<DestinationStyleOpInterface, ["getDpsInitsMutable"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "A large matrix of floats, as language models end in";
  let description = [{
    y = x W^t + bias, with W in float16, or in int8 with one scale per row, and
    everything else in float32. Tensors before bufferization, memrefs (no
    result) after it.

    | part | meaning |
    |---|---|
    | x | [..., K] f32 |
    | weight | f16 or i8 [N/8, K/16, 8, 16], both rounded up: W[n, k] is weight[n / 8, k / 16, n % 8, k % 16]; zeros where W has no element |
    | scales | of i8: f32 [8 ceil(N/8)], W[n, k] is multiplied by scales[n] |
    | bias | f32 [8 ceil(N/8)] |
    | init | [..., N], the destination |

    The rows of eight outputs are one stream, as kernels read it; an embedding
    that shares the matrix reads single rows of it.

    Constraints: `head_c1` the weight's sizes fit x's last dimension and the
    blocks of 8 and 16; `head_c2` init has x's leading dimensions and its last
    one fills the weight's blocks of rows; `head_c3` scales exist exactly for i8
    and have one element per row of the weight; `head_c4` so has the bias.

    Example:

    ```mlir
    func.func @example(%x: tensor<?x20xf32>, %w: tensor<2x2x8x16xi8>, %s: tensor<16xf32>, %init: tensor<?x9xf32>) {
      %y = hgf.head ins(%x : tensor<?x20xf32>) weight(%w : tensor<2x2x8x16xi8>) scales(%s : tensor<16xf32>) outs(%init : tensor<?x9xf32>) -> tensor<?x9xf32>
      return
    }
    ```
  }];
  let arguments = (ins HGF_Shaped:$x, HGF_Shaped:$weight,
                       Optional<HGF_Shaped>:$scales, Optional<HGF_Shaped>:$bias,
                       HGF_Shaped:$init);
  let results = (outs Optional<AnyRankedTensor>:$y);
  let assemblyFormat = [{
    `ins` `(` $x `:` type($x) `)` `weight` `(` $weight `:` type($weight) `)`
    (`scales` `(` $scales^ `:` type($scales) `)`)?
    (`bias` `(` $bias^ `:` type($bias) `)`)?
    `outs` `(` $init `:` type($init) `)` attr-dict (`->` type($y)^)?
  }];
  let extraClassDeclaration = [{
    /// Rows and columns of one block of the weight.
    static constexpr int64_t blockRows = 8;
    static constexpr int64_t blockColumns = 16;
  }];
  let hasVerifier = 1;
}

def HGF_OneBitLinearOp : HGF_Op<"onebit_linear", [Pure]> {
  let summary = "A sign matrix between two vectors";
  let description = [{
    y = ((x * u) S^t) * v, S in {-1, +1}^(N x K), u in [K] and v in [N] f16 or
    f32; computed in float32. S is a ternary matrix without zeros and with
    scale 1.

    Constraints: `onebit_linear_c1` x's last dimension, u and the weight's
    columns agree; `onebit_linear_c2` the result's last dimension, v and the
    weight's rows agree.

    Source: OneBit, arXiv 2402.11295.

    Example:

    ```mlir
    func.func @example(%x: tensor<?x3xf32>, %u: tensor<3xf16>, %s: !hgf.ternary<2 by 3, scale = tensor>, %v: tensor<2xf16>) {
      %y = hgf.onebit_linear %x, %u, %s, %v : tensor<?x3xf32>, tensor<3xf16>, !hgf.ternary<2 by 3, scale = tensor>, tensor<2xf16> -> tensor<?x2xf32>
      return
    }
    ```
  }];
  let arguments = (ins HGF_Float:$x, TensorOf<[F16, F32]>:$u,
                       HGF_Weight:$weight, TensorOf<[F16, F32]>:$v);
  let results = (outs HGF_Float:$y);
  let assemblyFormat = "$x `,` $u `,` $weight `,` $v `:` type($x) `,` type($u) `,` type($weight) `,` type($v) `->` type($y) attr-dict";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// What stands around the layers
//===----------------------------------------------------------------------===//

def HGF_ActivationOp : HGF_Op<"activation", [Pure, SameOperandsAndResultType,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "An elementwise activation";
  let description = [{
    | kind | definition |
    |---|---|
    | silu | x * sigmoid(x) |
    | relu | max(x, 0) |
    | relu_squared | max(x, 0)^2 |
    | gelu | x * (1 + erf(x / sqrt 2)) / 2 |
    | gelu_tanh | x * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))) / 2 |
    | sigmoid, tanh | as named |

    Example:

    ```mlir
    func.func @example(%x: tensor<?x3xf32>) {
      %y = hgf.activation silu %x : tensor<?x3xf32>
      return
    }
    ```
  }];
  let arguments = (ins HGF_ActivationAttr:$kind, HGF_Float:$x);
  let results = (outs HGF_Float:$y);
  let assemblyFormat = "$kind $x `:` type($x) attr-dict";
  let hasFolder = 1;
}

def HGF_RMSNormOp : HGF_Op<"rms_norm", [Pure, AllTypesMatch<["x", "y"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "Root mean square normalization of each token";
  let description = [{
    y = x * (1 / sqrt(mean(x^2) + epsilon)) * weight over the last dimension, in
    this order of rounding, which is ONNX's.

    Constraints: `rms_norm_c1` weight has x's last dimension.

    Source: arXiv 1910.07467.

    Example:

    ```mlir
    func.func @example(%x: tensor<?x3xf32>, %weight: tensor<3xf32>) {
      %y = hgf.rms_norm %x, %weight epsilon 1.0e-5 : tensor<?x3xf32>, tensor<3xf32>
      return
    }
    ```
  }];
  let arguments = (ins HGF_Float:$x, 1DTensorOf<[F32]>:$weight,
                       F32Attr:$epsilon);
  let results = (outs HGF_Float:$y);
  let assemblyFormat = "$x `,` $weight `epsilon` $epsilon `:` type($x) `,` type($weight) attr-dict";
  let hasVerifier = 1;
}

#endif // HGF_DIALECTS_HGF_HGFOPS_TD
