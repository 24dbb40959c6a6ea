//===- Control.cpp - Branches and ends ------------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"

using namespace hgf::gpusim;

static void decodeBranch(Decoder &decoder) {
  decoder.take("uni");
  decoder.instruction.control = Control::Branch;
}

static void decodeExit(Decoder &decoder) {
  decoder.take("uni");
  decoder.expectOperands("");
  decoder.instruction.control = Control::Exit;
}

void hgf::gpusim::addControlOpcodes(OpcodeTable &table) {
  table["bra"] = decodeBranch;
  table["ret"] = decodeExit;
  table["exit"] = decodeExit;
}
