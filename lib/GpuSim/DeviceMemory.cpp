//===- DeviceMemory.cpp - Guarded buffers of a simulated GPU --------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "hgf/GpuSim/DeviceMemory.h"
#include <algorithm>
#include <cstring>

using namespace hgf::gpusim;

static constexpr unsigned kBufferBits = 34;
/// What cuMemAlloc promises and no more: an odd multiple of 256.
static constexpr uint64_t kFirstByte = 256;
/// All buffers lie below the windows of the generic address space.
static constexpr size_t kMaximumBuffers = 8000;

Buffer *DeviceMemory::reuse() {
  for (size_t i = 0; i < buffers.size(); ++i) {
    Buffer &buffer = buffers[nextReuse];
    nextReuse = (nextReuse + 1) % buffers.size();
    if (!buffer.live)
      return &buffer;
  }
  return nullptr;
}

uint64_t DeviceMemory::allocate(uint64_t bytes) {
  if (bytes > (uint64_t(1) << kBufferBits) - 2 * kFirstByte)
    return 0;
  Buffer *buffer = nullptr;
  if (buffers.size() < kMaximumBuffers) {
    buffer = &buffers.emplace_back();
    buffer->address = (uint64_t(buffers.size()) << kBufferBits) + kFirstByte;
  } else if (!(buffer = reuse())) {
    return 0;
  }
  // What was never written is not zero, and no small number either.
  buffer->bytes.assign(bytes, 0xcd);
  buffer->states.assign(bytes, ByteState::Uninitialised);
  buffer->live = true;
  return buffer->address;
}

Buffer *DeviceMemory::find(uint64_t address) {
  uint64_t number = address >> kBufferBits;
  return number && number <= buffers.size() ? &buffers[number - 1] : nullptr;
}

bool DeviceMemory::release(uint64_t address) {
  Buffer *buffer = find(address);
  if (!buffer || !buffer->live || buffer->address != address)
    return false;
  buffer->live = false;
  buffer->bytes = {};
  buffer->states = {};
  return true;
}

static bool contains(const Buffer *buffer, uint64_t address, uint64_t bytes) {
  return buffer && buffer->live && address >= buffer->address &&
         address - buffer->address <= buffer->bytes.size() &&
         bytes <= buffer->bytes.size() - (address - buffer->address);
}

bool DeviceMemory::write(uint64_t address, const void *source, uint64_t bytes) {
  Buffer *buffer = find(address);
  if (!contains(buffer, address, bytes))
    return false;
  uint64_t offset = address - buffer->address;
  if (bytes)
    memcpy(&buffer->bytes[offset], source, bytes);
  std::fill_n(buffer->states.begin() + offset, bytes, ByteState::Initialised);
  return true;
}

bool DeviceMemory::fill(uint64_t address, uint8_t value, uint64_t bytes) {
  Buffer *buffer = find(address);
  if (!contains(buffer, address, bytes))
    return false;
  uint64_t offset = address - buffer->address;
  std::fill_n(buffer->bytes.begin() + offset, bytes, value);
  std::fill_n(buffer->states.begin() + offset, bytes, ByteState::Initialised);
  return true;
}

bool DeviceMemory::copy(uint64_t target, uint64_t source, uint64_t bytes) {
  Buffer *to = find(target), *from = find(source);
  if (!contains(to, target, bytes) || !contains(from, source, bytes))
    return false;
  uint64_t toOffset = target - to->address, fromOffset = source - from->address;
  if (bytes)
    memmove(&to->bytes[toOffset], &from->bytes[fromOffset], bytes);
  if (bytes)
    memmove(&to->states[toOffset], &from->states[fromOffset], bytes);
  return true;
}

bool DeviceMemory::read(uint64_t address, void *destination,
                        uint64_t bytes) const {
  const Buffer *buffer = const_cast<DeviceMemory *>(this)->find(address);
  if (!contains(buffer, address, bytes))
    return false;
  if (bytes)
    memcpy(destination, &buffer->bytes[address - buffer->address], bytes);
  return true;
}
