/*===- FakeTextModel.c - A text model written by hand ---------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

/* tokens[1, s] int64 -> logits[1, s, 256] float32, with the history
 * past[1, p, 1] int64 -> present, kept in place. The best byte after a letter
 * is the next letter; after 'z' a digit, the length of the history modulo ten,
 * which must hold exactly the text so far; after anything else 'a'. */
#include "ModelDescriptor.h"
#include "hgf-c/Model.h"

#include <string.h>

static const int64_t token_dims[] = {1, -1};
static const int64_t logits_dims[] = {1, -1, 256};
static const int64_t cache_dims[] = {1, -1, 1};
static const char *const token_names[] = {NULL, "sequence"};
static const char *const logits_names[] = {NULL, "sequence", NULL};
static const char *const past_names[] = {NULL, "past", NULL};
static const char *const total_names[] = {NULL, "total", NULL};
static const hgf_tensor_descriptor inputs[] = {
    {"input_ids", HGF_INT64, 2, token_dims, token_names, -1, -1},
    {"past", HGF_INT64, 3, cache_dims, past_names, 1, 1}};
static const hgf_tensor_descriptor outputs[] = {
    {"logits", HGF_FLOAT32, 3, logits_dims, logits_names, -1, -1},
    {"present", HGF_INT64, 3, cache_dims, total_names, 1, 1}};
static const char *const metadata[] = {
    "hgf.task",          "text-generation", "hgf.vocabulary",  "bytes",
    "hgf.prompt_input",  "input_ids",       "hgf.max_context", "64",
    "hgf.logits_output", "logits"};
static const hgf_weights_descriptor weights = {NULL, 0, 0};

static int64_t arena_bytes(const int64_t *dims) {
  (void)dims;
  return 0;
}

static int32_t output_dims(const int64_t *in, int64_t *out) {
  const int64_t dims[] = {1, in[1], 256, 1, in[3] + in[1], 1};
  memcpy(out, dims, sizeof dims);
  return 0;
}

static int64_t best_after(int64_t token, int64_t length) {
  if (token == 'z')
    return '0' + length % 10;
  return token >= 'a' && token < 'z' ? token + 1 : 'a';
}

static int32_t run(hgf_call *call, void *arena, const hgf_buffer *buffers) {
  (void)arena;
  const int64_t *tokens = buffers[0].data;
  int64_t *cache = buffers[3].data;
  float *logits = buffers[2].data;
  int64_t past = buffers[1].dims[1], count = buffers[0].dims[1];
  if (buffers[1].data != buffers[3].data)
    hgf_rt_fail(call, HGF_ERROR_RUN, "the cache is not in place");
  for (int64_t i = 0; i < count; ++i) {
    cache[past + i] = tokens[i];
    for (int64_t j = 0; j < 256; ++j)
      logits[i * 256 + j] = (float)(j % 7) / 8;
    logits[i * 256 + best_after(tokens[i], past + i + 1)] = 4;
  }
  for (int64_t i = 0; i < past; ++i)
    if (cache[i] < 0 || cache[i] > 255)
      hgf_rt_fail(call, HGF_ERROR_RUN, "the history is damaged");
  return 0;
}

__attribute__((visibility("default"))) const hgf_model_descriptor hgf_model = {
    .magic = HGF_MODEL_MAGIC,
    .version = HGF_MODEL_DESCRIPTOR_VERSION,
    .input_count = 2,
    .output_count = 2,
    .inputs = inputs,
    .outputs = outputs,
    .metadata_count = sizeof metadata / sizeof *metadata / 2,
    .metadata = metadata,
    .report_json = "{\"effective_bits\": 1.68, \"linears\": [{\"a\": 1}, {}],"
                   " \"build\": {\"cpu\": \"portable\"}}",
    .weights = &weights,
    .arena_bytes = arena_bytes,
    .output_dims = output_dims,
    .run = run};
