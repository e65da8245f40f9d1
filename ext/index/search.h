/* Exact nearest-neighbour search over the stored vectors. */
#ifndef KOE_INDEX_SEARCH_H
#define KOE_INDEX_SEARCH_H

#include "range.h"
#include "storage.h"

#include "../../model/vectors.h"

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
 * Can be interrupted between chunks. */
int koe_search_all(koe_index *index, const koe_index_info *info, const float *query,
                   const koe_range *range, koe_top_k *top);

/* The same with the vectors of those rows that the index has; sorts `rowids`. */
int koe_search_rows(koe_index *index, const koe_index_info *info, const float *query,
                    const koe_range *range, koe_rowids *rowids, koe_top_k *top);

#endif
