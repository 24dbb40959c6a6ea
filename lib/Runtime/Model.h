/*===- Model.h - Whether a descriptor can be used -----------------*- C -*-===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#ifndef HGF_LIB_RUNTIME_MODEL_H
#define HGF_LIB_RUNTIME_MODEL_H

#include "ModelDescriptor.h"
#include "hgf-c/Model.h"

/* Whether this runtime understands the model; else writes the sentence. */
hgf_status hgf_model_check(const hgf_model_descriptor *model, char *error,
                           size_t error_size);

#endif
