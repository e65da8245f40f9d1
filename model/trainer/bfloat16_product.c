/* Chooses the bfloat16 product for the processor. */
#include "bfloat16_product.h"

koe_bfloat16_multiply *koe_bfloat16_best(void) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bf16")) {
    return koe_bfloat16_multiply_avx512;
  }
#endif
  return NULL;
}
