/*===- Model.c - Questions a model answers without a session --------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Model.h"

#include <stdio.h>
#include <string.h>

uint32_t hgf_abi_version(void) { return HGF_ABI_VERSION; }

typedef struct {
  const char *name;
  size_t size;
} dtype_facts;

static const dtype_facts dtypes[] = {
    [HGF_FLOAT32] = {"float32", 4},  [HGF_UINT8] = {"uint8", 1},
    [HGF_INT8] = {"int8", 1},        [HGF_UINT16] = {"uint16", 2},
    [HGF_INT16] = {"int16", 2},      [HGF_INT32] = {"int32", 4},
    [HGF_INT64] = {"int64", 8},      [HGF_BOOL] = {"bool", 1},
    [HGF_FLOAT16] = {"float16", 2},  [HGF_FLOAT64] = {"float64", 8},
    [HGF_UINT32] = {"uint32", 4},    [HGF_UINT64] = {"uint64", 8},
    [HGF_BFLOAT16] = {"bfloat16", 2}};
enum { dtype_count = sizeof dtypes / sizeof *dtypes };

const char *hgf_dtype_name(int32_t dtype) {
  if (dtype < 0 || dtype >= dtype_count || !dtypes[dtype].name)
    return "?";
  return dtypes[dtype].name;
}

size_t hgf_dtype_size(int32_t dtype) {
  return dtype < 0 || dtype >= dtype_count ? 0 : dtypes[dtype].size;
}

const char *hgf_status_name(hgf_status status) {
  switch (status) {
  case HGF_OK:
    return "HGF_OK";
  case HGF_ERROR_ARGUMENT:
    return "HGF_ERROR_ARGUMENT";
  case HGF_ERROR_SHAPE:
    return "HGF_ERROR_SHAPE";
  case HGF_ERROR_DTYPE:
    return "HGF_ERROR_DTYPE";
  case HGF_ERROR_BUFFER_SIZE:
    return "HGF_ERROR_BUFFER_SIZE";
  case HGF_ERROR_UNBOUND:
    return "HGF_ERROR_UNBOUND";
  case HGF_ERROR_CAPACITY:
    return "HGF_ERROR_CAPACITY";
  case HGF_ERROR_WEIGHTS:
    return "HGF_ERROR_WEIGHTS";
  case HGF_ERROR_VERSION:
    return "HGF_ERROR_VERSION";
  case HGF_ERROR_MEMORY:
    return "HGF_ERROR_MEMORY";
  case HGF_ERROR_RUN:
    return "HGF_ERROR_RUN";
  case HGF_ERROR_BUSY:
    return "HGF_ERROR_BUSY";
  case HGF_ERROR_DEVICE:
    return "HGF_ERROR_DEVICE";
  }
  return "?";
}

int32_t hgf_tensor_count(const hgf_model_descriptor *model,
                         hgf_tensor_kind kind) {
  if (!model)
    return -1;
  return kind == HGF_INPUT ? model->input_count : model->output_count;
}

static const hgf_tensor_descriptor *
find_tensor(const hgf_model_descriptor *model, hgf_tensor_kind kind,
            int32_t index) {
  if (!model || index < 0 || index >= hgf_tensor_count(model, kind))
    return NULL;
  return kind == HGF_INPUT ? &model->inputs[index] : &model->outputs[index];
}

int32_t hgf_tensor_find(const hgf_model_descriptor *model, hgf_tensor_kind kind,
                        const char *name) {
  for (int32_t i = 0; name && i < hgf_tensor_count(model, kind); ++i)
    if (strcmp(find_tensor(model, kind, i)->name, name) == 0)
      return i;
  return -1;
}

const char *hgf_tensor_name(const hgf_model_descriptor *model,
                            hgf_tensor_kind kind, int32_t index) {
  const hgf_tensor_descriptor *tensor = find_tensor(model, kind, index);
  return tensor ? tensor->name : NULL;
}

int32_t hgf_tensor_dtype(const hgf_model_descriptor *model,
                         hgf_tensor_kind kind, int32_t index) {
  const hgf_tensor_descriptor *tensor = find_tensor(model, kind, index);
  return tensor ? tensor->dtype : -1;
}

int32_t hgf_tensor_rank(const hgf_model_descriptor *model, hgf_tensor_kind kind,
                        int32_t index) {
  const hgf_tensor_descriptor *tensor = find_tensor(model, kind, index);
  return tensor ? tensor->rank : -1;
}

const int64_t *hgf_tensor_dims(const hgf_model_descriptor *model,
                               hgf_tensor_kind kind, int32_t index) {
  static const int64_t none = 0;
  const hgf_tensor_descriptor *tensor = find_tensor(model, kind, index);
  if (!tensor)
    return NULL;
  return tensor->rank > 0 ? tensor->dims : &none;
}

const char *hgf_tensor_dim_name(const hgf_model_descriptor *model,
                                hgf_tensor_kind kind, int32_t index,
                                int32_t axis) {
  const hgf_tensor_descriptor *tensor = find_tensor(model, kind, index);
  if (!tensor || axis < 0 || axis >= tensor->rank || !tensor->dim_names)
    return NULL;
  return tensor->dim_names[axis];
}

int32_t hgf_tensor_state(const hgf_model_descriptor *model,
                         hgf_tensor_kind kind, int32_t index) {
  const hgf_tensor_descriptor *tensor = find_tensor(model, kind, index);
  return tensor ? tensor->state_partner : -1;
}

const char *hgf_model_metadata(const hgf_model_descriptor *model,
                               const char *key) {
  if (!model || !key)
    return NULL;
  for (int32_t i = 0; i < model->metadata_count; ++i)
    if (strcmp(model->metadata[2 * i], key) == 0)
      return model->metadata[2 * i + 1];
  return NULL;
}

hgf_status hgf_model_check(const hgf_model_descriptor *model, char *error,
                           size_t error_size) {
  if (model->magic != HGF_MODEL_MAGIC)
    snprintf(error, error_size, "expected a compiled model but got other data");
  else if (model->version != HGF_MODEL_DESCRIPTOR_VERSION)
    snprintf(error, error_size,
             "expected a model of format %u but got one of format %u: compile "
             "it again",
             HGF_MODEL_DESCRIPTOR_VERSION, model->version);
  else
    return HGF_OK;
  return HGF_ERROR_VERSION;
}
