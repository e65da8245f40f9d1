#include "entities.h"

#include "../backbone.h"
#include "../memory.h"
#include "../model_open.h"
#include "../tokenizer/unicode.h"
#include "entity_labels.h"
#include "token_reader.h"

#include <math.h>
#include <string.h>

struct koe_entities {
  koe_text text;
  koe_aggregation aggregation;
  koe_token_reader reader;
  koe_entity_label *labels; /* [outputs] */
  bool open;                /* `current` is one, and not among `found` yet */
  bool complete;            /* `current` has its last label: nothing may join it */
  koe_entity current;
  size_t pieces;     /* that current.score is the sum of */
  size_t word_end;   /* in bytes, of the token before; SIZE_MAX before the first */
  bool word_is_part; /* of `current`: the word of the token before */
  koe_entity *found; /* [count] */
  size_t count, capacity;
};

static koe_status parse_labels(koe_entities *entities, const koe_config *config, koe_error *err) {
  koe_label_spelling spelling = koe_label_spelling_of(config);
  entities->labels = koe_alloc((size_t)config->num_labels, sizeof *entities->labels);
  if (entities->labels == NULL) return koe_fail_nomem(err);
  for (int32_t i = 0; i < config->num_labels; i++)
    entities->labels[i] = koe_entity_label_parse(config->labels[i], spelling);
  return KOE_OK;
}

koe_status koe_entities_open(const koe_model *model, koe_text text, koe_entities **out,
                             koe_error *err) {
  *out = NULL;
  if (!koe_model_has(model, KOE_HEAD_ENTITIES)) {
    return koe_model_no_head(model, KOE_HEAD_ENTITIES, err);
  }
  if (koe_model_config(model)->labels == NULL) {
    return koe_fail(err, KOE_UNSUPPORTED,
                    "config.json does not name the labels of the model: add \"id2label\", "
                    "{\"0\": \"O\", \"1\": \"PER-B\", …}");
  }
  koe_entities *entities = koe_alloc_zero(1, sizeof *entities);
  if (entities == NULL) return koe_fail_nomem(err);
  entities->text = text;
  entities->aggregation = koe_model_aggregation(model);
  entities->word_end = SIZE_MAX;
  koe_token_reader_start(&entities->reader, model, &koe_model_backbone(model)->entities, text);
  koe_status status = parse_labels(entities, koe_model_config(model), err);
  if (status != KOE_OK) {
    koe_entities_free(entities);
    return status;
  }
  *out = entities;
  return KOE_OK;
}

void koe_entities_free(koe_entities *entities) {
  if (entities == NULL) return;
  koe_token_reader_stop(&entities->reader);
  koe_free(entities->labels);
  koe_free(entities->found);
  koe_free(entities);
}

/* Ends the entity that is open, if one is. */
static koe_status close_entity(koe_entities *entities, koe_error *err) {
  if (!entities->open) return KOE_OK;
  entities->open = false;
  entities->current.score /= (double)entities->pieces;
  if (!koe_grow(&entities->found, &entities->capacity, entities->count + 1,
                sizeof *entities->found)) {
    return koe_fail_nomem(err);
  }
  entities->found[entities->count++] = entities->current;
  return KOE_OK;
}

static void extend(koe_entities *entities, const koe_token *token, koe_byte_range bytes) {
  koe_entity *entity = &entities->current;
  if (token->end > entity->end) entity->end = token->end;
  size_t length = (size_t)(entities->text.bytes + bytes.end - entity->text.bytes);
  if (length > entity->text.length) entity->text.length = length;
}

static bool same_type(koe_text a, koe_text b) {
  return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

/* Takes a word, or a token that counts by itself, with its label. */
static koe_status take(koe_entities *entities, const koe_token *token, koe_byte_range bytes,
                       koe_entity_label label, double score, koe_error *err) {
  bool goes_on = entities->open && !entities->complete &&
                 (label.mark == KOE_MARK_INSIDE || label.mark == KOE_MARK_END) &&
                 same_type(label.type, entities->current.type);
  if (!goes_on) {
    koe_status status = close_entity(entities, err);
    if (status != KOE_OK) return status;
  }
  entities->word_is_part = label.mark != KOE_MARK_OUTSIDE;
  if (label.mark == KOE_MARK_OUTSIDE) return KOE_OK;
  if (!goes_on) {
    entities->current = (koe_entity){.type = label.type, .start = token->start, .end = token->end};
    entities->current.text = (koe_text){entities->text.bytes + bytes.begin, 0};
    entities->pieces = 0;
    entities->open = true;
  }
  entities->complete = label.mark == KOE_MARK_END || label.mark == KOE_MARK_SINGLE;
  entities->current.score += score;
  entities->pieces++;
  extend(entities, token, bytes);
  return KOE_OK;
}

/* Whether white space stands in bytes [begin, end) of the text. */
static bool has_space(koe_text text, size_t begin, size_t end) {
  while (begin < end) {
    uint32_t character;
    begin += koe_utf8_decode(text.bytes + begin, text.length - begin, &character);
    if (koe_classify_character(character) == KOE_CHAR_SPACE) return true;
  }
  return false;
}

/* The largest of the logits [outputs], and its probability. */
static size_t find_label(const float *logits, size_t outputs, double *probability) {
  size_t largest = koe_model_largest(logits, outputs);
  double sum = 0;
  for (size_t i = 0; i < outputs; i++)
    sum += exp((double)logits[i] - logits[largest]);
  *probability = 1 / sum;
  return largest;
}

static koe_status take_token(koe_entities *entities, const koe_token *token, koe_byte_range bytes,
                             const float *logits, koe_error *err) {
  size_t before = entities->word_end;
  bool first = entities->aggregation == KOE_AGGREGATE_TOKENS || before == SIZE_MAX ||
               has_space(entities->text, before, bytes.begin);
  entities->word_end = bytes.end;
  if (!first) {
    if (entities->word_is_part) extend(entities, token, bytes);
    return KOE_OK;
  }
  double score;
  size_t label = find_label(logits, entities->reader.head->outputs.out_features, &score);
  return take(entities, token, bytes, entities->labels[label], score, err);
}

koe_status koe_entities_next(koe_entities *entities, const koe_entity **out, size_t *count,
                             bool *done, koe_error *err) {
  const koe_token_reader *reader = &entities->reader;
  entities->count = 0;
  koe_status status = koe_token_reader_next(&entities->reader, NULL, err);
  size_t outputs = reader->head->outputs.out_features;
  for (size_t w = 0; w < reader->count && status == KOE_OK; w++) {
    const koe_window *window = &reader->items[w];
    const float *logits = koe_token_reader_logits(reader, w, NULL);
    for (size_t i = window->begin; i < window->end && status == KOE_OK; i++) {
      status =
          take_token(entities, &window->tokens[i], window->bytes[i], logits + i * outputs, err);
    }
  }
  *done = reader->windows.ended;
  if (status == KOE_OK && *done) status = close_entity(entities, err);
  *out = entities->found;
  *count = entities->count;
  return status;
}
