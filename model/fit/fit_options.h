/* koelectra_fit's options. */
#ifndef KOE_FIT_OPTIONS_H
#define KOE_FIT_OPTIONS_H

#include "../status.h"

#include <stdbool.h>

typedef struct koe_fit_options {
  char *model;   /* registered name; NULL: the default one */
  double l2;     /* strength of the penalty; 0: chosen by held-out rows */
  bool balanced; /* classes weigh the same */
} koe_fit_options;

/* Reads {"model": "name", "l2": number above 0, "class_weight": "balanced"|"none"}; NULL gives
 * defaults.  The caller ends with koe_fit_options_clear, also after a failure.  Fails with
 * KOE_INVALID (naming the key), KOE_NOMEM. */
koe_status koe_fit_options_parse(const char *json, koe_fit_options *out, koe_error *err);

void koe_fit_options_clear(koe_fit_options *options);

#endif
