/*===- Describe.c - A model's description as JSON -------------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "Json.h"
#include "ModelDescriptor.h"
#include "hgf-c/Model.h"

static void write_tensor(hgf_text *text, const hgf_tensor_descriptor *tensor,
                         const hgf_tensor_descriptor *partners) {
  hgf_text_add(text, "{\"name\": ");
  hgf_text_add_string(text, tensor->name);
  hgf_text_add(text, ", \"dtype\": \"%s\", \"shape\": [",
               hgf_dtype_name(tensor->dtype));
  for (int32_t i = 0; i < tensor->rank; ++i) {
    const char *name = tensor->dim_names ? tensor->dim_names[i] : NULL;
    hgf_text_add(text, "%s", i ? ", " : "");
    if (tensor->dims[i] >= 0)
      hgf_text_add(text, "%lld", (long long)tensor->dims[i]);
    else if (name)
      hgf_text_add_string(text, name);
    else
      hgf_text_add(text, "null");
  }
  hgf_text_add(text, "]");
  if (tensor->state_partner >= 0) {
    hgf_text_add(text, ", \"state\": ");
    hgf_text_add_string(text, partners[tensor->state_partner].name);
    if (tensor->state_axis >= 0)
      hgf_text_add(text, ", \"grows_along\": %d", tensor->state_axis);
  }
  hgf_text_add(text, "}");
}

static void write_tensors(hgf_text *text, const hgf_tensor_descriptor *tensors,
                          int32_t count,
                          const hgf_tensor_descriptor *partners) {
  for (int32_t i = 0; i < count; ++i) {
    hgf_text_add(text, "%s", i ? ",\n    " : "\n    ");
    write_tensor(text, &tensors[i], partners);
  }
}

static void write_gpu(hgf_text *text, const hgf_model_descriptor *model) {
  const hgf_gpu_descriptor *gpu = model->gpu;
  if (!gpu) {
    hgf_text_add(text, "null");
    return;
  }
  hgf_text_add(text, "{\"kernels\": %d, \"cpu_fallback\": %s, \"images\": [",
               (int)gpu->kernel_count, model->fallback ? "true" : "false");
  for (int32_t i = 0; i < gpu->image_count; ++i)
    hgf_text_add(text, "%s{\"chip\": %d, \"format\": \"%s\", \"bytes\": %lld}",
                 i ? ", " : "", (int)gpu->images[i].chip,
                 gpu->images[i].format == hgf_gpu_cubin ? "cubin" : "ptx",
                 (long long)gpu->images[i].byte_count);
  hgf_text_add(text, "]}");
}

size_t hgf_model_describe(const hgf_model_descriptor *model, char *buffer,
                          size_t size) {
  hgf_text text = {buffer, size, 0};
  if (!model) {
    hgf_text_add(&text, "null");
    return text.length;
  }
  hgf_text_add(&text, "{\n  \"abi_version\": %d,\n  \"inputs\": [",
               HGF_ABI_VERSION);
  write_tensors(&text, model->inputs, model->input_count, model->outputs);
  hgf_text_add(&text, "\n  ],\n  \"outputs\": [");
  write_tensors(&text, model->outputs, model->output_count, model->inputs);
  hgf_text_add(&text, "\n  ],\n  \"metadata\": {");
  for (int32_t i = 0; i < model->metadata_count; ++i) {
    hgf_text_add(&text, "%s", i ? ",\n    " : "\n    ");
    hgf_text_add_string(&text, model->metadata[2 * i]);
    hgf_text_add(&text, ": ");
    hgf_text_add_string(&text, model->metadata[2 * i + 1]);
  }
  const hgf_weights_descriptor *weights = model->weights;
  hgf_text_add(&text, "\n  },\n  \"weights_file\": ");
  if (weights && weights->file_name)
    hgf_text_add_string(&text, weights->file_name);
  else
    hgf_text_add(&text, "null");
  hgf_text_add(&text, ",\n  \"gpu\": ");
  write_gpu(&text, model);
  hgf_text_add(&text, ",\n  \"report\": ");
  hgf_text_add_raw(&text, model->report_json && model->report_json[0]
                              ? model->report_json
                              : "null");
  hgf_text_add(&text, "\n}\n");
  return text.length;
}
