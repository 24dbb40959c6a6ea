//===- Report.cpp - What was compiled how -------------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/Codegen/Report.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace mlir;

/// Entries of `hgf.report` or `hgf.heads`; empty where the passes reported
/// nothing.
static ArrayRef<Attribute> getLines(ModuleOp module,
                                    StringRef name = "hgf.report") {
  auto report = module->getAttrOfType<ArrayAttr>(name);
  return report ? report.getValue() : ArrayRef<Attribute>();
}

static llvm::json::Value toJSON(Attribute attribute) {
  if (auto text = dyn_cast<StringAttr>(attribute))
    return llvm::json::fixUTF8(text.getValue());
  if (auto flag = dyn_cast<BoolAttr>(attribute))
    return flag.getValue();
  if (auto integer = dyn_cast<IntegerAttr>(attribute))
    return integer.getInt();
  if (auto number = dyn_cast<FloatAttr>(attribute))
    return number.getValueAsDouble();
  if (auto list = dyn_cast<ArrayAttr>(attribute)) {
    llvm::json::Array values;
    for (Attribute entry : list)
      values.push_back(toJSON(entry));
    return values;
  }
  if (auto dictionary = dyn_cast<DictionaryAttr>(attribute)) {
    llvm::json::Object object;
    for (NamedAttribute entry : dictionary)
      object[entry.getName().getValue()] = toJSON(entry.getValue());
    return object;
  }
  std::string text;
  llvm::raw_string_ostream stream(text);
  attribute.print(stream);
  return text;
}

/// A number of a line; 0 where the line does not have it.
static double getNumber(DictionaryAttr line, StringRef name) {
  Attribute value = line.get(name);
  if (auto integer = dyn_cast_or_null<IntegerAttr>(value))
    return integer.getInt();
  if (auto number = dyn_cast_or_null<FloatAttr>(value))
    return number.getValueAsDouble();
  return 0;
}

namespace {
/// Sums over all linears of a report.
struct Totals {
  int64_t linears = 0;
  int64_t missed = 0;
  /// Of those on kernels.
  double weights = 0;
  double bytes = 0;

  explicit Totals(ModuleOp module) {
    for (Attribute attribute : getLines(module)) {
      auto line = dyn_cast<DictionaryAttr>(attribute);
      if (!line)
        continue;
      ++linears;
      missed += line.contains("missed");
      // What they take is unknown here: they are ordinary constants.
      if (line.contains("missed"))
        continue;
      double count = getNumber(line, "rows") * getNumber(line, "columns");
      weights += count;
      bytes += count * getNumber(line, "effective_bits") / 8;
    }
  }

  double getEffectiveBits() const { return weights ? bytes * 8 / weights : 0; }
  /// How many times as many models fit into the same memory as at 16 bits.
  double getDensity() const { return bytes ? weights * 2 / bytes : 0; }
};
} // namespace

std::string hgf::formatReportAsJSON(ModuleOp module) {
  llvm::json::Array lines;
  for (Attribute line : getLines(module))
    lines.push_back(toJSON(line));
  llvm::json::Array heads;
  for (Attribute line : getLines(module, "hgf.heads"))
    heads.push_back(toJSON(line));
  Totals totals(module);
  llvm::json::Object object{
      {"linears", std::move(lines)},
      {"heads", std::move(heads)},
      {"totals",
       llvm::json::Object{{"linears", totals.linears},
                          {"missed", totals.missed},
                          {"weights", int64_t(totals.weights)},
                          {"bytes", int64_t(totals.bytes)},
                          {"effective_bits", totals.getEffectiveBits()},
                          {"density_against_16_bits", totals.getDensity()}}}};
  if (auto resources = module->getAttrOfType<ArrayAttr>("hgf.gpu_resources"))
    object["gpu"] = toJSON(resources);
  if (auto bytes = module->getAttrOfType<IntegerAttr>("hgf.fallback_bytes"))
    object["fallback_bytes"] = bytes.getInt();
  auto levels = module->getAttrOfType<StringAttr>("hgf.levels");
  auto choice = module->getAttrOfType<StringAttr>("hgf.level_choice");
  if (levels && choice) {
    object["levels"] = levels.getValue();
    object["level_choice"] = choice.getValue();
  }
  return llvm::formatv("{0}", llvm::json::Value(std::move(object))).str();
}

/// What a column of the table shows of a line.
static std::string getCell(DictionaryAttr line, StringRef column) {
  if (column == "shape" && line.contains("rows"))
    return llvm::formatv("{0}x{1}", int64_t(getNumber(line, "rows")),
                         int64_t(getNumber(line, "columns")));
  if (auto decode = line.getAs<DictionaryAttr>("gpu_decode");
      decode && !line.contains(column)) {
    if (column == "grid")
      return llvm::formatv("{0}x{1}", int64_t(getNumber(decode, "blocks")),
                           int64_t(getNumber(decode, "threads")));
    line = decode;
  }
  Attribute value = line.get(column);
  if (auto text = dyn_cast_or_null<StringAttr>(value))
    return text.str();
  if (auto number = dyn_cast_or_null<FloatAttr>(value))
    return llvm::formatv("{0:f2}", number.getValueAsDouble());
  return value ? llvm::formatv("{0}", toJSON(value)).str() : "-";
}

/// One sentence per float matrix that was stored in fewer bits.
static std::string formatHeads(ModuleOp module) {
  std::string text;
  for (Attribute attribute : getLines(module, "hgf.heads")) {
    auto line = cast<DictionaryAttr>(attribute);
    auto embedding = line.getAs<BoolAttr>("embedding");
    text += llvm::formatv(
        "head: {0}, {1} as {2}, {3:f2} MB{4}, rounded by {5:e1} of its root "
        "mean square\n",
        getCell(line, "node"), getCell(line, "shape"), getCell(line, "storage"),
        getNumber(line, "bytes") / 1e6,
        embedding && embedding.getValue() ? " shared with the embedding" : "",
        getNumber(line, "rounding_error"));
  }
  return text;
}

/// What a GPU model has beside its layers.
static std::string formatGpu(ModuleOp module) {
  std::string text;
  auto resources = module->getAttrOfType<ArrayAttr>("hgf.gpu_resources");
  for (Attribute attribute :
       resources ? resources.getValue() : ArrayRef<Attribute>()) {
    auto image = cast<DictionaryAttr>(attribute);
    auto kernels = image.getAs<ArrayAttr>("kernels");
    double registers = 0, spills = 0;
    for (Attribute kernel : kernels) {
      auto line = cast<DictionaryAttr>(kernel);
      registers = std::max(registers, getNumber(line, "registers"));
      spills += getNumber(line, "spill_bytes");
    }
    text += llvm::formatv("{0}: {1} kernels, at most {2} registers, {3} bytes "
                          "spilled\n",
                          getCell(image, "chip"), kernels.size(),
                          int64_t(registers), int64_t(spills));
  }
  llvm::MapVector<StringRef, int64_t> missed;
  for (Attribute attribute : getLines(module))
    if (auto reason = cast<DictionaryAttr>(attribute).getAs<StringAttr>(
            "gpu_prefill_missed"))
      ++missed[reason.getValue()];
  for (auto [reason, count] : missed)
    text += llvm::formatv("{0} linears take many tokens by the kernel for few: "
                          "{1}\n",
                          count, reason);
  if (auto bytes = module->getAttrOfType<IntegerAttr>("hgf.fallback_bytes"))
    text += llvm::formatv("the version for the CPU has weights of its own: "
                          "{0:f2} MB\n",
                          bytes.getInt() / 1e6);
  return text;
}

std::string hgf::formatReportAsTable(ModuleOp module) {
  Totals totals(module);
  if (totals.linears == 0)
    return formatHeads(module) + "no ternary linear was found\n" +
           formatGpu(module);
  SmallVector<StringRef> columns = {"node", "form",          "shape",
                                    "rank", "encoding",      "kernel",
                                    "bits", "effective_bits"};
  if (totals.missed)
    columns.push_back("missed");
  if (llvm::any_of(getLines(module), [](Attribute line) {
        return cast<DictionaryAttr>(line).contains("gpu_decode");
      }))
    llvm::append_range(columns,
                       ArrayRef<StringRef>{"grid", "registers", "shared_bytes",
                                           "sass_per_weight"});
  else
    columns.push_back("encoding_reason");
  std::vector<std::vector<std::string>> rows(1);
  for (StringRef column : columns) {
    std::string title = column.str();
    llvm::replace(title, '_', ' ');
    rows[0].push_back(title);
  }
  for (Attribute attribute : getLines(module))
    if (auto line = dyn_cast<DictionaryAttr>(attribute)) {
      rows.emplace_back();
      for (StringRef column : columns)
        rows.back().push_back(getCell(line, column));
    }
  std::string table;
  llvm::raw_string_ostream stream(table);
  for (const auto &row : rows) {
    for (auto [index, cell] : llvm::enumerate(row)) {
      size_t width = 0;
      for (const auto &other : rows)
        width = std::max(width, other[index].size());
      bool last = index + 1 == row.size();
      stream << (last ? cell
                      : cell + std::string(width - cell.size() + 2, ' '));
    }
    stream << '\n';
  }
  stream << formatHeads(module) << formatGpu(module);
  stream << llvm::formatv(
      "total: {0} linears, {1} off the fast kernel, {2:f2} M weights in {3:f2} "
      "MB, {4:f2} effective bits: {5:f1} times as many models fit into the "
      "memory that 16 bits take\n",
      totals.linears, totals.missed, totals.weights / 1e6, totals.bytes / 1e6,
      totals.getEffectiveBits(), totals.getDensity());
  auto levels = module->getAttrOfType<StringAttr>("hgf.levels");
  auto choice = module->getAttrOfType<StringAttr>("hgf.level_choice");
  if (levels && choice)
    stream << "instruction levels: " << levels.getValue()
           << "; chosen: " << choice.getValue() << '\n';
  return table;
}
