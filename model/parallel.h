/* Spreads independent pieces of work over threads. */
#ifndef KOE_PARALLEL_H
#define KOE_PARALLEL_H

#include "status.h"

#include <stddef.h>

/* One piece of work: called with each index once, on any of the threads. */
typedef koe_status (*koe_task)(void *context, size_t index, koe_error *err);

/* Runs task(context, 0 … count - 1) on up to `threads` threads, the calling one included, and
 * returns when all have ended.  After the first failure no new index is started; its status and
 * message are returned.  Threads live for the call only, so that a process that forks, or unloads
 * the library, has none of ours; if the system refuses one, fewer do the work. */
koe_status koe_parallel(size_t count, size_t threads, koe_task task, void *context, koe_error *err);

#endif
