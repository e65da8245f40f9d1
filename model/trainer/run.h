/* A whole training, as the program runs it. */
#ifndef KOE_TRAINER_RUN_H
#define KOE_TRAINER_RUN_H

#include "options.h"

/* Reads data, trains, evaluates and writes what `options` say; progress goes to standard error,
 * scores to standard output.  SIGINT and SIGTERM end it after the step, saved to resume:
 * `*interrupted` is then true.  Fails as everything below it. */
koe_status koe_run(const koe_run_options *options, bool *interrupted, koe_error *err);

#endif
