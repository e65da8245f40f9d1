/* Named entities of a text, by a token classifier: a checkpoint fine-tuned for NER.
 *
 *   SELECT entity, text, score, start, "end"
 *   FROM koelectra_entities('송인영은 5년 전 CJ에 입사했다.', 'naver-ner');
 *
 *   PER  송인영은  0.998  0   4
 *   DAT  5년 전    0.91   5   9
 *   ORG  CJ에      0.97   10  13
 *
 *   SELECT r.id, e.entity, e.text FROM review r, koelectra_entities(r.body, 'naver-ner') e;
 *
 * koelectra_entities(input [, model]): a row for each entity, in the order of the text.  score is
 * the mean probability of its labels; start and end count characters, from 0, as koelectra_tokens
 * does.  An entity is made of whole words, each labelled by its first token, for models whose
 * labels are spelled PER-B, as KoELECTRA's are, and of tokens for those of B-PER;
 * koelectra_load(name, directory, '{"aggregation": "word"}'), or "token", says otherwise.
 *
 * A text longer than the model reads goes through it in overlapping windows.  NULL has no rows. */
#include "table_function.h"

#include "../model/tasks/entities.h"

SQLITE_EXTENSION_INIT3

typedef struct entity_rows {
  koe_entities *entities;
  const koe_entity *items; /* of the part at hand */
} entity_rows;

static void clear(void *rows) {
  koe_entities_free(((entity_rows *)rows)->entities);
}

enum { INPUT_ARGUMENT, MODEL_ARGUMENT };

static koe_status start(koe_table_use *use, sqlite3_value *const *arguments, void *rows, bool *done,
                        koe_error *err) {
  entity_rows *r = rows;
  koe_text text;
  const koe_model *model;
  koe_status status = koe_text_argument(arguments[INPUT_ARGUMENT], "input", &text, done, err);
  if (status != KOE_OK || *done) return status;
  status = koe_table_model(use, arguments[MODEL_ARGUMENT], &model, err);
  if (status != KOE_OK) return status;
  return koe_entities_open(model, text, &r->entities, err);
}

static koe_status more(void *rows, size_t *count, bool *done, koe_error *err) {
  entity_rows *r = rows;
  return koe_entities_next(r->entities, &r->items, count, done, err);
}

enum { ENTITY, TEXT, SCORE, START, END };

static void value(sqlite3_context *context, const void *rows, size_t row, int column) {
  const koe_entity *entity = &((const entity_rows *)rows)->items[row];
  switch (column) {
  case ENTITY:
    koe_text_result(context, entity->type);
    break;
  case TEXT:
    koe_text_result(context, entity->text);
    break;
  case SCORE:
    sqlite3_result_double(context, entity->score);
    break;
  case START:
    sqlite3_result_int64(context, entity->start);
    break;
  case END:
    sqlite3_result_int64(context, entity->end);
    break;
  }
}

int koe_register_entities(sqlite3 *db) {
  static const char *const columns[] = {"entity TEXT",   "text TEXT",       "score REAL",
                                        "start INTEGER", "\"end\" INTEGER", NULL};
  static const char *const arguments[] = {"input", "model", NULL};
  static const koe_table_function entities = {.name = "koelectra_entities",
                                              .columns = columns,
                                              .arguments = arguments,
                                              .required = 1,
                                              .innocuous = true,
                                              .rows_size = sizeof(entity_rows),
                                              .start = start,
                                              .more = more,
                                              .value = value,
                                              .clear = clear};
  return koe_register_table_function(db, &entities);
}
