/* What a model computed of the texts it read last: a text is encoded once for all functions of a
 * row, and rows that repeat one do not encode it again.
 *
 * At most 256 texts and 1 MiB: enough for a column of categories and for the constant side of a
 * comparison, little beside any model, and so few that looking takes a thousandth of encoding.
 * The text used longest ago goes first; one that is larger than all that is not kept.
 *
 * A text is known by its bytes, those of its pair, and the opened model (koe_model_serial), to
 * which nothing here refers: models go when their last user goes, as ever.  Failures are not kept.
 * For one thread at a time. */
#ifndef KOE_RECENT_TEXTS_H
#define KOE_RECENT_TEXTS_H

#include "model.h"
#include "status.h"
#include "text.h"

#include <stddef.h>

typedef struct koe_recent_texts koe_recent_texts;

/* Fails with KOE_NOMEM. */
koe_status koe_recent_texts_new(koe_recent_texts **out, koe_error *err);

/* Takes NULL. */
void koe_recent_texts_free(koe_recent_texts *recent);

enum { KOE_RECENT_AT_ONCE = 2 };

/* As koe_model_run for 1 … KOE_RECENT_AT_ONCE texts, without encoding those that are known.
 * One that is not is encoded for everything the model computes, and kept.  Fails as
 * koe_model_run. */
koe_status koe_recent_texts_run(koe_recent_texts *recent, const koe_model *model,
                                const koe_text *texts, const koe_text *pairs, size_t count,
                                const koe_outputs *out, koe_error *err);

#endif
