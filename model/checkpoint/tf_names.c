#include "tf_names.h"

#include <ctype.h>
#include <string.h>

koe_electra_part koe_part_of_architecture(const char *architecture) {
  bool generator = architecture != NULL && strcmp(architecture, "ElectraForMaskedLM") == 0;
  return generator ? KOE_PART_GENERATOR : KOE_PART_DISCRIMINATOR;
}

/* A name under construction: components joined by dots.  `full` once it does not fit. */
typedef struct builder {
  koe_parameter_name *out;
  size_t length;
  bool full;
} builder;

static void append(builder *b, const char *bytes, size_t length) {
  bool dot = b->length > 0;
  if (length + dot > KOE_TENSOR_MAX_NAME - b->length) {
    b->full = true;
    return;
  }
  if (dot) b->out->bytes[b->length++] = '.';
  memcpy(b->out->bytes + b->length, bytes, length);
  b->length += length;
  b->out->bytes[b->length] = '\0';
}

static void append_string(builder *b, const char *string) {
  append(b, string, strlen(string));
}

static bool equal(const char *bytes, size_t length, const char *string) {
  return length == strlen(string) && memcmp(bytes, string, length) == 0;
}

static bool begins(const char *bytes, size_t length, const char *start) {
  return length >= strlen(start) && memcmp(bytes, start, strlen(start)) == 0;
}

static bool ends(const char *bytes, size_t length, const char *end) {
  return length >= strlen(end) && memcmp(bytes + length - strlen(end), end, strlen(end)) == 0;
}

static bool is_number(const char *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (!isdigit((unsigned char)bytes[i])) return false;
  }
  return length > 0;
}

/* The last component: what kind of parameter.  False if it is none. */
static bool append_kind(builder *b, const char *bytes, size_t length) {
  if (equal(bytes, length, "kernel")) {
    b->out->kernel = true;
    append_string(b, "weight");
  } else if (equal(bytes, length, "gamma") || equal(bytes, length, "weight") ||
             equal(bytes, length, "embeddings")) {
    append_string(b, "weight");
  } else if (equal(bytes, length, "beta") || equal(bytes, length, "bias")) {
    append_string(b, "bias");
  } else if (ends(bytes, length, "_embeddings")) {
    append(b, bytes, length);
    append_string(b, "weight");
  } else {
    return false;
  }
  return true;
}

/* A component before the last. */
static void append_scope(builder *b, const char *bytes, size_t length) {
  static const char layer[] = "layer_", keras_layer[] = "layer_._";
  size_t start = begins(bytes, length, keras_layer) ? strlen(keras_layer) : strlen(layer);
  if (begins(bytes, length, layer) && is_number(bytes + start, length - start)) {
    append_string(b, "layer");
    append(b, bytes + start, length - start);
  } else if (equal(bytes, length, "dense_1")) { /* what TensorFlow calls a second dense() */
    append_string(b, "dense_prediction");
  } else {
    append(b, bytes, length);
  }
}

/* Translates `length` bytes of components that slashes separate. */
static bool translate(const char *name, size_t length, builder *b) {
  size_t begin = 0;
  for (size_t i = 0; i < length; i++) {
    if (name[i] != '/') continue;
    append_scope(b, name + begin, i - begin);
    begin = i + 1;
  }
  return append_kind(b, name + begin, length - begin) && !b->full;
}

/* The rest of a name behind one of its prefixes, or NULL. */
static const char *behind(const char *name, const char *prefix) {
  size_t length = strlen(prefix);
  return strncmp(name, prefix, length) == 0 ? name + length : NULL;
}

static bool is_embedding(const char *rest) {
  return behind(rest, "embeddings/") != NULL;
}

/* The rest of a generator's name behind "electra.", or NULL. */
static const char *generator_rest(const koe_tf_naming *naming, const char *name) {
  const char *own = behind(name, "generator/"), *shared = behind(name, "electra/");
  if (own != NULL) {
    bool known = is_embedding(own) ? naming->own_embeddings : naming->own_encoder;
    return known ? own : NULL;
  }
  if (shared == NULL) return NULL;
  if (is_embedding(shared)) return naming->own_embeddings ? NULL : shared;
  return naming->own_encoder ? NULL : shared;
}

bool koe_tf_parameter(const koe_tf_naming *naming, const char *name, koe_parameter_name *out) {
  bool generator = naming->part == KOE_PART_GENERATOR;
  const char *head = generator ? "generator_predictions/" : "discriminator_predictions/";
  const char *rest = generator ? generator_rest(naming, name) : behind(name, "electra/");
  builder b = {.out = out};
  memset(out, 0, sizeof *out);
  if (generator && strcmp(name, "generator_predictions/output_bias") == 0) {
    append_string(&b, "generator_lm_head.bias");
    return true;
  }
  if (rest != NULL) {
    append_string(&b, "electra");
    return translate(rest, strlen(rest), &b);
  }
  return behind(name, head) != NULL && translate(name, strlen(name), &b);
}

bool koe_keras_parameter(const char *name, koe_parameter_name *out) {
  builder b = {.out = out};
  const char *model_end = strchr(name, '/');
  memset(out, 0, sizeof *out);
  if (model_end == NULL) return false;
  size_t length = strlen(model_end + 1);
  if (ends(model_end + 1, length, ":0")) length -= 2; /* the output of the variable's operation */
  return translate(model_end + 1, length, &b);
}
