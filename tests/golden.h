/* What PyTorch computed: the expected.json in the directory of a model (reference/README.md). */
#ifndef KOE_TEST_GOLDEN_H
#define KOE_TEST_GOLDEN_H

#include "../model/batch.h"

#include <jansson.h>

/* Its cases, at least one; the caller drops the reference. */
json_t *load_cases(const char *directory);

/* Appends the tokens of a case, its input_ids and token_type_ids. */
void append_case(koe_batch *batch, const json_t *item);

/* Prints the largest difference of a comparison, with KOELECTRA_DIFFERENCES=1 in the environment.
 */
void report_difference(const char *what, double largest);

#endif
