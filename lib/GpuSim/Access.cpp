//===- Access.cpp - Which bytes a lane may touch --------------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"
#include "llvm/ADT/StringExtras.h"

using namespace hgf::gpusim;

static Space windowOf(uint64_t address) {
  switch (address >> kWindowBits << kWindowBits) {
  case kSharedWindow:
    return Space::Shared;
  case kLocalWindow:
    return Space::Local;
  case kParamWindow:
    return Space::Param;
  default:
    return Space::Global;
  }
}

/// Whether every byte has been written; a word at a time where there is one.
static bool areInitialised(const ByteState *states, unsigned bytes) {
  constexpr uint64_t kAll = 0x0101010101010101;
  for (; bytes >= 8; bytes -= 8, states += 8) {
    uint64_t word;
    memcpy(&word, states, 8);
    if (word != kAll)
      return false;
  }
  for (; bytes; --bytes, ++states)
    if (*states != ByteState::Initialised)
      return false;
  return true;
}

Place Warp::access(const Instruction &instruction, unsigned lane, Space space,
                   uint64_t address, unsigned bytes, unsigned alignment,
                   AccessKind kind) {
  if (space == Space::Generic) {
    space = windowOf(address);
    if (space != Space::Global)
      address &= (uint64_t(1) << kWindowBits) - 1;
  }
  if (address & (alignment - 1)) {
    report(Defect::Misaligned, instruction, lane,
           "address 0x" + llvm::utohexstr(address) + " is not a multiple of " +
               llvm::Twine(alignment));
    return {};
  }
  Place place;
  switch (space) {
  case Space::Shared:
    place = accessShared(instruction, lane, address, bytes, kind);
    break;
  case Space::Local:
    place = accessLocal(instruction, lane, address, bytes);
    break;
  case Space::Param:
    place = accessParam(instruction, lane, address, bytes, kind);
    break;
  default:
    place = accessGlobal(instruction, lane, address, bytes);
  }
  if (!place || !block.launch.options.check)
    return place;
  if (kind == AccessKind::Write) {
    if (memchr(place.states, int(ByteState::Pending), bytes))
      report(Defect::PendingCopy, instruction, lane,
             "writes where a cp.async that nobody has waited for writes");
  } else if (!areInitialised(place.states, bytes)) {
    bool pending = std::find(place.states, place.states + bytes,
                             ByteState::Pending) != place.states + bytes;
    report(pending ? Defect::PendingCopy : Defect::Uninitialised, instruction,
           lane,
           pending ? "reads what a cp.async writes before waiting for it"
                   : "reads bytes that nobody has written");
  }
  return place;
}

static bool isInside(uint64_t offset, unsigned bytes, uint64_t size) {
  return offset <= size && bytes <= size - offset;
}

Place Warp::accessGlobal(const Instruction &instruction, unsigned lane,
                         uint64_t address, unsigned bytes) {
  Buffer *buffer = block.launch.memory.find(address);
  if (!buffer || !buffer->live) {
    report(Defect::OutOfBounds, instruction, lane,
           "address 0x" + llvm::utohexstr(address) +
               (buffer ? " is in a buffer that was released"
                       : " is in no buffer"));
    return {};
  }
  uint64_t offset = address - buffer->address;
  if (!isInside(offset, bytes, buffer->bytes.size())) {
    report(Defect::OutOfBounds, instruction, lane,
           llvm::Twine(bytes) + " bytes at " + llvm::Twine(int64_t(offset)) +
               " of a buffer of " + llvm::Twine(buffer->bytes.size()));
    return {};
  }
  return {&buffer->bytes[offset], &buffer->states[offset]};
}

Place Warp::accessShared(const Instruction &instruction, unsigned lane,
                         uint64_t address, unsigned bytes, AccessKind kind) {
  if (!isInside(address, bytes, block.shared.size()) ||
      block.sharedStates[address] == ByteState::Guard ||
      block.sharedStates[address + bytes - 1] == ByteState::Guard) {
    report(Defect::OutOfBounds, instruction, lane,
           llvm::Twine(bytes) + " bytes at " + llvm::Twine(int64_t(address)) +
               " of shared memory are no variable's");
    return {};
  }
  if (block.launch.options.check)
    if (auto other = block.shadow.touch(index, lane, address, bytes, kind))
      report(Defect::Race, instruction, lane,
             "no barrier between this and an access of thread " +
                 llvm::Twine(*other) + " to the same bytes of shared memory");
  return {&block.shared[address], &block.sharedStates[address]};
}

Place Warp::accessLocal(const Instruction &instruction, unsigned lane,
                        uint64_t address, unsigned bytes) {
  if (!isInside(address, bytes, local[lane].size())) {
    report(Defect::OutOfBounds, instruction, lane, "outside of local memory");
    return {};
  }
  return {&local[lane][address], &localStates[lane][address]};
}

Place Warp::accessParam(const Instruction &instruction, unsigned lane,
                        uint64_t address, unsigned bytes, AccessKind kind) {
  Launch &launch = block.launch;
  if (kind != AccessKind::Read ||
      !isInside(address, bytes, launch.parameters.size())) {
    report(Defect::OutOfBounds, instruction, lane,
           kind == AccessKind::Read ? "outside of the parameters"
                                    : "parameters cannot be written");
    return {};
  }
  return {&launch.parameters[address], &launch.parameterStates[address]};
}

namespace {

struct Wavefronts {
  unsigned needed = 0;
  /// Of those, what bank conflicts add.
  unsigned conflicts = 0;
};

} // namespace

static constexpr unsigned kBanks = 32;
static constexpr unsigned kSectorBytes = 32;

/// How many passes over 32 banks of 4 bytes a request takes. Wide accesses
/// are served for fewer lanes at a time.
static Wavefronts countWavefronts(const std::vector<uint64_t> &addresses,
                                  unsigned bytes) {
  unsigned lanes = bytes >= 16 ? 8 : bytes == 8 ? 16 : 32;
  Wavefronts result;
  for (size_t first = 0; first < addresses.size(); first += lanes) {
    std::vector<uint64_t> words;
    size_t end = std::min(first + lanes, addresses.size());
    for (size_t index = first; index < end; ++index)
      for (uint64_t word = addresses[index] / 4;
           word <= (addresses[index] + bytes - 1) / 4; ++word)
        words.push_back(word);
    llvm::sort(words);
    words.erase(std::unique(words.begin(), words.end()), words.end());
    unsigned banks[kBanks] = {}, most = 0;
    for (uint64_t word : words)
      most = std::max(most, ++banks[word % kBanks]);
    result.needed += most;
    result.conflicts += most - (words.size() + kBanks - 1) / kBanks;
  }
  return result;
}

/// The different sectors of a request, sorted.
static std::vector<uint64_t> listSectors(const std::vector<uint64_t> &addresses,
                                         unsigned bytes) {
  std::vector<uint64_t> sectors;
  for (uint64_t address : addresses)
    for (uint64_t sector = address / kSectorBytes;
         sector <= (address + bytes - 1) / kSectorBytes; ++sector)
      sectors.push_back(sector);
  llvm::sort(sectors);
  sectors.erase(std::unique(sectors.begin(), sectors.end()), sectors.end());
  return sectors;
}

void Launch::countSectors(llvm::ArrayRef<uint64_t> sectors) {
  BufferUse *use = nullptr;
  uint64_t first = 0;
  for (uint64_t sector : sectors) {
    if (!use || sector - first >= use->seen.size()) {
      Buffer *buffer = memory.find(sector * kSectorBytes);
      if (!buffer || !buffer->live)
        continue;
      use = &buffers[buffer->address];
      use->counts.address = buffer->address;
      // Buffers begin with a sector.
      first = buffer->address / kSectorBytes;
      use->seen.resize((buffer->bytes.size() + kSectorBytes - 1) /
                       kSectorBytes);
      if (sector - first >= use->seen.size()) {
        use = nullptr;
        continue;
      }
    }
    ++use->counts.sectors;
    if (use->seen[sector - first])
      continue;
    use->seen[sector - first] = true;
    ++use->counts.distinctSectors;
  }
}

void Warp::countRequest(const Instruction &instruction, uint32_t mask,
                        Space space, const uint64_t *addresses,
                        unsigned bytes) {
  if (!block.launch.options.stats || !mask)
    return;
  std::vector<uint64_t> touched;
  forLanes(mask, [&](unsigned lane) { touched.push_back(addresses[lane]); });
  if (space == Space::Generic)
    space = windowOf(touched.front());
  InstructionCounts &counts = block.launch.countsOf(instruction);
  if (space == Space::Shared) {
    ++counts.sharedRequests;
    Wavefronts wavefronts = countWavefronts(touched, bytes);
    counts.wavefronts += wavefronts.needed;
    counts.conflicts += wavefronts.conflicts;
  } else if (space == Space::Global || space == Space::Const) {
    ++counts.requests;
    std::vector<uint64_t> sectors = listSectors(touched, bytes);
    counts.sectors += sectors.size();
    block.launch.countSectors(sectors);
    counts.globalBytes += touched.size() * uint64_t(bytes);
  }
}
