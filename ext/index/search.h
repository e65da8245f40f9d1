/* Nearest-neighbour search over the stored vectors.
 *
 * Where the image of the index is in memory or fits there (image.h), a scan of its codes finds
 * candidates, which are ranked by their stored float32; otherwise all vectors are read.  What is
 * found is the same, bit for bit, unless the index is approximate. */
#ifndef KOE_INDEX_SEARCH_H
#define KOE_INDEX_SEARCH_H

#include "range.h"
#include "storage.h"

#include "../../model/search/vectors.h"

/* Row numbers, in any order, repeated or not. */
typedef struct koe_rowids {
  int64_t *items;
  size_t count;
  size_t capacity;
} koe_rowids;

/* Offers every vector of the index that is in the range to `top`.
 *
 *   query [info->dimension]   of unit length
 *
 * Can be interrupted between chunks that are read. */
int koe_search_all(koe_index *index, const koe_index_info *info, const float *query,
                   const koe_range *range, koe_top_k *top);

/* Chosen slots, (chunk id - 1) · KOE_CHUNK_SLOTS + place, in any order, repeated or not. */
typedef struct koe_slots {
  int64_t *items; /* koe_grow; the caller frees it */
  size_t count;
  size_t capacity;
} koe_slots;

/* The same with the vectors in those slots that are in the range, as `SELECT slot FROM $rows
 * WHERE …` gives them.  Which row a slot belongs to is what its chunk says; a slot that is not live
 * is damage.  May sort `slots`. */
int koe_search_slots(koe_index *index, const koe_index_info *info, const float *query,
                     const koe_range *range, koe_slots *slots, koe_top_k *top);

/* The same with the vectors of those rows that the index has; sorts `rowids`. */
int koe_search_rows(koe_index *index, const koe_index_info *info, const float *query,
                    const koe_range *range, koe_rowids *rowids, koe_top_k *top);

#endif
