/* From texts and values to vectors of an index. */
#ifndef KOE_INDEX_EMBEDDING_H
#define KOE_INDEX_EMBEDDING_H

#include "storage.h"

/* The index's model; the caller ends its use with koe_registry_release.  Fails where no model of
 * that name is registered, and where it is not the one that made the index's vectors. */
int koe_index_model(koe_index *index, const koe_index_info *info, const koe_model **out);

/* Embeds a text with the index's model.
 *
 *   out [info->dimension]   of unit length.  Fails as
 * koe_index_model does. */
int koe_index_embed(koe_index *index, const koe_index_info *info, koe_text text, float *out);

/* A vector of the index that is given as a BLOB of float32, scaled to unit length.  `*out`
 * [info->dimension] is the caller's to koe_free.  Fails where the size is another, an element is
 * not finite, or all are zero; `what` is "body" or the like. */
int koe_index_vector(koe_index *index, const koe_index_info *info, sqlite3_value *value,
                     const char *what, float **out);

/* The vector that MATCH searches for: text is embedded, a BLOB is a vector and is scaled to unit
 * length.  `*out` [info->dimension] is the caller's to koe_free; NULL where `value` is NULL. */
int koe_index_query(koe_index *index, const koe_index_info *info, sqlite3_value *value,
                    float **out);

#endif
