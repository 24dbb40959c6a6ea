//===- MemoryTest.cpp - Loads, stores, atomics, and what is caught -------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"

using namespace hgf::gpusim;

static Report runOnWords(const std::string &body, unsigned words = 32,
                         uint32_t threads = 32) {
  std::vector<uint32_t> memory(words, 1);
  return runOn(memory, body, threads);
}

TEST(Memory, VectorsAndNarrowTypes) {
  std::vector<uint32_t> words = {0x80ff7f01, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0};
  Report report = runOn(words,
                        ".reg .b32 %v<4>; .reg .b16 %h; ld.global.nc.v4.u32 "
                        "{%v0, %v1, %v2, %v3}, [%m];\n"
                        "st.global.v2.b32 [%m+16], {%v3, %v2}; ld.global.s8 "
                        "%v0, [%m+2]; ld.global.u8 %v1, [%m+2];\n"
                        "st.global.b32 [%m+24], %v0; st.global.b32 [%m+28], "
                        "%v1; ld.global.s8 %h, [%m+3];\n"
                        "st.global.u16 [%m+32], %h; st.global.u8 [%m+34], %v2; "
                        "ld.volatile.global.u32 %v0, [%m];\n"
                        "st.relaxed.gpu.global.u32 [%m+36], %v0;",
                        1);
  EXPECT_TRUE(report.isClean()) << describe(report);
  EXPECT_EQ(words[4], 4u);
  EXPECT_EQ(words[5], 3u);
  EXPECT_EQ(words[6], 0xffffffffu);
  EXPECT_EQ(words[7], 0xffu);
  EXPECT_EQ(words[8], 0x3ff80u);
  EXPECT_EQ(words[9], 0x80ff7f01u);
}

TEST(Memory, SharedLocalConstantAndGeneric) {
  std::vector<uint32_t> words(4);
  Report report = runOn(words,
                        ".shared .align 4 .b8 s[8]; .local .align 4 .b8 l[8]; "
                        ".reg .b64 %g; .reg .b32 %v;\n"
                        "st.shared.u32 [s+4], 5; mov.u64 %g, s; "
                        "cvta.shared.u64 %g, %g; ld.u32 %v, [%g+4];\n"
                        "st.global.u32 [%m], %v; mov.u64 %g, l; cvta.local.u64 "
                        "%g, %g; st.u32 [%g+4], 6;\n"
                        "cvta.to.local.u64 %g, %g; ld.local.u32 %v, [%g+4]; "
                        "st.global.u32 [%m+4], %v;\n"
                        "cvta.to.global.u64 %g, %m; st.u32 [%g+8], 7;",
                        1);
  EXPECT_TRUE(report.isClean()) << describe(report);
  EXPECT_EQ(words, (std::vector<uint32_t>{5, 6, 7, 0}));
}

TEST(Memory, Atomics) {
  std::vector<uint32_t> words = {10, 10, 10, 0xff, 0, 7, 0, 0};
  Report report = runOn(
      words,
      ".reg .b32 %v, %f; atom.global.add.u32 %v, [%m], 2; red.global.max.s32 "
      "[%m+4], %t;\n"
      "atom.global.min.u32 %v, [%m+8], %t; atom.and.b32 %v, [%m+12], 0xfe;\n"
      "red.relaxed.gpu.global.add.f32 [%m+16], 0f3F000000; atom.global.cas.b32 "
      "%v, [%m+20], 7, 9;\n"
      "atom.global.exch.b32 %v, [%m+24], 3; atom.global.or.b32 %v, [%m+28], "
      "%t;");
  EXPECT_TRUE(report.isClean()) << describe(report);
  EXPECT_EQ(words,
            (std::vector<uint32_t>{74, 31, 0, 0xfe, 0x41800000, 9, 3, 31}));
}

TEST(Memory, BoundsOfBuffers) {
  const char *store = "mad.wide.u32 %o, %t, 4, %m; st.global.u32 [%o], %t;";
  EXPECT_TRUE(runOnWords(store).isClean());
  Report report = runOnWords(store, 31);
  ASSERT_EQ(report.findings.size(), 1u);
  const Finding &finding = report.findings[0];
  EXPECT_EQ(finding.defect, Defect::OutOfBounds);
  EXPECT_EQ(finding.message, "4 bytes at 124 of a buffer of 124");
  EXPECT_EQ(finding.line, 7u);
  EXPECT_EQ(finding.thread.x, 31u);
  EXPECT_EQ(finding.kernel, "kernel");
  EXPECT_TRUE(runOnWords("st.global.u32 [%m+-4], 1;").has(Defect::OutOfBounds));
  EXPECT_TRUE(runOnWords(".reg .b64 %g; mov.u64 %g, 0; ld.global.u32 %t, [%g];")
                  .has(Defect::OutOfBounds));
}

TEST(Memory, BoundsOfVariables) {
  EXPECT_TRUE(runOnWords(".shared .b8 a[4]; .shared .b8 b[4]; .reg .b32 %v; "
                         "mov.u32 %v, a; st.shared.u32 [%v+16], 1;",
                         1, 1)
                  .has(Defect::OutOfBounds));
  EXPECT_TRUE(runOnWords(".local .b8 a[4]; st.local.u32 [a+4], 1;")
                  .has(Defect::OutOfBounds));
  EXPECT_TRUE(
      runOnWords("ld.param.u64 %o, [memory+8];").has(Defect::OutOfBounds));
}

TEST(Memory, SharedMemoryOfKernels) {
  // Two kernels' own variables need not fit together, those of the module and
  // of one kernel must.
  auto entry = [](const std::string &name, const std::string &body) {
    return ".visible .entry " + name +
           "() {\n.reg .b32 %v;\n.shared .align 4 .b8 own[150000];\n" + body +
           "\nret;\n}\n";
  };
  std::string text = std::string(kHeader) +
                     ".shared .align 4 .b8 all[40000];\n" +
                     entry("first", "st.shared.u32 [own+149996], 5; "
                                    "ld.shared.u32 %v, [own+149996];") +
                     entry("second", "st.shared.u32 [own], 6; "
                                     "ld.shared.u32 %v, [own+149996];") +
                     entry("third", "mov.u32 %v, all; "
                                    "st.shared.u32 [%v+40000], 7;");
  DeviceMemory memory;
  llvm::Expected<Module> module = Module::parse(memory, text);
  ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
  auto run = [&](const char *name) {
    return llvm::cantFail(module->getKernel(name)).launch({}, {}, 0, {});
  };
  EXPECT_TRUE(run("first").isClean()) << describe(run("first"));
  EXPECT_TRUE(run("second").has(Defect::Uninitialised));
  EXPECT_TRUE(run("third").has(Defect::OutOfBounds));
}

TEST(Memory, Alignment) {
  EXPECT_TRUE(runOnWords("ld.global.u32 %t, [%m+2];").has(Defect::Misaligned));
  EXPECT_TRUE(runOnWords(".reg .b32 %v; ld.global.v2.u32 {%t, %v}, [%m+4];")
                  .has(Defect::Misaligned));
  EXPECT_TRUE(
      runOnWords(".reg .b32 %v; ld.global.v2.u32 {%t, %v}, [%m+8];").isClean());
}

TEST(Memory, UninitialisedBytes) {
  EXPECT_TRUE(runOnWords(".shared .align 4 .b8 s[8]; st.shared.u8 [s], 1; "
                         "ld.shared.u32 %t, [s];",
                         1, 1)
                  .has(Defect::Uninitialised));
  EXPECT_TRUE(runOnWords(".local .align 4 .b8 l[8]; ld.local.u32 %t, [l];")
                  .has(Defect::Uninitialised));
  DeviceMemory memory;
  uint64_t address = memory.allocate(4);
  const void *parameters[] = {&address};
  Kernel kernel = llvm::cantFail(
      llvm::cantFail(
          Module::parse(memory, makeKernel("ld.global.u32 %t, [%m];")))
          .getKernel("kernel"));
  EXPECT_TRUE(kernel.launch({}, {}, 0, parameters).has(Defect::Uninitialised));
  LaunchOptions unchecked;
  unchecked.check = false;
  EXPECT_TRUE(kernel.launch({}, {}, 0, parameters, unchecked).isClean());
}

TEST(Memory, ReleasedBuffers) {
  DeviceMemory memory;
  uint64_t address = memory.allocate(4);
  EXPECT_TRUE(memory.release(address));
  EXPECT_FALSE(memory.release(address));
  EXPECT_FALSE(memory.fill(address, 0, 4));
  const void *parameters[] = {&address};
  Kernel kernel = llvm::cantFail(
      llvm::cantFail(
          Module::parse(memory, makeKernel("st.global.u32 [%m], 1;")))
          .getKernel("kernel"));
  EXPECT_EQ(kernel.launch({}, {}, 0, parameters).findings[0].message,
            "address 0x400000100 is in a buffer that was released");
}

TEST(Memory, LaunchesThatTheDriverRefuses) {
  EXPECT_TRUE(runOnWords("", 1, 1025).has(Defect::Launch));
  DeviceMemory memory;
  Module module =
      llvm::cantFail(Module::parse(memory, ".entry k() .reqntid 64 { ret; }"));
  Kernel kernel = llvm::cantFail(module.getKernel("k"));
  EXPECT_TRUE(kernel.launch({}, {64, 1, 1}, 0, {}).isClean());
  EXPECT_TRUE(kernel.launch({}, {32, 1, 1}, 0, {}).has(Defect::Launch));
  EXPECT_TRUE(kernel.launch({}, {64, 1, 1}, 1 << 20, {}).has(Defect::Launch));
}

TEST(Memory, EndlessLoops) {
  LaunchOptions options;
  options.maximumSteps = 10000;
  std::vector<uint32_t> words(1);
  EXPECT_TRUE(
      runOn(words, "LOOP: bra LOOP;", 32, options).has(Defect::StepLimit));
  // Half a warp that never comes back, alone and with a collective in the loop.
  for (const char *body : {"", "activemask.b32 v;"})
    EXPECT_TRUE(runOn(words,
                      std::string(".reg .pred p; .reg .b32 v; setp.lt.u32 p, "
                                  "%t, 16; LOOP: ") +
                          body + " @p bra LOOP;",
                      32, options)
                    .has(Defect::StepLimit))
        << body;
}
