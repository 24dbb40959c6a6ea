//===- Options.h - What the benchmark is asked to do ------------*- C++ -*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_LIB_BENCH_OPTIONS_H
#define HGF_LIB_BENCH_OPTIONS_H

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace hgf {

/// One run of hgf-bench. Every combination of the lists is measured.
struct BenchOptions {
  /// Rows and columns.
  std::vector<std::pair<int64_t, int64_t>> shapes;
  /// An ONNX file instead of shapes.
  std::string model;
  std::vector<int64_t> tokens = {1, 4, 256};
  std::vector<int64_t> threads;
  std::vector<int64_t> ranks = {0};
  std::vector<std::string> gates;
  std::vector<std::string> scales = {"tensor"};
  /// "auto" or names of encodings.
  std::vector<std::string> encodings = {"auto"};
  std::vector<std::string> processors;
  /// Instruction levels; "": the processor's.
  std::vector<std::string> levels = {""};
  /// "keep" or "int8": how corrections are stored.
  std::vector<std::string> corrections = {"keep"};
  /// "dram" and "cache"; empty: both for few tokens, else cache.
  std::vector<std::string> residencies;
  bool isFloat = false;
  /// NAME=VALUE pairs for a model's dimensions.
  std::vector<std::string> dimensions;
  double seconds = 0.5;
  bool json = false;
  std::string plot;
  /// A program to write that measures elsewhere.
  std::string standalone;
  /// The arguments, for people.
  std::string commandLine;
  bool forkJoin = false;
  /// Estimate from assembly by llvm-mca instead of measuring.
  bool isStatic = false;
  /// GPU kernels instead of the CPU's.
  bool isGpu = false;
  /// The chips that GPU kernels are compiled for, which the table of chips has.
  std::vector<std::string> chips;
  /// "gpu", "gpu:N" or "sim": where GPU kernels are measured.
  std::string device = "gpu";
  /// LLVM triple that --static and --standalone compile for; empty: this
  /// machine's.
  std::string target;
  /// Per core, for --static; 0: what the table of CPUs says.
  double gigabytesPerSecond = 0;
  double gigahertz = 0;
  bool help = false;
};

/// Reads the command line. Returns the sentence to print after an error, empty
/// otherwise.
std::string parseBenchOptions(int argc, char **argv, BenchOptions &options);

/// The text of --help.
extern const char *const benchHelp;

} // namespace hgf

#endif // HGF_LIB_BENCH_OPTIONS_H
