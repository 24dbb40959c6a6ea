//===- DeviceMemory.h - Guarded buffers of a simulated GPU -------*- C++
//-*-===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef HGF_GPUSIM_DEVICEMEMORY_H
#define HGF_GPUSIM_DEVICEMEMORY_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hgf::gpusim {

/// What is known of one byte.
enum class ByteState : uint8_t {
  Uninitialised = 0,
  Initialised = 1,
  /// A cp.async writes it, and nobody has waited.
  Pending = 2,
  /// Between two variables: belongs to none.
  Guard = 3
};

struct Buffer {
  uint64_t address = 0;
  std::vector<uint8_t> bytes;
  std::vector<ByteState> states;
  bool live = false;
};

/// Global memory. Every buffer has 16 GiB of addresses to itself, so no index
/// that runs off one buffer reaches another. Addresses are used a second time
/// only when all have been used, the longest released first.
class DeviceMemory {
public:
  /// An uninitialised buffer; 0 when it cannot be had.
  uint64_t allocate(uint64_t bytes);
  bool release(uint64_t address);
  /// The host's copies and fills; false outside of buffers.
  bool write(uint64_t address, const void *source, uint64_t bytes);
  bool read(uint64_t address, void *destination, uint64_t bytes) const;
  bool fill(uint64_t address, uint8_t value, uint64_t bytes);
  /// A copy of bytes that nobody has written leaves such bytes.
  bool copy(uint64_t target, uint64_t source, uint64_t bytes);
  /// The buffer whose range of addresses has this one; null when there is none.
  Buffer *find(uint64_t address);

private:
  /// A place of a buffer that was released; null when there is none.
  Buffer *reuse();

  std::vector<Buffer> buffers;
  size_t nextReuse = 0;
};

} // namespace hgf::gpusim

#endif // HGF_GPUSIM_DEVICEMEMORY_H
