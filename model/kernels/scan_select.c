/* Chooses the scan table for the processor: the instruction sets are those of the int8 products. */
#include "int8.h"
#include "scan.h"
#include "scan_tables.h"

#include <stdlib.h>
#include <string.h>

/* Best first; portable, which runs everywhere, last. */
static const koe_scan_kernels *const tables[] = {
#if defined(__x86_64__)
    &koe_scan_avx512vnni,
#ifndef KOE_NO_AVXVNNI
    &koe_scan_avxvnni,
#endif
    &koe_scan_avx2,
#elif defined(__aarch64__)
    &koe_scan_neondot,
    &koe_scan_neon,
#endif
    &koe_scan_portable,
};

static int can_run(const koe_scan_kernels *kernels) {
#if defined(__x86_64__)
  /* The first processors with AVX-512 VNNI cannot count bits. */
  if (kernels == &koe_scan_avx512vnni && !__builtin_cpu_supports("avx512vpopcntdq")) return 0;
#endif
  return koe_int8_named(kernels->name) != NULL;
}

const koe_scan_kernels *koe_scan_named(const char *name) {
  for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
    if (strcmp(tables[i]->name, name) == 0 && can_run(tables[i])) return tables[i];
  }
  return NULL;
}

const koe_scan_kernels *koe_scan_best(void) {
  const char *wanted = getenv("KOELECTRA_KERNELS");
  const koe_scan_kernels *kernels = wanted != NULL ? koe_scan_named(wanted) : NULL;
  for (size_t i = 0; kernels == NULL; i++) {
    if (can_run(tables[i])) kernels = tables[i];
  }
  return kernels;
}
