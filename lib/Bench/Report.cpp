//===- Report.cpp - Progress and plots ------------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Program.h"

#include <unistd.h>

using namespace hgf;
using llvm::StringRef;

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
