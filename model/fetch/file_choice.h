/* Which files of a model are fetched: those that koelectra_load and the tokenizers of Hugging
 * Face's tools read, and the weights in one format, that of ../checkpoint/weight_files.h's first
 * choice. */
#ifndef KOE_FETCH_FILE_CHOICE_H
#define KOE_FETCH_FILE_CHOICE_H

#include "../status.h"
#include "hub.h"

#include <stdbool.h>
#include <stddef.h>

/* Marks in `chosen` [files->count] what to fetch: all, or the choice.  `*index` is then the index
 * of sharded weights, whose shards koe_choose_shards adds; NULL where they are one file.  Fails
 * with KOE_NOT_FOUND if there is no config.json, vocab.txt or weight file. */
koe_status koe_choose_files(const koe_hub_files *files, const char *repository, bool all,
                            bool *chosen, const char **index, koe_error *err);

/* Marks in `chosen` the shards that an index names, once it is in `snapshot`.  Fails with KOE_IO,
 * KOE_FORMAT (the index names no files of the model), KOE_NOMEM. */
koe_status koe_choose_shards(const koe_hub_files *files, const char *snapshot, const char *index,
                             bool *chosen, koe_error *err);

#endif
