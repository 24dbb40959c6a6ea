//===- AssemblyLoopsTest.cpp - Which loop of a kernel is looked at ------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AssemblyLoops.h"

#include <gtest/gtest.h>

using namespace hgf;
using llvm::StringRef;
using llvm::Triple;

static std::optional<KernelLoop>
find(std::string body, Triple::ArchType architecture = Triple::aarch64,
     bool constantSources = false) {
  // The text of instructions belongs to the assembly.
  static std::string assembly;
  assembly = "\t.text\nother:\n.LBB0_1:\n\tsdot\tv9.4s, v1.16b, v2.16b\n"
             "\tb.ne\t.LBB0_1\n.Lfunc_end0:\nkernel:  // @kernel\n" +
             body + "\tret\n.Lfunc_end1:\n";
  return findKernelLoop(assembly, "kernel", architecture, constantSources);
}

static std::vector<std::string> getMnemonics(const KernelLoop &loop) {
  std::vector<std::string> names;
  for (const AssemblyInstruction &instruction : loop.instructions)
    names.push_back(instruction.mnemonic.str());
  return names;
}

using Names = std::vector<std::string>;

static AssemblyInstruction parse(const char *mnemonic,
                                 std::initializer_list<StringRef> operands) {
  AssemblyInstruction instruction;
  instruction.mnemonic = mnemonic;
  instruction.operands = operands;
  return instruction;
}

static int64_t countArm(const char *mnemonic,
                        std::initializer_list<StringRef> operands) {
  return classifyDot(parse(mnemonic, operands), Triple::aarch64).multiplyAdds;
}

static int64_t countX86(const char *mnemonic,
                        std::initializer_list<StringRef> operands) {
  return classifyDot(parse(mnemonic, operands), Triple::x86_64).multiplyAdds;
}

TEST(AssemblyLoops, InstructionsCountTheirMultiplications) {
  EXPECT_EQ(countArm("sdot", {"v0.4s", "v1.16b", "v2.16b"}), 16);
  EXPECT_EQ(countArm("usdot", {"v0.4s", "v1.16b", "v2.4b[1]"}), 16);
  EXPECT_EQ(countArm("sdot", {"v0.2s", "v1.8b", "v2.8b"}), 8);
  EXPECT_EQ(countArm("smmla", {"v0.4s", "v1.16b", "v2.16b"}), 32);
  EXPECT_EQ(countArm("smlal2", {"v0.8h", "v1.16b", "v2.16b"}), 8);
  EXPECT_EQ(countArm("smull", {"v0.8h", "v1.8b", "v2.8b"}), 8);
  EXPECT_EQ(countArm("mla", {"v0.8h", "v1.8h", "v2.8h"}), 8);
  EXPECT_EQ(countArm("mul", {"v0.4s", "v1.4s", "v2.4s"}), 0);
  EXPECT_EQ(countArm("smlal", {"v0.4s", "v1.4h", "v2.4h"}), 0);
  EXPECT_EQ(countArm("mul", {"x0", "x1", "x2"}), 0);
  EXPECT_EQ(countX86("vpdpbusd", {"(%rax)", "%zmm1", "%zmm2"}), 64);
  EXPECT_EQ(countX86("vpdpbusd", {"%ymm0", "%ymm1", "%ymm2"}), 32);
  EXPECT_EQ(countX86("vpmaddubsw", {"%ymm0", "%ymm1", "%ymm2"}), 32);
  EXPECT_EQ(countX86("pmaddubsw", {"%xmm0", "%xmm1"}), 16);
  EXPECT_EQ(countX86("pmullw", {"%xmm0", "%xmm1"}), 8);
  EXPECT_EQ(countX86("vpmaddwd", {"%xmm0", "%xmm1", "%xmm2"}), 0);
}

TEST(AssemblyLoops, ALoopGoesFromItsLabelToTheBranchBack) {
  auto loop = find("\tcbz\tx0, .LBB1_3\n\t.p2align\t4\n.LBB1_2: // %body\n"
                   "\tldr\tq1, [x1], #16 // 16-byte load\n"
                   "\tsdot\tv0.4s, v1.16b, v2.4b[0]\n\tsubs\tx0, x0, #1\n"
                   "\tb.ne\t.LBB1_2\n.LBB1_3:\n\tmov\tv3.16b, v0.16b\n");
  ASSERT_TRUE(loop);
  EXPECT_EQ(getMnemonics(*loop), (Names{"ldr", "sdot", "subs", "b.ne"}));
  EXPECT_EQ(loop->multiplyAdds, 16);
  EXPECT_EQ(loop->instructions[0].text, "ldr\tq1, [x1], #16");
}

TEST(AssemblyLoops, ARotatedLoopHasItsEntryInTheMiddle) {
  auto loop = find("\tb\t.LBB1_2\n.LBB1_1:\n\tadd\tx1, x1, #16\n.LBB1_2:\n"
                   "\tsmlal\tv0.8h, v1.8b, v2.8b\n"
                   "\tsmlal2\tv0.8h, v1.16b, v2.16b\n\tcbnz\tx0, .LBB1_1\n");
  ASSERT_TRUE(loop);
  EXPECT_EQ(getMnemonics(*loop), (Names{"add", "smlal", "smlal2", "cbnz"}));
  EXPECT_EQ(loop->multiplyAdds, 16);
}

TEST(AssemblyLoops, TheInnermostOfNestedLoopsCounts) {
  auto loop = find(".LBB1_1:\n\tsdot\tv8.4s, v1.16b, v2.16b\n.LBB1_2:\n"
                   "\tsdot\tv0.4s, v1.16b, v2.16b\n\tb.ne\t.LBB1_2\n"
                   "\tsdot\tv9.4s, v1.16b, v2.16b\n\tb.ne\t.LBB1_1\n");
  ASSERT_TRUE(loop);
  EXPECT_EQ(getMnemonics(*loop), (Names{"sdot", "b.ne"}));
}

TEST(AssemblyLoops, ALoopWithoutDotsInsideIsNoInnerLoop) {
  auto loop = find(".LBB1_1:\n\tsdot\tv8.4s, v1.16b, v2.16b\n.LBB1_2:\n"
                   "\tadd\tx1, x1, #1\n\tb.ne\t.LBB1_2\n\tb.ne\t.LBB1_1\n");
  ASSERT_TRUE(loop);
  EXPECT_EQ(getMnemonics(*loop), (Names{"sdot", "add", "b.ne", "b.ne"}));
}

TEST(AssemblyLoops, OfSeveralTheOneWithTheMostWorkCounts) {
  auto loop = find(".LBB1_1:\n\tsdot\tv0.4s, v1.16b, v2.16b\n"
                   "\tb.ne\t.LBB1_1\n.LBB1_2:\n\tsdot\tv0.4s, v1.16b, v2.16b\n"
                   "\tsdot\tv3.4s, v1.16b, v2.16b\n\tb.ne\t.LBB1_2\n.LBB1_3:\n"
                   "\tsdot\tv0.4s, v1.16b, v2.16b\n\tb.ne\t.LBB1_3\n");
  ASSERT_TRUE(loop);
  EXPECT_EQ(loop->multiplyAdds, 32);
}

TEST(AssemblyLoops, TwoWaysBackAreOneLoop) {
  auto loop = find(".LBB1_1:\n\tsdot\tv0.4s, v1.16b, v2.16b\n"
                   "\ttbnz\tw0, #1, .LBB1_1\n\tsdot\tv3.4s, v1.16b, v2.16b\n"
                   "\tb.ne\t.LBB1_1\n");
  ASSERT_TRUE(loop);
  EXPECT_EQ(loop->multiplyAdds, 32);
}

TEST(AssemblyLoops, WithoutALoopOrDotsThereIsNone) {
  EXPECT_FALSE(find("\tsdot\tv0.4s, v1.16b, v2.16b\n"));
  EXPECT_FALSE(find("\tcbz\tx0, .LBB1_1\n\tsdot\tv0.4s, v1.16b, v2.16b\n"
                    ".LBB1_1:\n"));
  EXPECT_FALSE(find(".LBB1_1:\n\tadd\tx0, x0, #1\n\tb.ne\t.LBB1_1\n"));
  EXPECT_FALSE(findKernelLoop("", "kernel", Triple::aarch64));
}

TEST(AssemblyLoops, UnpackingByMultiplicationIsNoDotProduct) {
  auto loop = find(".LBB1_1:\n\tmul\tv1.8h, v3.8h, v4.8h\n"
                   "\tsdot\tv0.4s, v1.16b, v2.16b\n\tb.ne\t.LBB1_1\n");
  ASSERT_TRUE(loop);
  EXPECT_EQ(loop->dots.size(), 1u);
  EXPECT_EQ(loop->multiplyAdds, 16);
}

TEST(AssemblyLoops, SumsOfActivationsAreNoWeights) {
  std::string body = ".LBB1_1:\n\tldp\tq1, q2, [x0], #32\n"
                     "\tsdot\tv0.4s, v1.16b, v2.16b\n"
                     "\tsdot\tv3.4s, v1.16b, v30.16b\n\tb.ne\t.LBB1_1\n";
  EXPECT_EQ(find(body)->multiplyAdds, 32);
  EXPECT_EQ(find(body, Triple::aarch64, true)->multiplyAdds, 16);
  // The constant is made again in each iteration, and its register then used
  // for something else.
  body = ".LBB1_1:\n\tldp\tq1, q2, [x0], #32\n"
         "\tsdot\tv4.4s, v1.16b, v5.16b\n\tmovi\tv6.16b, #1\n"
         "\tmov\tv7.16b, v6.16b\n\tsdot\tv3.4s, v1.16b, v7.16b\n"
         "\tand\tv6.16b, v2.16b, v1.16b\n\tldr\tq5, [x1]\n"
         "\tsdot\tv0.4s, v6.16b, v5.16b\n\tb.ne\t.LBB1_1\n";
  EXPECT_EQ(find(body)->multiplyAdds, 48);
  EXPECT_EQ(find(body, Triple::aarch64, true)->multiplyAdds, 32);
  body = ".LBB1_1:\n\tvmovdqa\t(%rax), %ymm1\n"
         "\tvpdpbusd\t(%rbx), %ymm1, %ymm2\n"
         "\tvpdpbusd\t%ymm1, %ymm15, %ymm3\n\tjne\t.LBB1_1\n";
  EXPECT_EQ(find(body, Triple::x86_64)->multiplyAdds, 64);
  EXPECT_EQ(find(body, Triple::x86_64, true)->multiplyAdds, 32);
  body = ".LBB1_1:\n\tvmovdqa\t(%rax), %ymm1\n"
         "\tvpdpbusd\t(%rbx), %ymm1, %ymm2\n"
         "\tvpbroadcastd\t.LCPI7_4(%rip), %ymm5\n"
         "\tvpdpbusd\t%ymm1, %ymm5, %ymm3\n"
         "\tvpandd\t.LCPI7_5(%rip){1to8}, %ymm1, %ymm5\n"
         "\tvpdpbusd\t%ymm1, %ymm5, %ymm3\n\tjne\t.LBB1_1\n";
  EXPECT_EQ(find(body, Triple::x86_64, true)->multiplyAdds, 64);
  body = ".LBB1_1:\n\tmovdqa\t(%rax), %xmm1\n\tmovdqa\t%xmm9, %xmm2\n"
         "\tpmaddubsw\t%xmm1, %xmm2\n\tpmaddubsw\t(%rbx), %xmm1\n"
         "\tjne\t.LBB1_1\n";
  EXPECT_EQ(find(body, Triple::x86_64, true)->multiplyAdds, 16);
}

TEST(AssemblyLoops, TheX86PrefixAndCommentsAreRead) {
  auto loop = find(".LBB1_1:  # =>This Inner Loop\n\t#APP\n\t#NO_APP\n"
                   "\t{vex} vpdpbusd\t32(%rdi,%r14), %ymm5, %ymm13 # load\n"
                   "\tjne\t.LBB1_1\n",
                   Triple::x86_64);
  ASSERT_TRUE(loop);
  EXPECT_EQ(getMnemonics(*loop), (Names{"vpdpbusd", "jne"}));
  EXPECT_EQ(makeIndependentDots(*loop, Triple::x86_64, 2),
            "{vex} vpdpbusd\t%ymm14, %ymm15, %ymm0\n"
            "{vex} vpdpbusd\t%ymm14, %ymm15, %ymm1\n");
}

TEST(AssemblyLoops, IndependentDotsKeepTheirForm) {
  auto loop = find(".LBB1_1:\n\tsdot\tv3.4s, v1.16b, v2.4b[1]\n"
                   "\tb.ne\t.LBB1_1\n");
  ASSERT_TRUE(loop);
  EXPECT_EQ(makeIndependentDots(*loop, Triple::aarch64, 2),
            "sdot\tv0.4s, v30.16b, v31.4b[1]\n"
            "sdot\tv1.4s, v30.16b, v31.4b[1]\n");
}

TEST(AssemblyLoops, FunctionsAreFoundByTheirNames) {
  StringRef assembly = "hgf_kernel_linear_a_tokens1_neon:\n"
                       "hgf_kernel_linear_a_tokens16_neon: // comment\n"
                       "\tbl\thgf_kernel_linear_b_tokens1_neon\n"
                       "hgf_kernel_prefill_a:\n";
  EXPECT_EQ(findFunctions(assembly, "hgf_kernel_linear_", "_tokens1_"),
            std::vector<StringRef>{"hgf_kernel_linear_a_tokens1_neon"});
  EXPECT_EQ(findFunctions(assembly, "hgf_kernel_prefill_", "").size(), 1u);
}
