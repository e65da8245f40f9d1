/* The scan tables that are compiled in on this machine. */
#ifndef KOE_SCAN_TABLES_H
#define KOE_SCAN_TABLES_H

#include "scan.h"

#if defined(__x86_64__)
extern const koe_scan_kernels koe_scan_avx2, koe_scan_avx512vnni;
#ifndef KOE_NO_AVXVNNI /* a compiler that does not know it */
extern const koe_scan_kernels koe_scan_avxvnni;
#endif
#elif defined(__aarch64__)
extern const koe_scan_kernels koe_scan_neon, koe_scan_neondot;
#endif

#endif
