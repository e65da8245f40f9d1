/* Chooses the int8 table for the processor. */
#include "int8.h"
#include "int8_tables.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

/* Best first; portable, which runs everywhere, last. */
static const koe_int8_kernels *const tables[] = {
#if defined(__x86_64__)
    &koe_int8_avx512vnni,
#ifndef KOE_NO_AVXVNNI
    &koe_int8_avxvnni,
#endif
    &koe_int8_avx2,
#elif defined(__aarch64__)
    &koe_int8_neondot,
    &koe_int8_neon,
#endif
    &koe_int8_portable,
};

#if defined(__x86_64__) && !defined(KOE_NO_AVXVNNI)
/* Not every compiler's __builtin_cpu_supports knows this one. */
static int has_avxvnni(void) {
  unsigned eax, ebx, ecx, edx;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax & 1u << 4) != 0;
}
#endif

static int can_run(const koe_int8_kernels *kernels) {
#if defined(__x86_64__)
  if (kernels == &koe_int8_avx512vnni) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
  }
#ifndef KOE_NO_AVXVNNI
  if (kernels == &koe_int8_avxvnni) return __builtin_cpu_supports("avx2") && has_avxvnni();
#endif
  if (kernels == &koe_int8_avx2) return __builtin_cpu_supports("avx2");
#elif defined(__aarch64__) && defined(__linux__) /* Apple's all have it */
  if (kernels == &koe_int8_neondot) return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#endif
  (void)kernels;
  return 1;
}

const koe_int8_kernels *koe_int8_named(const char *name) {
  for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
    if (strcmp(tables[i]->name, name) == 0 && can_run(tables[i])) return tables[i];
  }
  return NULL;
}

const koe_int8_kernels *koe_int8_best(void) {
  const char *wanted = getenv("KOELECTRA_KERNELS");
  const koe_int8_kernels *kernels = wanted != NULL ? koe_int8_named(wanted) : NULL;
  for (size_t i = 0; kernels == NULL; i++) {
    if (can_run(tables[i])) kernels = tables[i];
  }
  return kernels;
}
