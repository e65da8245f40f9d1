/* Chooses the kernel table for the processor. */
#include "kernels.h"
#include "kernels_tables.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

/* Best first; portable, which runs everywhere, last. */
static const koe_kernels *const tables[] = {
#if defined(__x86_64__)
    &koe_kernels_avx512,
    &koe_kernels_avx2,
#elif defined(__aarch64__)
    &koe_kernels_neon,
#endif
    &koe_kernels_portable,
};

#if defined(__x86_64__)
/* Not every compiler's __builtin_cpu_supports knows this one. */
static int has_f16c(void) {
  unsigned eax, ebx, ecx, edx;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & 1u << 29) != 0;
}
#endif

static int can_run(const koe_kernels *kernels) {
#if defined(__x86_64__)
  if (kernels == &koe_kernels_avx512) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  }
  if (kernels == &koe_kernels_avx2) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
  }
#endif
  (void)kernels;
  return 1;
}

const koe_kernels *koe_kernels_named(const char *name) {
  for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
    if (strcmp(tables[i]->name, name) == 0 && can_run(tables[i])) return tables[i];
  }
  return NULL;
}

const koe_kernels *koe_kernels_best(void) {
  const char *wanted = getenv("KOELECTRA_KERNELS");
  const koe_kernels *kernels = wanted != NULL ? koe_kernels_named(wanted) : NULL;
  for (size_t i = 0; kernels == NULL; i++) {
    if (can_run(tables[i])) kernels = tables[i];
  }
  return kernels;
}
