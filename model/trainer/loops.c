/* Chooses the loops for the processor. */
#include "loops.h"

const koe_loops *koe_loops_best(void) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return &koe_loops_avx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &koe_loops_avx2;
#endif
  return &koe_loops_generic;
}
