/*===- Generate.c - Text from a text-generation model ---------------------===*\
|* Part of HGF, under the Apache License v2.0 with LLVM Exceptions.           *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
\*===----------------------------------------------------------------------===*/

#include "CommandLine.h"
#include "Json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tokens are bytes: docs/ModelFormat.md, hgf.vocabulary. */
enum { vocabulary_size = 256, first_token = '\n' };

/* A text that grows. */
typedef struct {
  hgf_session *session;
  const hgf_command *command;
  int32_t input, output;
  bool one_by_one; /* the model takes one token per call */
  bool has_state;  /* else the whole text is fed again for every token */
  int64_t *text;   /* prompt, then what was generated */
  size_t length;
  size_t fed; /* tokens that the state holds */
  uint64_t random;
} generator;

/* Runs the model on `count` tokens and sets `logits` to those of the last. */
static int feed(generator *state, const int64_t *tokens, size_t count,
                const float **logits) {
  const hgf_model_descriptor *model = hgf_session_model(state->session);
  int32_t rank = hgf_tensor_rank(model, HGF_INPUT, state->input);
  int64_t dims[2] = {1, (int64_t)count};
  const void *data;
  size_t byte_count;
  if (hgf_session_bind_input(state->session, state->input, HGF_INT64, rank,
                             dims + 2 - rank, tokens, count * sizeof *tokens) ||
      hgf_session_run(state->session) ||
      hgf_session_output_data(state->session, state->output, &data,
                              &byte_count))
    return hgf_complain(state->command, "%s",
                        hgf_session_error(state->session));
  size_t row = vocabulary_size * sizeof(float);
  if (byte_count < row || byte_count % row)
    return hgf_complain(state->command,
                        "expected %d logits per token of vocabulary 'bytes' "
                        "but output '%s' has %zu bytes",
                        vocabulary_size,
                        hgf_tensor_name(model, HGF_OUTPUT, state->output),
                        byte_count);
  *logits = (const float *)((const char *)data + byte_count - row);
  return hgf_exit_done;
}

/* Feeds what the state does not hold yet. */
static int next_logits(generator *state, const float **logits) {
  if (!state->has_state) {
    size_t window = state->length;
    int64_t limit = state->command->max_context;
    if (limit > 0 && window > (size_t)limit)
      window = (size_t)limit;
    return feed(state, state->text + state->length - window, window, logits);
  }
  size_t step = state->one_by_one ? 1 : state->length - state->fed;
  while (state->fed < state->length) {
    int status = feed(state, state->text + state->fed, step, logits);
    if (status)
      return status;
    state->fed += step;
  }
  return hgf_exit_done;
}

/* In [0, 1): splitmix64. */
static double next_random(generator *state) {
  uint64_t value = state->random += 0x9e3779b97f4a7c15u;
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
  value = (value ^ value >> 27) * 0x94d049bb133111ebu;
  value ^= value >> 31;
  return (double)(value >> 11) * 0x1p-53;
}

static int choose_token(generator *state, const float *logits) {
  int best = 0;
  for (int i = 1; i < vocabulary_size; ++i)
    if (logits[i] > logits[best])
      best = i;
  double temperature = state->command->temperature;
  if (temperature == 0)
    return best;
  double weights[vocabulary_size], sum = 0;
  for (int i = 0; i < vocabulary_size; ++i)
    sum += weights[i] = exp((logits[i] - logits[best]) / temperature);
  double target = next_random(state) * sum;
  for (int i = 0; i < vocabulary_size; ++i)
    if ((target -= weights[i]) < 0)
      return i;
  return best;
}

/* Finds the tensors that the metadata name. */
static int set_up(generator *state, const hgf_model_descriptor *model) {
  const hgf_command *command = state->command;
  const char *vocabulary = hgf_model_metadata(model, "hgf.vocabulary");
  const char *input = hgf_model_metadata(model, "hgf.prompt_input");
  const char *output = hgf_model_metadata(model, "hgf.logits_output");
  if (!vocabulary || strcmp(vocabulary, "bytes") != 0)
    return hgf_complain(command,
                        "expected hgf.vocabulary=bytes in the model's metadata "
                        "but got '%s'",
                        vocabulary ? vocabulary : "");
  state->input = hgf_tensor_find(model, HGF_INPUT, input);
  state->output = hgf_tensor_find(model, HGF_OUTPUT, output);
  if (state->input < 0 || state->output < 0)
    return hgf_complain(command,
                        "the metadata hgf.prompt_input '%s' and "
                        "hgf.logits_output '%s' do not name an input and an "
                        "output",
                        input ? input : "", output ? output : "");
  int32_t rank = hgf_tensor_rank(model, HGF_INPUT, state->input);
  if (rank < 1 || rank > 2 ||
      hgf_tensor_dtype(model, HGF_INPUT, state->input) != HGF_INT64 ||
      hgf_tensor_dtype(model, HGF_OUTPUT, state->output) != HGF_FLOAT32)
    return hgf_complain(command, "expected tokens of int64 [1, sequence] and "
                                 "logits of float32");
  state->one_by_one =
      hgf_tensor_dims(model, HGF_INPUT, state->input)[rank - 1] == 1;
  for (int32_t i = 0; i < hgf_tensor_count(model, HGF_INPUT); ++i)
    state->has_state |= hgf_tensor_state(model, HGF_INPUT, i) >= 0;
  return hgf_exit_done;
}

static void print_json(const generator *state, size_t prompt_length,
                       double prompt_seconds, double seconds) {
  size_t count = state->length - prompt_length;
  char *bytes = malloc(count + 1);
  if (!bytes) {
    hgf_complain(state->command, "out of memory");
    return;
  }
  for (size_t i = 0; i < count; ++i)
    bytes[i] = (char)state->text[prompt_length + i];
  hgf_text text = {NULL, 0, 0};
  hgf_text_add_bytes(&text, bytes, count);
  char *quoted = malloc(text.length + 1);
  if (quoted) {
    text = (hgf_text){quoted, text.length + 1, 0};
    hgf_text_add_bytes(&text, bytes, count);
    printf("{\"text\": %s, \"tokens\": [", quoted);
    for (size_t i = 0; i < count; ++i)
      printf("%s%d", i ? ", " : "", (unsigned char)bytes[i]);
    printf("], \"prompt_tokens\": %zu, \"prompt_seconds\": %.9g, "
           "\"seconds\": %.9g, \"tokens_per_second\": %.6g, \"threads\": %d, "
           "\"level\": \"%s\"}\n",
           prompt_length, prompt_seconds, seconds,
           count > 1 ? (double)(count - 1) / seconds : 0,
           hgf_session_threads(state->session),
           hgf_session_level(state->session));
  }
  free(quoted);
  free(bytes);
}

static int write_text(generator *state) {
  const hgf_command *command = state->command;
  int64_t capacity = hgf_session_capacity(state->session);
  size_t prompt_length = state->length;
  size_t wanted = prompt_length + (size_t)command->tokens;
  double begin = hgf_seconds(), prompt_seconds = 0;
  bool full = false;
  const float *logits = NULL;
  while (state->length < wanted) {
    full = state->length > prompt_length && capacity > 0 &&
           hgf_session_position(state->session) >= capacity;
    if (full)
      break;
    int status = next_logits(state, &logits);
    if (status)
      return status;
    if (state->length == prompt_length)
      prompt_seconds = hgf_seconds() - begin;
    int token = choose_token(state, logits);
    state->text[state->length++] = token;
    if (!command->json) {
      putchar(token);
      fflush(stdout);
    }
  }
  double seconds = hgf_seconds() - begin - prompt_seconds;
  size_t count = state->length - prompt_length;
  if (command->json) {
    print_json(state, prompt_length, prompt_seconds, seconds);
  } else {
    putchar('\n');
    fflush(stdout);
    fprintf(stderr, "%zu prompt tokens in %.3g s", prompt_length,
            prompt_seconds);
    /* The first token comes with the prompt. */
    if (count > 1)
      fprintf(stderr, "; %.4g tokens/s on %d thread%s (%s)",
              (double)(count - 1) / seconds,
              hgf_session_threads(state->session),
              hgf_session_threads(state->session) == 1 ? "" : "s",
              hgf_session_level(state->session));
    fputc('\n', stderr);
  }
  if (full)
    fprintf(stderr,
            "%s: stopped after %zu tokens: the context of %lld is full, "
            "--max-context makes it larger\n",
            command->program, count, (long long)capacity);
  return ferror(stdout) ? hgf_complain(command, "cannot write the text")
                        : hgf_exit_done;
}

int hgf_generate(const hgf_model_descriptor *model,
                 const hgf_command *command) {
  generator state = {.command = command, .random = command->seed};
  int status = set_up(&state, model);
  if (status)
    return status;
  size_t prompt_length = strlen(command->prompt);
  state.text =
      calloc(prompt_length + (size_t)command->tokens + 1, sizeof *state.text);
  if (!state.text)
    return hgf_complain(command, "out of memory");
  for (; state.length < prompt_length; ++state.length)
    state.text[state.length] = (unsigned char)command->prompt[state.length];
  /* There is no empty call: a text begins with a new line. */
  if (state.length == 0)
    state.text[state.length++] = first_token;
  state.session = hgf_command_session(model, command);
  status = state.session ? write_text(&state) : hgf_exit_bad_input;
  hgf_session_free(state.session);
  free(state.text);
  return status;
}
