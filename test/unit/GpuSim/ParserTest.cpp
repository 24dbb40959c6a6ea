//===- ParserTest.cpp - What the reader takes and what it refuses --------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"

using namespace hgf::gpusim;

static std::string errorOf(const std::string &text) {
  DeviceMemory memory;
  llvm::Expected<Module> module = Module::parse(memory, text);
  return module ? "" : llvm::toString(module.takeError());
}

static std::string errorOfBody(const std::string &body) {
  return errorOf(".version 7.0\n.entry k()\n{\n.reg .b32 %r<4>; .reg .f32 "
                 "%f<3>; .reg .pred %p;\n" +
                 body + "\n}\n");
}

TEST(Parser, TakesWhatCompilersWrite) {
  EXPECT_EQ(
      errorOf(
          "//\n// Generated\n.version 8.0\n.target sm_90a, "
          "debug\n.address_size 64\n/* a\ncomment */\n"
          ".file 1 \"a.c\"\n.extern .shared .align 16 .b8 dynamic[];\n"
          ".global .align 4 .u32 table[3] = {1, 2, 0x3};\n.const .align 4 .b8 "
          "letters[4] = {1,2,3,4};\n"
          ".visible .entry k(\n.param .u64 .ptr .global .align 16 "
          "k_param_0,\n.param .align 4 .b8 k_param_1[12]\n)\n"
          ".maxntid 128, 1, 1\n.minnctapersm 2\n{\n.reg .pred %p<2>;\n.reg "
          ".b32 %r<3>;\n"
          ".shared .align 16 .b8 tile[256];\n.local .align 4 .b8 stack[8];\n"
          "$L__BB0_1:\n.pragma \"nounroll\";\n.loc 1 2 3, function_name $x, "
          "inlined_at 1 2 3\n"
          "mov.b32 %r1, tile;\nsetp.ne.s32 %p1, %r1, 0;\n@%p1 bra $L__BB0_1;\n"
          "{ .reg .b16 h; mov.b32 {h, _}, %r1; }\nret;\n}\n.section .debug_str "
          "{ .b8 1 }\n"),
      "");
}

TEST(Parser, NamesTheLineOfWhatItDoesNotKnow) {
  EXPECT_EQ(errorOfBody("frobnicate.b32 %r0, %r1;"),
            "line 5: unknown opcode: frobnicate.b32 %r0, %r1");
  EXPECT_EQ(errorOfBody("\nadd.rz.f32 %f0, %f1, %f2;"),
            "line 6: unknown modifier .rz: add.rz.f32 %f0, %f1, %f2");
  EXPECT_EQ(errorOfBody("add.s32.wide %r0, %r1, %r2;"),
            "line 5: unknown modifier .wide: add.s32.wide %r0, %r1, %r2");
  EXPECT_EQ(errorOfBody("add.s32 %r0, %r1;"),
            "line 5: expected 3 operands: add.s32 %r0, %r1");
  EXPECT_EQ(errorOfBody("add.s32 %r0, %r1, [%r2];"),
            "line 5: an operand has the wrong form: add.s32 %r0, %r1, [%r2]");
  EXPECT_EQ(errorOfBody("brev.b16 %r0, %r1;"),
            "line 5: this type is not supported here: brev.b16 %r0, %r1");
  EXPECT_EQ(errorOfBody("max.f32x2 %r0, %r1, %r2;"),
            "line 5: this type is not supported here: max.f32x2 %r0, %r1, %r2");
  EXPECT_EQ(errorOfBody("mov.u32 %r0, %r9;"),
            "line 5: there is no %r9 before ';'");
  EXPECT_EQ(errorOfBody("bra NOWHERE;"), "line 5: there is no label NOWHERE");
  EXPECT_EQ(errorOfBody("call.uni f, ();"), "line 5: there is no f before ','");
  EXPECT_EQ(errorOfBody("mov.u32 %r0, 1 ? 2;"),
            "line 5: expected ';' before '?'");
  EXPECT_EQ(errorOf(".func f() { ret; }"),
            "line 1: functions are not supported, inline them before '.func'");
}

TEST(Parser, RefusesTornText) {
  std::string text = makeKernel(".shared .b8 s[4]; st.global.v2.b32 [%m+8], "
                                "{%t, 0xff}; ld.global.f32 %t, [%m];");
  EXPECT_EQ(errorOf(text), "");
  // Up to the entry's `{`, and from there to its `}`.
  for (size_t end = text.find(".entry") + 1; end < text.rfind('}'); ++end)
    EXPECT_NE(errorOf(text.substr(0, end)), "") << text.substr(0, end);
}

TEST(Parser, RefusesResultsThatAreNoRegisters) {
  EXPECT_EQ(errorOfBody("mov.u32 %tid.x, 5;"),
            "line 5: the result is no register: mov.u32 %tid.x, 5");
  EXPECT_EQ(errorOfBody("setp.eq.u32 1, %r0, 5;"),
            "line 5: the result is no register: setp.eq.u32 1, %r0, 5");
}

TEST(Parser, RefusesWhatNoSpaceHolds) {
  for (const char *variable :
       {".shared .b8 x[300000];", ".shared .b32 x[0xffffffffffffffff];",
        ".local .b8 x[1000000];", ".shared .b8 x[65536][65536];",
        ".shared .align 3 .b8 x[4];", ".local .align 1099511627776 .b8 x[4];"})
    EXPECT_NE(errorOfBody(variable), "") << variable;
  EXPECT_NE(errorOf(".entry k(.param .b8 x[40000]) { ret; }"), "");
  EXPECT_NE(errorOf(".entry k(.param .align 0 .b8 x[4]) { ret; }"), "");
  EXPECT_NE(errorOf(".global .b8 x[0xfffffffff];"), "");
}

TEST(Parser, FindsKernelsAndVariables) {
  DeviceMemory memory;
  Module module = llvm::cantFail(Module::parse(
      memory, ".global .u32 table[3] = {1, 2};\n.entry a() { ret; }\n.entry "
              "b(.param .u64 x, .param .u32 y) {}"));
  EXPECT_EQ(module.getKernelNames(),
            (llvm::SmallVector<std::string>{"a", "b"}));
  EXPECT_EQ(llvm::cantFail(module.getKernel("b")).getParameterSizes(),
            (llvm::SmallVector<uint32_t>{8, 4}));
  EXPECT_EQ(llvm::toString(module.getKernel("c").takeError()),
            "there is no kernel 'c'");
  uint32_t values[3];
  ASSERT_TRUE(memory.read(module.getVariable("table"), values, sizeof(values)));
  EXPECT_EQ(values[1], 2u);
  EXPECT_EQ(values[2], 0u);
}
