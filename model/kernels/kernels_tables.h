/* The tables that are compiled in on this machine. */
#ifndef KOE_KERNELS_TABLES_H
#define KOE_KERNELS_TABLES_H

#include "kernels.h"

#if defined(__x86_64__)
extern const koe_kernels koe_kernels_avx2, koe_kernels_avx512;
#elif defined(__aarch64__)
extern const koe_kernels koe_kernels_neon;
#endif

#endif
