// Reads memory with plain loads on a number of threads: the limit of whatever
// streams weights.
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t Vector __attribute__((vector_size(64), may_alias));

typedef struct {
  const Vector *begin, *end;
  uint64_t sum;
} Part;

static void *readPart(void *argument) {
  Part *part = argument;
  Vector sums[8] = {{0}};
  for (const Vector *at = part->begin; at + 8 <= part->end; at += 8)
    for (int i = 0; i < 8; ++i)
      sums[i] ^= at[i];
  for (int i = 1; i < 8; ++i)
    sums[0] ^= sums[i];
  part->sum = sums[0][0] ^ sums[0][7];
  return NULL;
}

/// Reads `bytes` (a multiple of 512 per thread is read) at `data`, aligned to
/// 64 bytes, on 1 to 64 threads. The result keeps the loads alive.
uint64_t read_all(const void *data, size_t bytes, int threads) {
  pthread_t handles[64];
  Part parts[64];
  size_t vectors = bytes / sizeof(Vector), each = vectors / threads;
  for (int i = 0; i < threads; ++i) {
    parts[i].begin = (const Vector *)data + each * i;
    parts[i].end = parts[i].begin + each;
    if (i && pthread_create(&handles[i], NULL, readPart, &parts[i]))
      return 0;
  }
  readPart(&parts[0]);
  uint64_t sum = parts[0].sum;
  for (int i = 1; i < threads; ++i) {
    pthread_join(handles[i], NULL);
    sum ^= parts[i].sum;
  }
  return sum;
}
