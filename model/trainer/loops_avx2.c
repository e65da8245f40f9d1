/* AVX2 and FMA. */
#define LOOPS_NAME  "avx2"
#define LOOPS_TABLE koe_loops_avx2
#include "loops_body.h"
