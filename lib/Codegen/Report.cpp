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

/// Entries of `hgf.report`; empty where the passes reported nothing.
static ArrayRef<Attribute> getLines(ModuleOp module) {
  auto report = module->getAttrOfType<ArrayAttr>("hgf.report");
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

std::string hgf::formatReportAsJSON(ModuleOp module) {
  llvm::json::Array lines;
  for (Attribute line : getLines(module))
    lines.push_back(toJSON(line));
  llvm::json::Object object{{"linears", std::move(lines)}};
  return llvm::formatv("{0}", llvm::json::Value(std::move(object))).str();
}

std::string hgf::formatReportAsTable(ModuleOp module) {
  // Columns in the order in which the lines name them.
  SmallVector<std::string> columns;
  for (Attribute line : getLines(module))
    if (auto dictionary = dyn_cast<DictionaryAttr>(line))
      for (NamedAttribute entry : dictionary)
        if (!llvm::is_contained(columns, entry.getName().getValue()))
          columns.push_back(entry.getName().str());
  if (columns.empty())
    return "no ternary linear was found\n";
  // The name identifies the line.
  auto *name = llvm::find(columns, "name");
  if (name != columns.end())
    std::rotate(columns.begin(), name, name + 1);
  std::vector<std::vector<std::string>> rows = {
      {columns.begin(), columns.end()}};
  for (Attribute line : getLines(module)) {
    auto dictionary = dyn_cast<DictionaryAttr>(line);
    std::vector<std::string> row;
    for (StringRef column : columns) {
      Attribute value = dictionary ? dictionary.get(column) : Attribute();
      if (auto text = dyn_cast_or_null<StringAttr>(value))
        row.push_back(text.str());
      else
        row.push_back(value ? llvm::formatv("{0}", toJSON(value)).str() : "-");
    }
    rows.push_back(row);
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
  return table;
}
