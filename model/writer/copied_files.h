/* What a directory made from another keeps of it. */
#ifndef KOE_COPIED_FILES_H
#define KOE_COPIED_FILES_H

#include "../status.h"

#include <jansson.h>

/* Fails with KOE_INVALID if both paths mean one directory: writing over the mapped input would
 * destroy it. */
koe_status koe_check_apart(const char *in, const char *out, koe_error *err);

/* Copies `in`/`name` to `out`, or nothing where it is not there.  Fails with KOE_IO, KOE_NOMEM. */
koe_status koe_copy_file(const char *in, const char *out, const char *name, koe_error *err);

/* The JSON object in `in`/`name`, for the caller to drop; NULL where the file is not there.  Fails
 * with KOE_IO, KOE_FORMAT, KOE_NOMEM. */
koe_status koe_read_json(const char *in, const char *name, json_t **out, koe_error *err);

/* Copies what there is of vocab.txt, tokenizer.json, tokenizer_config.json,
 * special_tokens_map.json, modules.json and 1_Pooling/config.json.  Fails as koe_copy_file does. */
koe_status koe_copy_tokenizer_files(const char *in, const char *out, koe_error *err);

/* The same, and config.json, in which "torch_dtype" then is `torch_dtype`. */
koe_status koe_copy_model_files(const char *in, const char *out, const char *torch_dtype,
                                koe_error *err);

#endif
