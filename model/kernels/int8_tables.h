/* The int8 tables that are compiled in on this machine. */
#ifndef KOE_INT8_TABLES_H
#define KOE_INT8_TABLES_H

#include "int8.h"

#if defined(__x86_64__)
extern const koe_int8_kernels koe_int8_avx2, koe_int8_avx512vnni;
#ifndef KOE_NO_AVXVNNI /* a compiler that does not know it */
extern const koe_int8_kernels koe_int8_avxvnni;
#endif
#elif defined(__aarch64__)
extern const koe_int8_kernels koe_int8_neon, koe_int8_neondot;
#endif

#endif
