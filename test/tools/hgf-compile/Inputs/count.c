/* A program that is linked with a model. */
#include "hgf-c/Model.h"

#include <stdio.h>

int main(void) {
  hgf_session_options options;
  hgf_session_options_init(&options);
  options.threads = 2;
  hgf_session *session;
  char error[256];
  if (hgf_session_create(&hgf_model, &options, &session, error, sizeof error)) {
    fprintf(stderr, "%s\n", error);
    return 1;
  }
  printf("%d input, %d output, a session on %d threads\n",
         (int)hgf_tensor_count(&hgf_model, HGF_INPUT),
         (int)hgf_tensor_count(&hgf_model, HGF_OUTPUT),
         (int)hgf_session_threads(session));
  hgf_session_free(session);
  return 0;
}
