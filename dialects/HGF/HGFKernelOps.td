//===- HGFKernelOps.td - Inside kernels ---------------------------*- tablegen -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_DIALECTS_HGF_HGFKERNELOPS_TD
#define HGF_DIALECTS_HGF_HGFKERNELOPS_TD

include "HGFDialect.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def HGF_DotStepOp : HGF_Op<"dot_step", [Pure, AllTypesMatch<["acc", "result"]>, AllTypesMatch<["codes", "x"]>]> {
  let summary = "Multiplies codes by signed bytes and accumulates";
  let description = [{
    The accumulator's own type says how many neighbouring products are added to
    one lane: with B bytes, B lanes of i16 take single products, B/2 lanes of
    i16 take pairs and B/4 lanes of i32 take quadruples. The caller bounds the
    number of steps so that i16 does not overflow.

    Codes are bytes from 0 to 127, which instructions may read with or without
    a sign; with `signed` they are bytes from -128 to 127.

    With `matrix` each 16 bytes of codes are two rows of eight columns, those of
    x two tokens, and the four lanes of i32 take the 2x2 products: row 0 with
    token 0, row 0 with token 1, row 1 with token 0, row 1 with token 1.

    Constraints: `dot_step_c1` the accumulator has B or B/2 i16 or B/4 i32 lanes;
    `dot_step_c2` with `matrix` it has i32 lanes, and B is a multiple of 16.

    Example:

    ```mlir
    func.func @example(%acc: vector<16xi16>, %codes: vector<32xi8>, %x: vector<32xi8>) {
      %sum = hgf.dot_step %acc, %codes, %x : vector<16xi16>, vector<32xi8>
      return
    }
    ```
  }];
  let arguments = (ins VectorOfRankAndType<[1], [I16, I32]>:$acc,
                       VectorOfRankAndType<[1], [I8]>:$codes,
                       VectorOfRankAndType<[1], [I8]>:$x,
                       UnitAttr:$signed_codes,
                       UnitAttr:$matrix);
  let results = (outs VectorOfRankAndType<[1], [I16, I32]>:$result);
  let assemblyFormat = [{
    (`matrix` $matrix^)? (`signed` $signed_codes^)? $acc `,` $codes `,` $x `:`
    type($acc) `,` type($codes) attr-dict
  }];
  let hasVerifier = 1;
}

def HGF_DotWidenOp : HGF_Op<"dot_widen", [Pure, AllTypesMatch<["total", "result"]>]> {
  let summary = "Closes a run of dot_step into an int32 total";
  let description = [{
    An i16 accumulator adds neighbouring pairs or quadruples to each lane of the
    total; an i32 accumulator is added lane by lane.

    Constraints: `dot_widen_c1` the total has half or a quarter as many lanes as
    an i16 accumulator, or as many as an i32 one.

    Example:

    ```mlir
    func.func @example(%total: vector<8xi32>, %acc: vector<16xi16>) {
      %sum = hgf.dot_widen %total, %acc : vector<8xi32>, vector<16xi16>
      return
    }
    ```
  }];
  let arguments = (ins VectorOfRankAndType<[1], [I32]>:$total,
                       VectorOfRankAndType<[1], [I16, I32]>:$acc);
  let results = (outs VectorOfRankAndType<[1], [I32]>:$result);
  let assemblyFormat = "$total `,` $acc `:` type($total) `,` type($acc) attr-dict";
  let hasVerifier = 1;
}

def HGF_HalfStepOp : HGF_Op<"half_step", [Pure, AllTypesMatch<["acc", "result"]>, AllTypesMatch<["left", "right"]>]> {
  let summary = "Multiplies float16 lanes and accumulates in float32";
  let description = [{
    result[i] = acc[i] + left[i] * right[i]. A product of two float16 is exact in
    float32, so that the only rounding is that of the sum.

    Constraints: `half_step_c1` the accumulator has as many lanes as the factors.

    Example:

    ```mlir
    func.func @example(%acc: vector<8xf32>, %left: vector<8xf16>, %right: vector<8xf16>) {
      %sum = hgf.half_step %acc, %left, %right : vector<8xf32>, vector<8xf16>
      return
    }
    ```
  }];
  let arguments = (ins VectorOfRankAndType<[1], [F32]>:$acc,
                       VectorOfRankAndType<[1], [F16]>:$left,
                       VectorOfRankAndType<[1], [F16]>:$right);
  let results = (outs VectorOfRankAndType<[1], [F32]>:$result);
  let assemblyFormat = "$acc `,` $left `,` $right `:` type($acc) `,` type($left) attr-dict";
  let hasVerifier = 1;
}

def HGF_MultishiftOp : HGF_Op<"multishift", [Pure, SameOperandsAndResultType]> {
  let summary = "Takes a byte from any bit on, eight times per quadword";
  let description = [{
    The vector's bytes are seen as little-endian quadwords. Byte i of each
    quadword of the result is the 8 bits of the same quadword of the source
    that begin at bit `shifts[i]`; beyond bit 63 follows bit 0.

    Constraints: `multishift_c1` the vector has whole quadwords;
    `multishift_c2` there are 8 shifts between 0 and 63.

    Example:

    ```mlir
    func.func @example(%bytes: vector<16xi8>) {
      %values = hgf.multishift %bytes by [0, 5, 10, 15, 20, 25, 30, 35] : vector<16xi8>
      return
    }
    ```
  }];
  let arguments = (ins VectorOfRankAndType<[1], [I8]>:$source,
                       DenseI64ArrayAttr:$shifts);
  let results = (outs VectorOfRankAndType<[1], [I8]>:$result);
  let assemblyFormat = "$source `by` $shifts `:` type($source) attr-dict";
  let hasVerifier = 1;
}

def HGF_TableLookupOp : HGF_Op<"table_lookup", [Pure, AllTypesMatch<["indices", "result"]>]> {
  let summary = "Replaces each byte by the table's entry that it names";
  let description = [{
    result[i] = table[indices[i] mod N], N the number of entries: bits of an
    index above those that N entries need do not matter.

    Constraints: `table_lookup_c1` N is a power of two.

    Example:

    ```mlir
    func.func @example(%table: vector<64xi8>, %indices: vector<64xi8>) {
      %codes = hgf.table_lookup %table, %indices : vector<64xi8>, vector<64xi8>
      return
    }
    ```
  }];
  let arguments = (ins VectorOfRankAndType<[1], [I8]>:$table,
                       VectorOfRankAndType<[1], [I8]>:$indices);
  let results = (outs VectorOfRankAndType<[1], [I8]>:$result);
  let assemblyFormat = "$table `,` $indices `:` type($table) `,` type($indices) attr-dict";
  let hasVerifier = 1;
}

#endif // HGF_DIALECTS_HGF_HGFKERNELOPS_TD
