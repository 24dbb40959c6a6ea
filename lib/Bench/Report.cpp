//===- Report.cpp - Lines, progress and plots -----------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"

#include <cmath>
#include <unistd.h>

using namespace hgf;
using llvm::StringRef;

/// Adds a number with four digits that count; more would be noise.
static void addNumber(llvm::json::OStream &json, StringRef name, double value) {
  json.attributeBegin(name);
  json.rawValue([&](llvm::raw_ostream &stream) {
    stream << llvm::format("%.4g", std::isfinite(value) ? value : 0.0);
  });
  json.attributeEnd();
}

std::string hgf::formatAsJSON(const BenchLine &line) {
  const Measurement &m = line.measurement;
  double weights = line.macs / line.tokens;
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::json::OStream json(stream);
  json.object([&] {
    auto number = [&](StringRef name, double value) {
      addNumber(json, name, value);
    };
    json.attribute("shape", line.shape);
    json.attribute("tokens", line.tokens);
    json.attribute("threads", line.threads);
    json.attribute("rank", line.rank);
    json.attribute("gate", line.gate);
    json.attribute("correction", line.correction);
    json.attribute("scale", line.scale);
    json.attribute("encoding", line.encoding);
    json.attribute("kernel", line.kernel);
    json.attribute("cpu", line.processor);
    json.attribute("level", line.level);
    json.attribute("residency", line.residency);
    json.attribute("layers", line.layers * line.chunks);
    double seconds = line.getSeconds();
    number("tokens_per_s", line.tokens / seconds);
    number("gweights_per_s", weights / seconds / 1e9);
    number("bytes_per_weight", line.bytes / weights);
    number("gmac_s", line.macs / seconds / 1e9);
    number("gb_s", line.bytes / seconds / 1e9);
    json.attribute("limit", m.isReadBound() ? "read" : "dot");
    number("limit_ratio", m.getLimitRatio());
    number("read_ratio", m.readRatio);
    number("dot_ratio", m.dotRatio);
    number("read_gb_s", m.readRate / 1e9);
    number("dot_gmac_s", m.dotRate / 1e9);
    json.attribute("dot_loop", line.loop);
    if (line.timeRatio != 0) {
      number("added_time", line.timeRatio - 1);
      number("added_bytes", line.byteRatio - 1);
    }
    number("seconds", seconds);
    number("best_seconds", m.seconds.least / (line.layers * line.chunks));
    number("spread", m.seconds.spread);
    json.attribute("rounds", m.rounds);
    json.attribute("valid", m.doubt.empty());
    if (!m.doubt.empty())
      json.attribute("doubt", m.doubt);
  });
  return text;
}

std::string hgf::formatHeading(const std::string &processor) {
  return "machine: " + processor +
         "\nratio: max(bytes / read rate, multiply-adds / peak) / time, both "
         "limits measured in the same rounds\n\n" +
         llvm::formatv("{0,-12} {1,4} {2,3} {3,4} {4,-6} {5,-26} {6,-10} "
                       "{7,-5} {8,10} {9,8} {10,7} {11,8} {12,6} {13,7}\n",
                       "shape", "tok", "thr", "rank", "gate", "kernel", "level",
                       "from", "us", "Gw/s", "GB/s", "GMAC/s", "ratio",
                       "spread")
             .str();
}

std::string hgf::formatAsText(const BenchLine &line) {
  const Measurement &m = line.measurement;
  double weights = line.macs / line.tokens;
  double seconds = line.getSeconds();
  std::string text = llvm::formatv(
      "{0,-12} {1,4} {2,3} {3,4} {4,-6} {5,-26} {6,-10} {7,-5} {8,10:F1} "
      "{9,8:F1} {10,7:F1} {11,8:F1} {12,6:F2} {13,7:P1}  bound by {14}",
      line.shape, line.tokens, line.threads, line.rank, line.gate, line.kernel,
      line.level, line.residency, seconds * 1e6, weights / seconds / 1e9,
      line.bytes / seconds / 1e9, line.macs / seconds / 1e9, m.getLimitRatio(),
      m.seconds.spread,
      m.isReadBound()
          ? llvm::formatv("reading, {0:F1} GB/s", m.readRate / 1e9).str()
          : llvm::formatv("{0}, {1:F0} GMAC/s", line.loop, m.dotRate / 1e9)
                .str());
  if (line.timeRatio != 0)
    text +=
        llvm::formatv("; the correction adds {0:P1} of time, {1:P1} of bytes",
                      line.timeRatio - 1, line.byteRatio - 1)
            .str();
  if (line.isStep())
    text += llvm::formatv("; {0:F1} tokens/s", line.tokens / seconds).str();
  if (!m.doubt.empty())
    text += "\n  NOT VALID: " + m.doubt;
  return text;
}

//===----------------------------------------------------------------------===//
// Progress
//===----------------------------------------------------------------------===//

Progress::Progress(int64_t total)
    : total(total), visible(isatty(STDERR_FILENO)) {}

Progress::~Progress() { clear(); }

void Progress::show(int64_t done, StringRef what) {
  if (!visible)
    return;
  constexpr int64_t width = 30;
  int64_t filled = total ? done * width / total : 0;
  llvm::errs() << "\r\033[K[" << std::string(filled, '#')
               << std::string(width - filled, '.') << "] " << done << '/'
               << total << ' ' << what;
}

void Progress::clear() {
  if (visible)
    llvm::errs() << "\r\033[K";
}

//===----------------------------------------------------------------------===//
// Plot
//===----------------------------------------------------------------------===//

std::string hgf::plot(StringRef json, StringRef path, StringRef script) {
  auto python = llvm::sys::findProgramByName("python3");
  if (!python)
    return "--plot needs python3 with matplotlib, but there is no python3";
  int file;
  llvm::SmallString<128> data;
  if (std::error_code error =
          llvm::sys::fs::createTemporaryFile("hgf-bench", "json", file, data))
    return "cannot make a temporary file: " + error.message();
  {
    llvm::raw_fd_ostream stream(file, /*shouldClose=*/true);
    stream << json;
  }
  std::string message;
  int status = llvm::sys::ExecuteAndWait(
      *python, {*python, script, data.str(), "-o", path}, std::nullopt, {}, 0,
      0, &message);
  // A temporary that cannot be removed does not spoil the plot.
  (void)llvm::sys::fs::remove(data);
  if (status == 0)
    return "";
  return "the plot was not drawn" +
         (message.empty() ? std::string() : ": " + message);
}

//===----------------------------------------------------------------------===//
// Fork and join
//===----------------------------------------------------------------------===//

std::string hgf::formatForkJoin(int64_t threads, const Statistics &seconds,
                                bool json) {
  if (!json)
    return llvm::formatv("fork and join of {0} threads: {1:F2} us, best "
                         "{2:F2}, spread {3:P1}",
                         threads, seconds.median * 1e6, seconds.least * 1e6,
                         seconds.spread);
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::json::OStream out(stream);
  out.object([&] {
    out.attribute("shape", "fork-join");
    out.attribute("threads", threads);
    addNumber(out, "seconds", seconds.median);
    addNumber(out, "best_seconds", seconds.least);
    addNumber(out, "spread", seconds.spread);
  });
  return text;
}
