//===- Report.cpp - What a simulated launch found and counted -------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/GpuSim/Report.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace hgf::gpusim;

llvm::StringRef hgf::gpusim::getDefectName(Defect defect) {
  switch (defect) {
  case Defect::Launch:
    return "launch";
  case Defect::OutOfBounds:
    return "out-of-bounds";
  case Defect::Misaligned:
    return "misaligned";
  case Defect::Uninitialised:
    return "uninitialised";
  case Defect::PendingCopy:
    return "pending-copy";
  case Defect::Race:
    return "race";
  case Defect::Membermask:
    return "membermask";
  case Defect::Barrier:
    return "barrier";
  case Defect::Deadlock:
    return "deadlock";
  case Defect::StepLimit:
    return "step-limit";
  }
  return "";
}

bool Report::has(Defect defect) const {
  return llvm::any_of(findings, [&](const Finding &finding) {
    return finding.defect == defect;
  });
}

InstructionCounts Report::getTotals() const {
  InstructionCounts totals;
  for (const InstructionCounts &counts : instructions) {
    totals.warps += counts.warps;
    totals.threads += counts.threads;
    totals.requests += counts.requests;
    totals.sectors += counts.sectors;
    totals.globalBytes += counts.globalBytes;
    totals.sharedRequests += counts.sharedRequests;
    totals.wavefronts += counts.wavefronts;
    totals.conflicts += counts.conflicts;
  }
  return totals;
}

BufferCounts Report::getBuffer(uint64_t address) const {
  for (const BufferCounts &counts : buffers)
    if (counts.address == address)
      return counts;
  return {};
}

static std::string formatIndex(Dimensions index) {
  return llvm::formatv("({0}, {1}, {2})", index.x, index.y, index.z);
}

void Report::print(llvm::raw_ostream &stream) const {
  for (const Finding &finding : findings) {
    stream << "line " << finding.line << ": " << getDefectName(finding.defect)
           << ": " << finding.message << " [kernel " << finding.kernel
           << ", block " << formatIndex(finding.block) << ", thread "
           << formatIndex(finding.thread) << "]";
    if (finding.occurrences > 1)
      stream << ", " << finding.occurrences << " times";
    stream << "\n";
  }
}

static llvm::json::Array toJson(Dimensions index) {
  return llvm::json::Array{index.x, index.y, index.z};
}

static llvm::json::Object toJson(const InstructionCounts &counts) {
  return llvm::json::Object{{"warps", counts.warps},
                            {"threads", counts.threads},
                            {"globalRequests", counts.requests},
                            {"globalSectors", counts.sectors},
                            {"globalBytes", counts.globalBytes},
                            {"sharedRequests", counts.sharedRequests},
                            {"sharedWavefronts", counts.wavefronts},
                            {"sharedConflicts", counts.conflicts}};
}

void Report::printJson(llvm::raw_ostream &stream) const {
  llvm::json::Array found, counted, buffered;
  for (const Finding &finding : findings)
    found.push_back(
        llvm::json::Object{{"defect", getDefectName(finding.defect)},
                           {"message", finding.message},
                           {"kernel", finding.kernel},
                           {"line", finding.line},
                           {"block", toJson(finding.block)},
                           {"thread", toJson(finding.thread)},
                           {"occurrences", finding.occurrences}});
  for (const InstructionCounts &counts : instructions) {
    llvm::json::Object entry = toJson(counts);
    entry["line"] = counts.line;
    entry["text"] = counts.text;
    counted.push_back(std::move(entry));
  }
  for (const BufferCounts &counts : buffers)
    buffered.push_back(
        llvm::json::Object{{"address", counts.address},
                           {"sectors", counts.sectors},
                           {"distinctSectors", counts.distinctSectors}});
  llvm::json::Value all =
      llvm::json::Object{{"findings", std::move(found)},
                         {"totals", toJson(getTotals())},
                         {"instructions", std::move(counted)},
                         {"buffers", std::move(buffered)}};
  stream << llvm::formatv("{0:2}", all) << "\n";
}
