/* The twelve models of KoELECTRA's README at their true sizes, with weights that cost nothing to
 * make, in every file format. */
#ifndef KOE_FAMILY_MODEL_H
#define KOE_FAMILY_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What config.json of the hub's repository says. */
typedef struct family_model {
  const char *name; /* of the repository, without "monologg/" */
  int vocab_size, embedding_size, hidden_size, heads, intermediate_size;
  bool generator;
} family_model;

enum { FAMILY_MODELS = 12, FAMILY_LAYERS = 12, FAMILY_POSITIONS = 512 };

/* A discriminator and its generator are neighbours. */
extern const family_model family_models[FAMILY_MODELS];

/* A parameter, under Hugging Face's name. */
typedef struct family_tensor {
  char name[96];
  int dims;
  int64_t shape[2];
  size_t count; /* elements */
  size_t seed;
} family_tensor;

enum { FAMILY_MAX_TENSORS = 256 };

/* All parameters of a model; returns how many. */
size_t family_tensors(const family_model *model, family_tensor out[FAMILY_MAX_TENSORS]);

/* Elements [first, first + count) of a parameter: small numbers, for LayerNorm's weights near 1.
 * The embeddings of a generator are its discriminator's. */
void family_fill(const family_tensor *tensor, size_t first, size_t count, float *out);

/* ── files: each fails the test if it cannot be written ─────────────────────────────────────────
 */

/* config.json, tokenizer_config.json and a vocab.txt of as many words as the model has. */
void family_write_config(const family_model *model, const char *directory);

/* pytorch_model.bin as the hub has it: the legacy pickle, with position_ids, and with a generator's
 * output matrix that shares its storage with the word embeddings. */
void family_write_legacy(const family_model *model, const char *directory);

/* The same as a zip archive. */
void family_write_zip(const family_model *model, const char *directory);

/* Three shards of safetensors and their index. */
void family_write_sharded(const family_model *model, const char *directory);

/* model.ckpt-1000000 of both models. */
void family_write_bundle(const family_model *discriminator, const family_model *generator,
                         const char *directory);

/* tf_model.h5.  False in a build without libhdf5. */
bool family_write_hdf5(const family_model *model, const char *directory);

#endif
