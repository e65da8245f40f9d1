/* From texts and values to vectors of an index. */
#ifndef KOE_INDEX_EMBEDDING_H
#define KOE_INDEX_EMBEDDING_H

#include "storage.h"

/* Embeds a text with the index's model.
 *
 *   out [info->dimension]   of unit length
 *
 * Fails where no model of that name is registered, and where it is not the one that made the
 * index's vectors. */
int koe_index_embed(koe_index *index, const koe_index_info *info, koe_text text, float *out);

/* The vector that MATCH searches for: text is embedded, a BLOB is a vector and is scaled to unit
 * length.  `*out` [info->dimension] is the caller's to koe_free; NULL where `value` is NULL. */
int koe_index_query(koe_index *index, const koe_index_info *info, sqlite3_value *value,
                    float **out);

#endif
