/* What every processor of the architecture runs. */
#define LOOPS_NAME  "generic"
#define LOOPS_TABLE koe_loops_generic
#include "loops_body.h"
