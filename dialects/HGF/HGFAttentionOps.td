//===- HGFAttentionOps.td - Attention and caches -----------------*- tablegen -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_DIALECTS_HGF_HGFATTENTIONOPS_TD
#define HGF_DIALECTS_HGF_HGFATTENTIONOPS_TD

include "HGFDialect.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def HGF_AttentionOp : HGF_Op<"attention", [Pure,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "Scaled dot-product attention with grouped heads";
  let description = [{
    y = softmax(scale * Q K^t + mask) V for each head; query head h reads
    key/value head h / (H / G).

    | operand | shape |
    |---|---|
    | query | [B, H, S, D] |
    | key, value | [B, G, T, D] and [B, G, T, E], G divides H |
    | mask | additive, broadcastable to [B, H, S, T] |

    With `causal`, query i sees keys 0 ... i + T - S. A row that sees no key is
    zero.

    Constraints: `attention_c1` all are of rank 4 with one element type;
    `attention_c2` G divides H; `attention_c3` depths and lengths agree;
    `attention_c4` the result is [B, H, S, E].

    Source: arXiv 1706.03762; FlashAttention, arXiv 2205.14135.

    Example:

    ```mlir
    func.func @example(%q: tensor<1x4x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x8xf32>) {
      %y = hgf.attention %q, %k, %v scale 0.5 causal : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32> -> tensor<1x4x?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins HGF_Float:$query, HGF_Float:$key, HGF_Float:$value,
                       Optional<HGF_Float>:$mask, F32Attr:$scale,
                       UnitAttr:$causal);
  let results = (outs HGF_Float:$y);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`mask` $mask^)? `scale` $scale (`causal` $causal^)? `:`
    type($query) `,` type($key) `,` type($value) (`,` type($mask)^)? `->`
    type($y) attr-dict
  }];
  let hasVerifier = 1;
}

def HGF_DifferentialAttentionOp : HGF_Op<"differential_attention", [Pure, AllTypesMatch<["query1", "query2"]>, AllTypesMatch<["key1", "key2"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "The difference of two attentions";
  let description = [{
    y = (softmax(scale * Q1 K1^t + mask) - lambda * softmax(scale * Q2 K2^t + mask)) V,
    shapes as in `hgf.attention`, lambda a scalar.

    Constraints: `differential_attention_c1` the rules of `hgf.attention`; both
    queries have one type, and both keys.

    Source: Differential Transformer, arXiv 2410.05258.

    Example:

    ```mlir
    func.func @example(%q1: tensor<1x4x?x8xf32>, %k1: tensor<1x2x?x8xf32>, %q2: tensor<1x4x?x8xf32>, %k2: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x8xf32>, %l: tensor<f32>) {
      %y = hgf.differential_attention %q1, %k1, %q2, %k2, %v lambda %l scale 0.5 causal : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>, tensor<f32> -> tensor<1x4x?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins HGF_Float:$query1, HGF_Float:$key1, HGF_Float:$query2,
                       HGF_Float:$key2, HGF_Float:$value,
                       0DTensorOf<[F32]>:$lambda, Optional<HGF_Float>:$mask,
                       F32Attr:$scale, UnitAttr:$causal);
  let results = (outs HGF_Float:$y);
  let hasVerifier = 1;
  let assemblyFormat = [{
    $query1 `,` $key1 `,` $query2 `,` $key2 `,` $value `lambda` $lambda
    (`mask` $mask^)? `scale` $scale (`causal` $causal^)? `:` type($query1) `,`
    type($key1) `,` type($value) `,` type($lambda) (`,` type($mask)^)? `->`
    type($y) attr-dict
  }];
}

def HGF_CacheAppendOp : HGF_Op<"cache_append", [Pure,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "Appends to a cache, in place";
  let description = [{
    The tensor that has `past` followed by `new` along `axis`. Bufferized it
    writes `new` behind `past` in the buffer's spare capacity and yields the
    longer view: the caller guarantees room.

    Constraints: `cache_append_c1` past, new and the result agree in rank,
    element type and all dimensions but `axis`.

    Example:

    ```mlir
    func.func @example(%past: tensor<1x4x?x8xf32>, %new: tensor<1x4x?x8xf32>) {
      %cache = hgf.cache_append %past, %new axis 2 : tensor<1x4x?x8xf32>, tensor<1x4x?x8xf32> -> tensor<1x4x?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins AnyRankedTensor:$past, AnyRankedTensor:$new_part,
                       ConfinedAttr<I64Attr, [IntNonNegative]>:$axis);
  let results = (outs AnyRankedTensor:$cache);
  let assemblyFormat = "$past `,` $new_part `axis` $axis `:` type($past) `,` type($new_part) `->` type($cache) attr-dict";
  let hasVerifier = 1;
}

def HGF_FlashAttentionOp : HGF_Op<"flash_attention", [
    AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<DestinationStyleOpInterface, ["getDpsInitsMutable"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Attention in one pass over the keys";
  let description = [{
    `hgf.attention`, or `hgf.differential_attention` where `second` is given, as
    kernels compute it: no matrix of scores is ever stored. Tensors before
    bufferization, memrefs of any strides (no result) after it; all float32.

    | part | meaning |
    |---|---|
    | query | [B, H, S, D] |
    | key, value | [B, G, T, D] and [B, G, T, E], G divides H |
    | second | of differential attention: the second query and key, as the first, and lambda, a scalar |
    | mask | additive, broadcastable to [B, H, S, T] |
    | init | [B, H, S, E], the destination |
    | scratch | memory to compute in, which `allocate-scratch` adds: the keys of a few queries are split over blocks, whose results meet there |

    Constraints: `flash_attention_c1` query, key, value and init are of rank 4;
    `flash_attention_c2` G divides H; `flash_attention_c3` depths, lengths and
    heads agree; `flash_attention_c4` init is [B, H, S, E];
    `flash_attention_c5` a second query and key have the shapes of the first,
    lambda is of rank 0, and the three come together; `flash_attention_c6` the
    mask's sizes are 1 or those of [B, H, S, T]; `flash_attention_c7` all
    elements are float32.

    Source: FlashAttention, arXiv 2205.14135; Flash-Decoding (splitting the
    keys), arXiv 2311.01282.

    Example:

    ```mlir
    func.func @example(%q: tensor<1x4x?x8xf32>, %k: tensor<1x2x?x8xf32>, %v: tensor<1x2x?x8xf32>, %mask: tensor<?x?xf32>, %init: tensor<1x4x?x8xf32>) {
      %y = hgf.flash_attention ins(%q, %k, %v : tensor<1x4x?x8xf32>, tensor<1x2x?x8xf32>, tensor<1x2x?x8xf32>) mask(%mask : tensor<?x?xf32>) outs(%init : tensor<1x4x?x8xf32>) scale 0.5 causal -> tensor<1x4x?x8xf32>
      return
    }
    ```
  }];
  let arguments = (ins HGF_Shaped:$query, HGF_Shaped:$key, HGF_Shaped:$value,
                       Optional<HGF_Shaped>:$query2, Optional<HGF_Shaped>:$key2,
                       Optional<HGF_Shaped>:$lambda, Optional<HGF_Shaped>:$mask,
                       HGF_Shaped:$init,
                       Optional<MemRefRankOf<[I8], [1]>>:$scratch,
                       F32Attr:$scale, UnitAttr:$causal);
  let results = (outs Optional<AnyRankedTensor>:$y);
  let assemblyFormat = [{
    `ins` `(` $query `,` $key `,` $value `:` type($query) `,` type($key) `,` type($value) `)`
    (`second` `(` $query2^ `,` $key2 `,` $lambda `:` type($query2) `,` type($key2) `,` type($lambda) `)`)?
    (`mask` `(` $mask^ `:` type($mask) `)`)?
    `outs` `(` $init `:` type($init) `)`
    (`scratch` `(` $scratch^ `:` type($scratch) `)`)?
    `scale` $scale (`causal` $causal^)? attr-dict (`->` type($y)^)?
  }];
  let extraClassDeclaration = [{
    bool isDifferential() { return bool(getQuery2()); }
  }];
  let hasVerifier = 1;
}

#endif // HGF_DIALECTS_HGF_HGFATTENTIONOPS_TD
