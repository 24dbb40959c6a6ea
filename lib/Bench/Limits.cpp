//===- Limits.cpp - What the machine can do at most -----------------------===//
//
// Part of HGF, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Limits.h"

#include "hgf/Target/CPU/InstructionLevel.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"

#include <atomic>
#include <chrono>
#include <cstring>
#include <sys/mman.h>
#include <thread>

using namespace hgf;
using llvm::StringRef;

double hgf::readClock() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

ReadBuffer::~ReadBuffer() {
  if (memory)
    munmap(memory, size);
}

bool ReadBuffer::reserve(uint64_t bytes) {
  constexpr uint64_t hugePage = uint64_t(2) << 20;
  bytes = llvm::alignTo(bytes, hugePage);
  if (bytes <= size)
    return true;
  if (memory)
    munmap(memory, size);
  memory = nullptr;
  size = 0;
  void *mapping = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED)
    return false;
  // A system without huge pages serves small ones.
  (void)madvise(mapping, bytes, MADV_HUGEPAGE);
  // Not zeros: those could all be one page.
  std::memset(mapping, 0x55, bytes);
  memory = static_cast<char *>(mapping);
  size = bytes;
  return true;
}

/// What one iteration of a read loop loads. The rest of a share is not read.
static constexpr uint64_t readStep = 512;

#ifdef __x86_64__

// Eight independent vectors per statement; `or` into one register is enough to
// make them count, because loads are what binds.
#define HGF_READ_LOOP(NAME, LOAD, WIDTH, REGISTER, LEAVE)                      \
  static void NAME(const char *begin, const char *end) {                       \
    asm volatile(                                                              \
        "1:\n\t" LOAD " 0*" WIDTH "(%0), %%" REGISTER "0\n\t" LOAD " 1*" WIDTH \
        "(%0), %%" REGISTER "1\n\t" LOAD " 2*" WIDTH "(%0), %%" REGISTER       \
        "2\n\t" LOAD " 3*" WIDTH "(%0), %%" REGISTER "3\n\t" LOAD " 4*" WIDTH  \
        "(%0), %%" REGISTER "4\n\t" LOAD " 5*" WIDTH "(%0), %%" REGISTER       \
        "5\n\t" LOAD " 6*" WIDTH "(%0), %%" REGISTER "6\n\t" LOAD " 7*" WIDTH  \
        "(%0), %%" REGISTER "7\n\t"                                            \
        "add $8*" WIDTH ", %0\n\t"                                             \
        "cmp %1, %0\n\t"                                                       \
        "jb 1b\n\t" LEAVE                                                      \
        : "+r"(begin)                                                          \
        : "r"(end)                                                             \
        : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",      \
          "xmm6", "xmm7");                                                     \
  }

HGF_READ_LOOP(readVectors16, "movdqu", "16", "xmm", "")
HGF_READ_LOOP(readVectors32, "vmovdqu", "32", "ymm", "vzeroupper")
HGF_READ_LOOP(readVectors64, "vmovdqu64", "64", "zmm", "vzeroupper")

static void readRange(const char *begin, const char *end) {
  if (__builtin_cpu_supports("avx512f"))
    readVectors64(begin, end);
  else if (__builtin_cpu_supports("avx2"))
    readVectors32(begin, end);
  else
    readVectors16(begin, end);
}

#else

static void readRange(const char *begin, const char *end) {
  typedef uint64_t Vector __attribute__((vector_size(16)));
  for (; begin < end; begin += 64)
    for (int part = 0; part < 4; ++part)
      (void)reinterpret_cast<const volatile Vector *>(begin)[part];
}

#endif

double hgf::measureRead(const char *data, uint64_t bytes, int threads,
                        int64_t repeats) {
  uint64_t share = llvm::alignTo(bytes / threads, readStep);
  double seconds = runTeam(threads, [&](int index) {
    const char *begin = data + share * index;
    for (int64_t repeat = 0; repeat < repeats; ++repeat)
      readRange(begin, begin + share);
  });
  return static_cast<double>(share) * threads * repeats / seconds;
}

//===----------------------------------------------------------------------===//
// Multiply-adds
//===----------------------------------------------------------------------===//

#ifdef __x86_64__

#define HGF_DOT_CLOBBERS                                                       \
  "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",        \
      "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

/// `PREPARE` clears operands; `BODY` is one iteration.
#define HGF_DOT_LOOP(NAME, PREPARE, BODY, LEAVE)                               \
  static void NAME(int64_t iterations) {                                       \
    asm volatile(PREPARE "1:\n\t" BODY "dec %0\n\t"                            \
                         "jnz 1b\n\t" LEAVE                                    \
                 : "+r"(iterations)                                            \
                 :                                                             \
                 : HGF_DOT_CLOBBERS);                                          \
  }

// Zeros: denormals and NaNs from before could cost time.
#define HGF_CLEAR "vzeroall\n\t"

// Accumulators 0 to 7, products in 8 to 13, operands 14 and 15.
#define HGF_PAIR(REGISTER, ACCUMULATOR, PRODUCT)                               \
  "vpmaddubsw %%" REGISTER "15, %%" REGISTER "14, %%" REGISTER PRODUCT         \
  "\n\tvpaddw %%" REGISTER PRODUCT ", %%" REGISTER ACCUMULATOR                 \
  ", %%" REGISTER ACCUMULATOR "\n\t"
#define HGF_PAIRS(REGISTER)                                                    \
  HGF_PAIR(REGISTER, "0", "8")                                                 \
  HGF_PAIR(REGISTER, "1", "9")                                                 \
  HGF_PAIR(REGISTER, "2", "10")                                                \
  HGF_PAIR(REGISTER, "3", "11")                                                \
  HGF_PAIR(REGISTER, "4", "12")                                                \
  HGF_PAIR(REGISTER, "5", "13")                                                \
  HGF_PAIR(REGISTER, "6", "8")                                                 \
  HGF_PAIR(REGISTER, "7", "9")

#define HGF_EACH12(ONE)                                                        \
  ONE("0")                                                                     \
  ONE("1")                                                                     \
  ONE("2")                                                                     \
  ONE("3")                                                                     \
  ONE("4")                                                                     \
  ONE("5")                                                                     \
  ONE("6")                                                                     \
  ONE("7")                                                                     \
  ONE("8")                                                                     \
  ONE("9")                                                                     \
  ONE("10")                                                                    \
  ONE("11")

#define HGF_DOT_YMM(N) "%{vex%} vpdpbusd %%ymm15, %%ymm14, %%ymm" N "\n\t"
#define HGF_DOT_YMM_EVEX(N) "%{evex%} vpdpbusd %%ymm15, %%ymm14, %%ymm" N "\n\t"
#define HGF_DOT_ZMM(N) "vpdpbusd %%zmm15, %%zmm14, %%zmm" N "\n\t"
#define HGF_FMA_YMM(N) "vfmadd231ps %%ymm15, %%ymm14, %%ymm" N "\n\t"
#define HGF_FMA_ZMM(N) "vfmadd231ps %%zmm15, %%zmm14, %%zmm" N "\n\t"

// Without VEX there are two operands: a product overwrites its copy.
#define HGF_SSE_STEP(MULTIPLY, ADD, ACCUMULATOR, PRODUCT)                      \
  "movdqa %%xmm14, %%xmm" PRODUCT "\n\t" MULTIPLY " %%xmm15, %%xmm" PRODUCT    \
  "\n\t" ADD " %%xmm" PRODUCT ", %%xmm" ACCUMULATOR "\n\t"
#define HGF_SSE_STEPS(MULTIPLY, ADD)                                           \
  HGF_SSE_STEP(MULTIPLY, ADD, "0", "8")                                        \
  HGF_SSE_STEP(MULTIPLY, ADD, "1", "9")                                        \
  HGF_SSE_STEP(MULTIPLY, ADD, "2", "10")                                       \
  HGF_SSE_STEP(MULTIPLY, ADD, "3", "11")                                       \
  HGF_SSE_STEP(MULTIPLY, ADD, "4", "12")                                       \
  HGF_SSE_STEP(MULTIPLY, ADD, "5", "13")                                       \
  HGF_SSE_STEP(MULTIPLY, ADD, "6", "8")                                        \
  HGF_SSE_STEP(MULTIPLY, ADD, "7", "9")
#define HGF_CLEAR_XMM(N) "pxor %%xmm" N ", %%xmm" N "\n\t"
#define HGF_SSE_CLEAR                                                          \
  HGF_EACH12(HGF_CLEAR_XMM) HGF_CLEAR_XMM("14") HGF_CLEAR_XMM("15")

HGF_DOT_LOOP(dotMultiplyWords, HGF_SSE_CLEAR, HGF_SSE_STEPS("pmullw", "paddw"),
             "")
HGF_DOT_LOOP(dotPairs16, HGF_SSE_CLEAR, HGF_SSE_STEPS("pmaddubsw", "paddw"), "")
HGF_DOT_LOOP(dotPairs32, HGF_CLEAR, HGF_PAIRS("ymm"), "vzeroupper")
HGF_DOT_LOOP(dotPairs64, HGF_CLEAR, HGF_PAIRS("zmm"), "vzeroupper")
HGF_DOT_LOOP(dotQuads32, HGF_CLEAR, HGF_EACH12(HGF_DOT_YMM), "vzeroupper")
HGF_DOT_LOOP(dotQuads32Evex, HGF_CLEAR, HGF_EACH12(HGF_DOT_YMM_EVEX),
             "vzeroupper")
HGF_DOT_LOOP(dotQuads64, HGF_CLEAR, HGF_EACH12(HGF_DOT_ZMM), "vzeroupper")
HGF_DOT_LOOP(dotFloats4, HGF_SSE_CLEAR, HGF_SSE_STEPS("mulps", "addps"), "")
HGF_DOT_LOOP(dotFloats8, HGF_CLEAR, HGF_EACH12(HGF_FMA_YMM), "vzeroupper")
HGF_DOT_LOOP(dotFloats16, HGF_CLEAR, HGF_EACH12(HGF_FMA_ZMM), "vzeroupper")

static constexpr DotLoop multiplyWords = {"pmullw+paddw xmm", 8 * 8,
                                          dotMultiplyWords};
static constexpr DotLoop pairs16 = {"pmaddubsw+paddw xmm", 8 * 16, dotPairs16};
static constexpr DotLoop pairs32 = {"vpmaddubsw+vpaddw ymm", 8 * 32,
                                    dotPairs32};
static constexpr DotLoop pairs64 = {"vpmaddubsw+vpaddw zmm", 8 * 64,
                                    dotPairs64};
static constexpr DotLoop quads32 = {"vpdpbusd ymm", 12 * 32, dotQuads32};
static constexpr DotLoop quads32Evex = {"vpdpbusd ymm", 12 * 32,
                                        dotQuads32Evex};
static constexpr DotLoop quads64 = {"vpdpbusd zmm", 12 * 64, dotQuads64};
static constexpr DotLoop floats4 = {"mulps+addps xmm", 8 * 4, dotFloats4};
static constexpr DotLoop floats8 = {"vfmadd231ps ymm", 12 * 8, dotFloats8};
static constexpr DotLoop floats16 = {"vfmadd231ps zmm", 12 * 16, dotFloats16};

const DotLoop &hgf::findDotLoop(StringRef name, bool isFloat) {
  const InstructionLevel *level = findInstructionLevel(name);
  int64_t bytes = level ? level->vectorBytes : 16;
  if (isFloat) {
    if (!level || !level->fusedMultiplyAdd)
      return floats4;
    return bytes == 64 ? floats16 : floats8;
  }
  if (!level || level->lowering == DotLowering::Portable)
    return multiplyWords;
  if (level->accumulator == Accumulator::Int16) {
    if (bytes == 16)
      return pairs16;
    return bytes == 32 ? pairs32 : pairs64;
  }
  if (bytes == 64)
    return quads64;
  return StringRef(level->features).contains("avxvnni") ? quads32 : quads32Evex;
}

#else

/// Other architectures: what the compiler makes of multiplying and adding.
template <typename Element, int width>
static void multiplyAdd(int64_t iterations) {
  typedef Element Vector __attribute__((vector_size(16)));
  Vector sums[8] = {}, left = {}, right = {};
  for (int64_t i = 0; i < iterations; ++i)
    for (Vector &sum : sums) {
      asm volatile("" : "+w"(left), "+w"(right));
      sum += left * right;
    }
  for (Vector &sum : sums)
    asm volatile("" ::"w"(sum));
}

static constexpr DotLoop words = {"int16 multiply-add", 8 * 8,
                                  multiplyAdd<int16_t, 8>};
static constexpr DotLoop floats = {"float32 multiply-add", 8 * 4,
                                   multiplyAdd<float, 4>};

const DotLoop &hgf::findDotLoop(StringRef name, bool isFloat) {
  return isFloat ? floats : words;
}

#endif

double hgf::measureDot(const DotLoop &loop, int threads, double seconds) {
  // Wakes the unit up and says how many iterations fill the time.
  constexpr int64_t trial = 20000;
  double start = readClock();
  loop.run(trial);
  double once = (readClock() - start) / trial;
  auto iterations = std::max<int64_t>(trial, seconds / once);
  double taken = runTeam(threads, [&](int) { loop.run(iterations); });
  return static_cast<double>(loop.multiplyAdds) * iterations * threads / taken;
}

double hgf::runTeam(int threads, llvm::function_ref<void(int)> body) {
  std::atomic<int> ready = 0;
  std::atomic<bool> go = false;
  llvm::SmallVector<std::thread, 8> team;
  for (int index = 1; index < threads; ++index)
    team.emplace_back([&, index] {
      ++ready;
      while (!go.load(std::memory_order_acquire))
        std::this_thread::yield();
      body(index);
    });
  while (ready.load() < threads - 1)
    std::this_thread::yield();
  double start = readClock();
  go.store(true, std::memory_order_release);
  body(0);
  for (std::thread &thread : team)
    thread.join();
  return readClock() - start;
}

std::string hgf::getProcessorName() {
  // A stream: the file says that it has no length.
  auto text = llvm::MemoryBuffer::getFileAsStream("/proc/cpuinfo");
  if (!text)
    return "unknown";
  StringRef rest = (*text)->getBuffer();
  while (!rest.empty()) {
    auto [line, after] = rest.split('\n');
    if (line.starts_with("model name"))
      return line.split(':').second.trim().str();
    rest = after;
  }
  return "unknown";
}
