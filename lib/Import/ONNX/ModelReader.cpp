//===- ModelReader.cpp - Walks the wire format ----------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// protozero throws on malformed input. This file alone is compiled with
// exceptions, and every function it exports catches them.
//
//===----------------------------------------------------------------------===//

#include "Model.h"

#include <cstring>
#include <new>
#include <protozero/pbf_reader.hpp>

using namespace hgf::onnx;
using llvm::StringRef;
using protozero::pbf_reader;
using protozero::pbf_wire_type;

namespace {
constexpr uint32_t bytesField(uint32_t tag) {
  return protozero::tag_and_type(tag, pbf_wire_type::length_delimited);
}
constexpr uint32_t varintField(uint32_t tag) {
  return protozero::tag_and_type(tag, pbf_wire_type::varint);
}
constexpr uint32_t fixed32Field(uint32_t tag) {
  return protozero::tag_and_type(tag, pbf_wire_type::fixed32);
}
constexpr uint32_t fixed64Field(uint32_t tag) {
  return protozero::tag_and_type(tag, pbf_wire_type::fixed64);
}

StringRef text(pbf_reader &reader) {
  protozero::data_view view = reader.get_view();
  return {view.data(), view.size()};
}

float bitsToFloat(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}
} // namespace

static std::pair<StringRef, StringRef> readKeyValue(pbf_reader reader) {
  std::pair<StringRef, StringRef> entry;
  while (reader.next()) {
    switch (reader.tag_and_type()) {
    case bytesField(1):
      entry.first = text(reader);
      break;
    case bytesField(2):
      entry.second = text(reader);
      break;
    default:
      reader.skip();
    }
  }
  return entry;
}

static OperatorSet readOperatorSet(pbf_reader reader) {
  OperatorSet set;
  while (reader.next()) {
    switch (reader.tag_and_type()) {
    case bytesField(1):
      set.domain = text(reader);
      break;
    case varintField(2):
      set.version = reader.get_int64();
      break;
    default:
      reader.skip();
    }
  }
  return set;
}

static Tensor readTensor(pbf_reader reader) {
  Tensor tensor;
  protozero::data_view view = reader.data();
  tensor.message = {view.data(), view.size()};
  while (reader.next()) {
    switch (reader.tag_and_type()) {
    case varintField(1):
      tensor.dims.push_back(reader.get_int64());
      break;
    case bytesField(1):
      for (int64_t dim : reader.get_packed_int64())
        tensor.dims.push_back(dim);
      break;
    case varintField(2):
      tensor.dataType = reader.get_int32();
      break;
    case bytesField(3):
      tensor.isSegmented = true;
      reader.skip();
      break;
    case bytesField(8):
      tensor.name = text(reader);
      break;
    case bytesField(9):
      tensor.rawData = text(reader);
      break;
    case bytesField(13):
      tensor.externalData.push_back(readKeyValue(reader.get_message()));
      break;
    case varintField(14):
      tensor.isExternal = reader.get_int32() == 1;
      break;
    default:
      reader.skip();
    }
  }
  return tensor;
}

static Attribute readAttribute(pbf_reader reader) {
  Attribute attribute;
  while (reader.next()) {
    switch (reader.tag_and_type()) {
    case bytesField(1):
      attribute.name = text(reader);
      break;
    case fixed32Field(2):
      attribute.floatValue = reader.get_float();
      break;
    case varintField(3):
      attribute.intValue = reader.get_int64();
      break;
    case bytesField(4):
      attribute.stringValue = text(reader);
      break;
    case bytesField(5):
      attribute.tensor.clear();
      attribute.tensor.push_back(readTensor(reader.get_message()));
      break;
    case fixed32Field(7):
      attribute.floats.push_back(reader.get_float());
      break;
    case bytesField(7):
      for (uint32_t bits : reader.get_packed_fixed32())
        attribute.floats.push_back(bitsToFloat(bits));
      break;
    case varintField(8):
      attribute.ints.push_back(reader.get_int64());
      break;
    case bytesField(8):
      for (int64_t value : reader.get_packed_int64())
        attribute.ints.push_back(value);
      break;
    case bytesField(9):
      attribute.strings.push_back(text(reader));
      break;
    case varintField(20):
      attribute.type = reader.get_int32();
      break;
    case bytesField(21):
      attribute.referenceName = text(reader);
      break;
    default:
      reader.skip();
    }
  }
  return attribute;
}

static Node readNode(pbf_reader reader) {
  Node node;
  while (reader.next()) {
    switch (reader.tag_and_type()) {
    case bytesField(1):
      node.inputs.push_back(text(reader));
      break;
    case bytesField(2):
      node.outputs.push_back(text(reader));
      break;
    case bytesField(3):
      node.name = text(reader);
      break;
    case bytesField(4):
      node.opType = text(reader);
      break;
    case bytesField(5):
      node.attributes.push_back(readAttribute(reader.get_message()));
      break;
    case bytesField(7):
      node.domain = text(reader);
      break;
    case bytesField(8):
      node.overload = text(reader);
      break;
    default:
      reader.skip();
    }
  }
  return node;
}

static Dimension readDimension(pbf_reader reader) {
  Dimension dimension;
  while (reader.next()) {
    switch (reader.tag_and_type()) {
    case varintField(1):
      dimension.value = reader.get_int64();
      break;
    case bytesField(2):
      dimension.name = text(reader);
      break;
    default:
      reader.skip();
    }
  }
  return dimension;
}

static void readTensorType(pbf_reader reader, ValueInfo &info) {
  while (reader.next()) {
    switch (reader.tag_and_type()) {
    case varintField(1):
      info.elementType = reader.get_int32();
      break;
    case bytesField(2): {
      info.hasShape = true;
      pbf_reader shape = reader.get_message();
      while (shape.next()) {
        if (shape.tag_and_type() == bytesField(1))
          info.dims.push_back(readDimension(shape.get_message()));
        else
          shape.skip();
      }
      break;
    }
    default:
      reader.skip();
    }
  }
}

static ValueInfo readValueInfo(pbf_reader reader) {
  ValueInfo info;
  while (reader.next()) {
    switch (reader.tag_and_type()) {
    case bytesField(1):
      info.name = text(reader);
      break;
    case bytesField(2): {
      pbf_reader type = reader.get_message();
      while (type.next()) {
        if (type.tag_and_type() == bytesField(1)) {
          info.kind = 1;
          readTensorType(type.get_message(), info);
          continue;
        }
        if (type.tag() != 6) // denotation
          info.kind = type.tag();
        type.skip();
      }
      break;
    }
    default:
      reader.skip();
    }
  }
  return info;
}

static Graph readGraph(pbf_reader reader) {
  Graph graph;
  while (reader.next()) {
    switch (reader.tag_and_type()) {
    case bytesField(1):
      graph.nodes.push_back(readNode(reader.get_message()));
      break;
    case bytesField(2):
      graph.name = text(reader);
      break;
    case bytesField(5):
      graph.initializers.push_back(readTensor(reader.get_message()));
      break;
    case bytesField(11):
      graph.inputs.push_back(readValueInfo(reader.get_message()));
      break;
    case bytesField(12):
      graph.outputs.push_back(readValueInfo(reader.get_message()));
      break;
    case bytesField(13):
      graph.valueInfos.push_back(readValueInfo(reader.get_message()));
      break;
    case bytesField(15):
      graph.hasSparseInitializer = true;
      reader.skip();
      break;
    default:
      reader.skip();
    }
  }
  return graph;
}

static Function readFunction(pbf_reader reader) {
  Function function;
  while (reader.next()) {
    switch (reader.tag_and_type()) {
    case bytesField(1):
      function.name = text(reader);
      break;
    case bytesField(4):
      function.inputs.push_back(text(reader));
      break;
    case bytesField(5):
      function.outputs.push_back(text(reader));
      break;
    case bytesField(6):
      function.requiredAttributes.push_back(text(reader));
      break;
    case bytesField(7):
      function.nodes.push_back(readNode(reader.get_message()));
      break;
    case bytesField(9):
      function.operatorSets.push_back(readOperatorSet(reader.get_message()));
      break;
    case bytesField(10):
      function.domain = text(reader);
      break;
    case bytesField(11):
      function.defaultAttributes.push_back(readAttribute(reader.get_message()));
      break;
    case bytesField(13):
      function.overload = text(reader);
      break;
    default:
      reader.skip();
    }
  }
  return function;
}

static void readModelFields(pbf_reader reader, Model &model) {
  while (reader.next()) {
    switch (reader.tag_and_type()) {
    case varintField(1):
      model.irVersion = reader.get_int64();
      break;
    case bytesField(7):
      model.graph = readGraph(reader.get_message());
      break;
    case bytesField(8):
      model.operatorSets.push_back(readOperatorSet(reader.get_message()));
      break;
    case bytesField(14):
      model.metadata.push_back(readKeyValue(reader.get_message()));
      break;
    case bytesField(25):
      model.functions.push_back(readFunction(reader.get_message()));
      break;
    default:
      reader.skip();
    }
  }
}

bool hgf::onnx::readModel(StringRef bytes, Model &model, std::string &error) {
  try {
    readModelFields(pbf_reader(bytes.data(), bytes.size()), model);
    return true;
  } catch (const protozero::end_of_buffer_exception &) {
    error = "it ends in the middle of a field";
  } catch (const protozero::exception &exception) {
    error = std::string("its protobuf encoding is broken (") +
            exception.what() + ")";
  } catch (const std::bad_alloc &) {
    error = "reading it needs more memory than there is";
  } catch (const std::exception &exception) {
    error = std::string("reading it failed: ") + exception.what();
  }
  return false;
}

bool hgf::onnx::readTypedField(StringRef message, TypedField field,
                               size_t limit, std::vector<uint64_t> &elements) {
  const uint32_t tag = static_cast<uint32_t>(field);
  // One more than allowed is enough to see that there are too many.
  auto append = [&](uint64_t element) {
    if (elements.size() <= limit)
      elements.push_back(element);
  };
  try {
    pbf_reader reader(message.data(), message.size());
    while (reader.next(tag)) {
      bool isPacked = reader.wire_type() == pbf_wire_type::length_delimited;
      if (field == TypedField::Float && isPacked) {
        for (uint32_t bits : reader.get_packed_fixed32())
          append(bits);
      } else if (field == TypedField::Double && isPacked) {
        for (uint64_t bits : reader.get_packed_fixed64())
          append(bits);
      } else if (isPacked) {
        for (int64_t value : reader.get_packed_int64())
          append(static_cast<uint64_t>(value));
      } else if (reader.tag_and_type() == fixed32Field(tag)) {
        append(reader.get_fixed32());
      } else if (reader.tag_and_type() == fixed64Field(tag)) {
        append(reader.get_fixed64());
      } else if (reader.tag_and_type() == varintField(tag)) {
        append(static_cast<uint64_t>(reader.get_int64()));
      } else {
        reader.skip();
      }
    }
    return elements.size() <= limit;
  } catch (const std::exception &) {
    return false;
  }
}

std::optional<StringRef> hgf::onnx::findPackedField(StringRef message,
                                                    TypedField field) {
  std::optional<StringRef> found;
  try {
    pbf_reader reader(message.data(), message.size());
    while (reader.next(static_cast<uint32_t>(field))) {
      if (found || reader.wire_type() != pbf_wire_type::length_delimited)
        return std::nullopt;
      found = text(reader);
    }
  } catch (const std::exception &) {
    return std::nullopt;
  }
  return found;
}
