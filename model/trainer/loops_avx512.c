/* AVX-512 (F, BW, DQ, VL). */
#define LOOPS_NAME  "avx512"
#define LOOPS_TABLE koe_loops_avx512
#include "loops_body.h"
