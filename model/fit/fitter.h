/* Labelled texts in, a fitted head out: what koelectra_fit does, without SQL. */
#ifndef KOE_FITTER_H
#define KOE_FITTER_H

#include "../text.h"
#include "fitted_head.h"

typedef struct koe_fitter koe_fitter;

/* Starts a fit with options, a JSON object or NULL (fit_options.h), on the embeddings of the model
 * they name, which is kept until koe_fitter_free.  Fails as koe_fit_options_parse and
 * koe_registry_acquire do. */
koe_status koe_fitter_new(const char *options, koe_fitter **out, koe_error *err);

/* Takes NULL. */
void koe_fitter_free(koe_fitter *fitter);

/* Adds a row; both texts are copied.  Texts are embedded in batches on all threads; of each row 4 ·
 * dimension bytes are kept, at most 1 GiB of them.  Fails with KOE_TOO_LONG (that limit, more than
 * 10 000 labels, a label of more than 1000 bytes), KOE_INVALID (a label with a NUL character),
 * KOE_NOMEM. */
koe_status koe_fitter_add(koe_fitter *fitter, koe_text text, koe_text label, koe_error *err);

/* Fits a head to the rows and serialises it.  `*bytes` [*size] is freed by the caller with
 * koe_free.  The rows may have come in any order: it does not change the result beyond the rounding
 * of embeddings.  Fails with KOE_INVALID where there are no rows or one label, KOE_NOMEM. */
koe_status koe_fitter_finish(koe_fitter *fitter, void **bytes, size_t *size, koe_error *err);

#endif
