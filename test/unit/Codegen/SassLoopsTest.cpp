//===- SassLoopsTest.cpp - Which loop of a GPU's kernel is looked at ------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Codegen/SassLoops.h"

#include <gtest/gtest.h>

using namespace hgf;

/// A function with one instruction for each of `lines`, or a label where they
/// end in a colon.
static SassFunction parse(std::initializer_list<const char *> lines) {
  std::string text = "\t.section\t.text.kernel,\"ax\",@progbits\nkernel:\n"
                     ".text.kernel:\n";
  unsigned address = 0;
  for (llvm::StringRef line : lines) {
    if (line.ends_with(":")) {
      text += line.str() + "\n";
      continue;
    }
    char digits[16];
    snprintf(digits, sizeof(digits), "/*%04x*/", address);
    text += "        " + std::string(digits) + "                   " +
            line.str() + " ;\n";
    address += 16;
  }
  std::vector<SassFunction> functions = parseSass(text);
  EXPECT_EQ(functions.size(), 1u);
  return functions.front();
}

static int64_t count(const char *opcode) {
  SassInstruction instruction;
  instruction.opcode = opcode;
  return countMultiplyAdds(instruction);
}

TEST(SassLoops, InstructionsCountTheirMultiplications) {
  EXPECT_EQ(count("IDP.4A.U8.S8"), 4);
  EXPECT_EQ(count("IDP.2A.LO.U16.S8"), 2);
  EXPECT_EQ(count("IMMA.16832.S8.S8"), 128);
  EXPECT_EQ(count("IMMA.16816.U8.S8.SAT"), 64);
  EXPECT_EQ(count("IMMA.8816.S8.S8"), 32);
  EXPECT_EQ(count("IMAD"), 0);
  EXPECT_EQ(count("HMMA.16816.F32"), 0);
}

TEST(SassLoops, ALoopGoesFromItsLabelToTheBranchBack) {
  SassFunction function =
      parse({"MOV R1, c[0x0][0x28]", "@P0 BRA `(.L_x_1)",
             ".L_x_0:", "LDG.E.128.CONSTANT R4, [R2.64]",
             "LOP3.LUT R8, R4, 0x3030303, RZ, 0xc0",
             "IDP.4A.U8.S8 R9, R8, R10, R9", "NOP", "IADD3 R2, R2, 0x10, RZ",
             "@!P1 BRA `(.L_x_0)", ".L_x_1:", "IDP.4A.U8.S8 R9, R8, R10, R9",
             "EXIT", ".L_x_2:", "BRA `(.L_x_2)"});
  auto loop = findSassLoop(function);
  ASSERT_TRUE(loop);
  EXPECT_TRUE(loop->isLoop);
  ASSERT_EQ(loop->instructions.size(), 6u);
  EXPECT_EQ(loop->instructions.front().address, 0x20u);
  EXPECT_EQ(loop->instructions.back().text, "@!P1 BRA `(.L_x_0)");
  EXPECT_EQ(loop->multiplyAdds, 4);
  // Five instructions, without the NOP, for four weights.
  InstructionMix mix = loop->getMix(1);
  EXPECT_DOUBLE_EQ(mix.total, 1.25);
  EXPECT_DOUBLE_EQ(mix.logic, 0.5);
  EXPECT_DOUBLE_EQ(mix.products, 0.25);
  // Two tokens make two weights of it.
  EXPECT_DOUBLE_EQ(loop->getMix(2).total, 2.5);
}

TEST(SassLoops, TheInnermostWithTheMostMultiplicationsIsMeant) {
  SassFunction function = parse(
      {".L_x_0:", "IDP.4A.U8.S8 R0, R1, R2, R0",
       // The main loop, in which a wait takes no part.
       ".L_x_1:", "IDP.4A.U8.S8 R0, R1, R2, R0", ".L_x_2:", "DEPBAR",
       "@P0 BRA `(.L_x_2)", "IDP.4A.U8.S8 R0, R1, R2, R0", "@P1 BRA `(.L_x_1)",
       // What is left over.
       ".L_x_3:", "IDP.4A.U8.S8 R0, R1, R2, R0", "@P2 BRA `(.L_x_3)",
       "@P3 BRA `(.L_x_0)", "EXIT"});
  auto loop = findSassLoop(function);
  ASSERT_TRUE(loop);
  EXPECT_EQ(loop->multiplyAdds, 8);
  EXPECT_EQ(loop->instructions.size(), 5u);
}

TEST(SassLoops, TwoWaysBackAreOneLoop) {
  SassFunction function =
      parse({".L_x_0:", "IDP.4A.S8.S8 R0, R1, R2, R0", "@P0 BRA `(.L_x_0)",
             "IDP.4A.S8.S8 R0, R1, R2, R0", "@P1 BRA `(.L_x_0)", "EXIT"});
  auto loop = findSassLoop(function);
  ASSERT_TRUE(loop);
  EXPECT_EQ(loop->multiplyAdds, 8);
}

TEST(SassLoops, WithoutALoopItIsFromTheFirstLoadToTheLastMultiplication) {
  SassFunction function =
      parse({"MOV R1, c[0x0][0x28]", "LDG.E.CONSTANT R3, [R2.64]",
             "LDG.E.128.CONSTANT R4, [R2.64]", "IDP.4A.S8.S8 R0, R4, R2, R0",
             "IDP.4A.S8.S8 R0, R5, R2, R0", "STG.E [R8.64], R0", "EXIT",
             ".L_x_0:", "BRA `(.L_x_0)"});
  auto loop = findSassLoop(function);
  ASSERT_TRUE(loop);
  EXPECT_FALSE(loop->isLoop);
  EXPECT_EQ(loop->instructions.size(), 3u);
  EXPECT_EQ(loop->multiplyAdds, 8);
  EXPECT_DOUBLE_EQ(countExecuted(function, *loop, 8).total, 8);
  EXPECT_FALSE(findSassLoop(parse({"FFMA R0, R1, R2, R0", "EXIT"})));
}

TEST(SassLoops, OfAStretchWhatTheMultiplicationsNeedCounts) {
  SassFunction function =
      parse({"LDG.E.128.CONSTANT R4, desc[UR4][R2.64]",
             // Another address, of which the upper half comes from R9.
             "IADD3 R8, P1, R8, 0x10, RZ", "IADD3.X R9, R9, RZ, RZ, P1, !PT",
             "LDG.E.128.CONSTANT R12, desc[UR4][R8.64+0x200]",
             // The correction's.
             "LDG.E.CONSTANT R20, desc[UR4][R18.64]", "FFMA R21, R20, R22, R21",
             "@!P0 MOV R7, RZ", "LOP3.LUT R16, R4, 0x3030303, RZ, 0xc0, !PT",
             "IDP.4A.U8.S8 R17, R16, R12, R17",
             "LOP3.LUT R16, R7, 0xc0c0c0c, RZ, 0xc0, !PT",
             "ISETP.NE.AND P2, PT, R21, RZ, PT",
             "IDP.4A.U8.S8 R17, R16, R13, R17", "EXIT"});
  auto loop = findSassLoop(function);
  ASSERT_TRUE(loop);
  EXPECT_EQ(loop->instructions.size(), 12u);
  EXPECT_EQ(loop->mix.total, 9);
  EXPECT_EQ(loop->mix.products, 2);
}

TEST(SassLoops, ALoopIsExecutedAsOftenAsItsMultiplicationsNeed) {
  SassFunction function =
      parse({"MOV R1, c[0x0][0x28]", ".L_x_0:", "IDP.4A.S8.S8 R0, R4, R2, R0",
             "@P0 BRA `(.L_x_0)", "IDP.4A.S8.S8 R0, R4, R2, R0", "EXIT"});
  auto loop = findSassLoop(function);
  ASSERT_TRUE(loop);
  // Ten times, and once behind the loop.
  InstructionMix mix = countExecuted(function, *loop, 44);
  EXPECT_DOUBLE_EQ(mix.products, 11);
  EXPECT_DOUBLE_EQ(mix.total, 23);
}
