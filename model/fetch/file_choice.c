#include "file_choice.h"

#include "../writer/copied_files.h"

#include <jansson.h>
#include <string.h>

/* Position of a file; `files->count` if there is none of that name. */
static size_t position(const koe_hub_files *files, const char *name) {
  size_t i = 0;
  while (i < files->count && strcmp(files->names[i], name) != 0)
    i++;
  return i;
}

static bool mark(const koe_hub_files *files, const char *name, bool *chosen) {
  size_t i = position(files, name);
  if (i == files->count) return false;
  chosen[i] = true;
  return true;
}

static koe_status fail_weights(const koe_hub_files *files, const char *repository, koe_error *err) {
  if (position(files, "tf_model.h5") < files->count) {
    return koe_fail(err, KOE_NOT_FOUND,
                    "%s has its weights in tf_model.h5 alone: fetch it with --all and convert it "
                    "with koelectra-convert",
                    repository);
  }
  return koe_fail(err, KOE_NOT_FOUND,
                  "%s has neither model.safetensors nor pytorch_model.bin: --all fetches what it "
                  "has",
                  repository);
}

static koe_status choose_weights(const koe_hub_files *files, const char *repository, bool *chosen,
                                 const char **index, koe_error *err) {
  static const struct {
    const char *name;
    bool sharded;
  } candidates[] = {
      {"model.safetensors", false},
      {"model.safetensors.index.json", true},
      {"pytorch_model.bin", false},
      {"pytorch_model.bin.index.json", true},
  };
  for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
    if (!mark(files, candidates[i].name, chosen)) continue;
    *index = candidates[i].sharded ? candidates[i].name : NULL;
    return KOE_OK;
  }
  return fail_weights(files, repository, err);
}

koe_status koe_choose_files(const koe_hub_files *files, const char *repository, bool all,
                            bool *chosen, const char **index, koe_error *err) {
  static const char *const needed[] = {"config.json", "vocab.txt"};
  static const char *const others[] = {"tokenizer_config.json",
                                       "special_tokens_map.json",
                                       "added_tokens.json",
                                       "tokenizer.json",
                                       "modules.json",
                                       "sentence_bert_config.json",
                                       "config_sentence_transformers.json",
                                       "1_Pooling/config.json"};
  *index = NULL;
  for (size_t i = 0; i < files->count; i++)
    chosen[i] = all;
  if (all) return KOE_OK;
  for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
    if (mark(files, needed[i], chosen)) continue;
    return koe_fail(err, KOE_NOT_FOUND,
                    "%s has no %s, and so is no ELECTRA model that koelectra_load reads: --all "
                    "fetches what it has",
                    repository, needed[i]);
  }
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    mark(files, others[i], chosen);
  return choose_weights(files, repository, chosen, index, err);
}

koe_status koe_choose_shards(const koe_hub_files *files, const char *snapshot, const char *index,
                             bool *chosen, koe_error *err) {
  const char *tensor;
  json_t *json, *shard;
  koe_status status = koe_read_json(snapshot, index, &json, err);
  if (status != KOE_OK) return status;
  json_t *map = json_object_get(json, "weight_map");
  if (json_object_size(map) == 0) {
    status = koe_fail(err, KOE_FORMAT, "%.200s/%s: \"weight_map\" names no files", snapshot, index);
  }
  json_object_foreach(map, tensor, shard) {
    const char *name = json_string_value(shard);
    if (name != NULL && mark(files, name, chosen)) continue;
    status = koe_fail(err, KOE_FORMAT, "%.200s/%s: tensor \"%.100s\" is in no file of the model",
                      snapshot, index, tensor);
    break;
  }
  json_decref(json);
  return status;
}
