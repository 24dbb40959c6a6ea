/*===- Memory.c - Memory of a session, on the host or on its GPU ----------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Session.h"

#include <stdlib.h>
#include <string.h>

bool hgf_memory_reserve(hgf_memory *memory, size_t byte_count) {
  if (memory->data && byte_count <= memory->byte_count)
    return true;
  if (byte_count > PTRDIFF_MAX - hgf_alignment)
    return false;
  size_t rounded = (byte_count / hgf_alignment + 1) * hgf_alignment;
  void *data = aligned_alloc(hgf_alignment, rounded);
  if (!data)
    return false;
  free(memory->data);
  *memory = (hgf_memory){data, rounded};
  return true;
}

void hgf_memory_free(hgf_memory *memory) {
  free(memory->data);
  *memory = (hgf_memory){NULL, 0};
}

/* The GPU does not round, so that its simulator sees what runs off the end; but
 * what grows once grows again. */
bool hgf_tensor_memory_reserve(hgf_session *session, hgf_memory *memory,
                               size_t byte_count) {
  const hgf_gpu_runtime_table *gpu = session->call.gpu;
  if (!gpu)
    return hgf_memory_reserve(memory, byte_count);
  if (memory->data && byte_count <= memory->byte_count)
    return true;
  if (byte_count > PTRDIFF_MAX / 2)
    return false;
  if (memory->data)
    byte_count += byte_count / 4;
  void *data = gpu->allocate(session->call.gpu_session, byte_count);
  if (!data)
    return false;
  gpu->release(session->call.gpu_session, memory->data);
  *memory = (hgf_memory){data, byte_count};
  return true;
}

void hgf_tensor_memory_free(hgf_session *session, hgf_memory *memory) {
  if (!session->call.gpu)
    hgf_memory_free(memory);
  else
    session->call.gpu->release(session->call.gpu_session, memory->data);
  *memory = (hgf_memory){NULL, 0};
}

bool hgf_result_memory_reserve(hgf_session *session, hgf_memory *memory,
                               size_t byte_count) {
  const hgf_gpu_runtime_table *gpu = session->call.gpu;
  if (!gpu)
    return hgf_memory_reserve(memory, byte_count);
  if (memory->data && byte_count <= memory->byte_count)
    return true;
  void *data = gpu->allocate_host(session->call.gpu_session, byte_count);
  if (!data)
    return false;
  gpu->release_host(session->call.gpu_session, memory->data);
  *memory = (hgf_memory){data, byte_count};
  return true;
}

void hgf_result_memory_free(hgf_session *session, hgf_memory *memory) {
  if (!session->call.gpu)
    hgf_memory_free(memory);
  else
    session->call.gpu->release_host(session->call.gpu_session, memory->data);
  *memory = (hgf_memory){NULL, 0};
}

const char *hgf_tensor_place(const hgf_session *session) {
  return session->call.gpu ? " on the GPU" : "";
}

void hgf_tensor_zero(const hgf_session *session, void *data,
                     size_t byte_count) {
  if (session->call.gpu)
    session->call.gpu->zero(session->call.gpu_session, data, byte_count);
  else
    memset(data, 0, byte_count);
}

void hgf_tensor_copy_rows(const hgf_session *session, const hgf_copy *copy) {
  if (session->call.gpu) {
    session->call.gpu->copy(session->call.gpu_session, copy);
    return;
  }
  if (copy->width == 0)
    return;
  for (size_t i = 0; i < copy->rows; ++i)
    memcpy((char *)copy->target + i * copy->target_pitch,
           (const char *)copy->source + i * copy->source_pitch, copy->width);
}

void hgf_tensor_copy(const hgf_session *session, hgf_copy_kind kind,
                     void *target, const void *source, size_t byte_count) {
  hgf_copy copy = {kind, target, byte_count, source, byte_count, byte_count, 1};
  hgf_tensor_copy_rows(session, &copy);
}
