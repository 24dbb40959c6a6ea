/* Runs the limits' loops of the levels that are named. */
#include "Limits.h"

#include <stdio.h>

int main(int argc, char **argv) {
  for (int i = 1; i < argc; ++i) {
    for (int is_float = 0; is_float < 2; ++is_float) {
      const hgf_dot_loop *loop = hgf_find_dot_loop(argv[i], is_float);
      loop->run(100);
      printf("%s%s: %s, %d multiply-adds\n", argv[i],
             hgf_has_dot_loop(argv[i]) ? "" : " (unknown)", loop->name,
             (int)loop->multiply_adds);
    }
  }
  return 0;
}
