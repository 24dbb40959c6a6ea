//===- GpuToolsTest.cpp - What NVIDIA's programs say --------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Codegen/GpuTools.h"

#include <gtest/gtest.h>

#include <cstdlib>

using namespace hgf;
using llvm::StringRef;

TEST(GpuTools, ResourcesAreReadForEachKernel) {
  // What ptxas 13.0 writes.
  auto kernels = parseResources(
      "ptxas info    : 0 bytes gmem\n"
      "ptxas info    : Compiling entry function 'tile' for 'sm_80'\n"
      "ptxas info    : Function properties for helper\n"
      "    99 bytes stack frame, 99 bytes spill stores, 99 bytes spill loads\n"
      "ptxas info    : Function properties for tile\n"
      "    16 bytes stack frame, 4 bytes spill stores, 8 bytes spill loads\n"
      "ptxas info    : Used 32 registers, used 1 barriers, 7680 bytes smem, "
      "388 bytes cmem[0]\n"
      "ptxas info    : Compile time = 6.819 ms\n"
      "ptxas info    : Compiling entry function 'gemv' for 'sm_80'\n"
      "ptxas info    : Function properties for gemv\n"
      "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
      "ptxas info    : Used 40 registers, used 0 barriers\n");
  ASSERT_EQ(kernels.size(), 2u);
  EXPECT_EQ(kernels[0].name, "tile");
  EXPECT_EQ(kernels[0].registers, 32);
  EXPECT_EQ(kernels[0].stackBytes, 16);
  EXPECT_EQ(kernels[0].spillStoreBytes, 4);
  EXPECT_EQ(kernels[0].spillLoadBytes, 8);
  EXPECT_EQ(kernels[0].sharedBytes, 7680);
  EXPECT_EQ(kernels[1].name, "gemv");
  EXPECT_EQ(kernels[1].registers, 40);
  EXPECT_EQ(kernels[1].getSpillBytes(), 0);
  EXPECT_EQ(kernels[1].sharedBytes, 0);
}

TEST(GpuTools, InstructionsAreReadWithLabels) {
  // What nvdisasm writes.
  auto functions = parseSass(
      "\t.target\tsm_80\n"
      "\t.section\t.text.first,\"ax\",@progbits\n"
      "        .size           first,(.L_x_40 - first)\n"
      "first:\n.text.first:\n"
      "        /*0000*/                   IMAD.MOV.U32 R1, RZ, RZ, "
      "c[0x0][0x28] ;\n"
      ".L_x_1:\n"
      "        /*0010*/               @P0 LDG.E.128.CONSTANT R4, [R2.64] ;\n"
      "        /*0020*/              @!P0 BRA `(.L_x_1) ;\n"
      ".L_x_2:\n"
      "        /*0030*/                   BRA `(.L_x_2);\n"
      ".L_x_40:\n\n"
      "\t.section\t.text.second,\"ax\",@progbits\n"
      "second:\n.text.second:\n"
      "        /*0000*/                   EXIT ;\n");
  ASSERT_EQ(functions.size(), 2u);
  const SassFunction &first = functions[0];
  EXPECT_EQ(first.name, "first");
  ASSERT_EQ(first.instructions.size(), 4u);
  EXPECT_EQ(first.instructions[0].opcode, "IMAD.MOV.U32");
  EXPECT_EQ(first.instructions[0].getBaseOpcode(), "IMAD");
  EXPECT_FALSE(first.getTarget(first.instructions[0]));
  EXPECT_EQ(first.instructions[1].opcode, "LDG.E.128.CONSTANT");
  EXPECT_EQ(first.instructions[1].address, 0x10u);
  EXPECT_EQ(first.instructions[2].text, "@!P0 BRA `(.L_x_1)");
  EXPECT_EQ(first.getTarget(first.instructions[2]), 1u);
  EXPECT_EQ(first.getTarget(first.instructions[3]), 3u);
  EXPECT_EQ(functions[1].name, "second");
  EXPECT_EQ(functions[1].instructions.size(), 1u);
}

TEST(GpuTools, AMissingProgramIsNamed) {
  GpuTools tools;
  tools.ptxas = "/nowhere/ptxas";
  EXPECT_EQ(llvm::toString(assemble("", "sm_80", tools).takeError()),
            "expected the program ptxas at '/nowhere/ptxas' but found none; "
            "install PyPI's package nvidia-cuda-nvcc, or a CUDA toolkit");
  setenv("HGF_NVDISASM", "/nowhere/nvdisasm", 1);
  EXPECT_EQ(llvm::toString(disassemble("").takeError()),
            "expected the program nvdisasm at '/nowhere/nvdisasm', which the "
            "environment variable HGF_NVDISASM names, but found none; install "
            "PyPI's package nvidia-cuda-nvdisasm, or a CUDA toolkit");
  unsetenv("HGF_NVDISASM");
}

static constexpr StringRef smallKernel = R"(
.version 7.0
.target sm_80
.address_size 64
.visible .entry nothing() { ret; }
)";

TEST(GpuTools, AKernelIsAssembledAndReadAgain) {
  llvm::Expected<std::string> ptxas = findPtxas();
  if (!ptxas)
    GTEST_SKIP() << llvm::toString(ptxas.takeError());
  llvm::Expected<AssembledImage> image = assemble(smallKernel, "sm_86");
  ASSERT_TRUE(bool(image)) << llvm::toString(image.takeError());
  EXPECT_TRUE(StringRef(image->cubin)
                  .starts_with("\x7f"
                               "ELF"));
  EXPECT_TRUE(image->find("nothing"));
  EXPECT_FALSE(image->find("something"));
  llvm::Expected<std::string> nvdisasm = findNvdisasm();
  if (!nvdisasm)
    GTEST_SKIP() << llvm::toString(nvdisasm.takeError());
  auto functions = disassemble(image->cubin);
  ASSERT_TRUE(bool(functions)) << llvm::toString(functions.takeError());
  ASSERT_EQ(functions->size(), 1u);
  EXPECT_EQ(functions->front().name, "nothing");
  EXPECT_FALSE(functions->front().instructions.empty());
}

TEST(GpuTools, AnErrorHoldsTheProgramsWords) {
  llvm::Expected<std::string> ptxas = findPtxas();
  if (!ptxas)
    GTEST_SKIP() << llvm::toString(ptxas.takeError());
  std::string wrong = smallKernel.str() + "nonsense;\n";
  std::string problem = llvm::toString(assemble(wrong, "sm_80").takeError());
  EXPECT_TRUE(StringRef(problem).starts_with(
      "ptxas cannot assemble for sm_80: ptxas the PTX, line "))
      << problem;
  problem = llvm::toString(assemble(smallKernel, "sm_12345").takeError());
  EXPECT_TRUE(StringRef(problem).starts_with(
      "ptxas cannot assemble for sm_12345: ptxas fatal"))
      << problem;
}
