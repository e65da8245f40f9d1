/* Training examples in memory: texts, pairs of texts, labels, tags of words, answers to questions.
 *
 * Whatever the source, all bytes of text are in one buffer and examples point into it by offset.
 * Readers append, so several sources make one set; koe_examples_finish ends that.
 *
 *   koe_examples train = {0}, dev = {0};
 *   koe_columns columns = {.text = "text", .label = "label", .labels = KOE_LABELS_CLASSES};
 *   koe_examples_read(&train, "train.tsv", &columns, err);
 *   koe_examples_finish(&train, NULL, err);
 *   koe_examples_read(&dev, "dev.tsv", &columns, err);
 *   koe_examples_finish(&dev, &train, err);                    the same numbers for the same labels
 */
#ifndef KOE_EXAMPLES_H
#define KOE_EXAMPLES_H

#include "../status.h"
#include "../text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A stretch of koe_examples.bytes. */
typedef struct koe_stretch {
  size_t offset;
  size_t length; /* bytes */
} koe_stretch;

/* A word of a text and its tag (token classification). */
typedef struct koe_tagged_word {
  uint32_t start; /* bytes of the text */
  uint32_t end;
  int32_t tag; /* number of its name in koe_examples.labels */
} koe_tagged_word;

/* An answer to a question (extractive QA). */
typedef struct koe_gold_answer {
  koe_stretch text;
  size_t start; /* bytes of the context where it begins */
} koe_gold_answer;

typedef struct koe_example {
  koe_stretch text; /* of QA: the question */
  koe_stretch pair; /* of QA: the context, shared by its questions; length 0 if there is none */
  int32_t label;    /* number of its name in koe_examples.labels; -1 if there is none */
  float number;     /* a label that is a number (regression) */
  size_t words;     /* koe_examples.words[words … words + word_count - 1] */
  size_t word_count;
  size_t answers; /* koe_examples.answers[answers … answers + answer_count - 1] */
  size_t answer_count;
} koe_example;

/* All zero is an empty set. */
typedef struct koe_examples {
  char *bytes;
  size_t byte_count, byte_capacity;
  koe_example *items;
  size_t count, capacity;
  koe_tagged_word *words;
  size_t word_count, word_capacity;
  koe_gold_answer *answers;
  size_t answer_count, answer_capacity;
  char **labels; /* [num_labels]; after koe_examples_finish sorted by their bytes */
  size_t num_labels, label_capacity;
  uint32_t *label_slots; /* [label_slot_count] hash table: number + 1, or 0 */
  size_t label_slot_count;
} koe_examples;

typedef enum koe_label_kind {
  KOE_LABELS_NONE,
  KOE_LABELS_CLASSES, /* names */
  KOE_LABELS_NUMBERS
} koe_label_kind;

/* Which columns of a table are what; of a JSON object: keys, where "labels.label" is the key
 * "label" of the object at "labels". */
typedef struct koe_columns {
  const char *text;
  const char *pair;  /* NULL: single texts */
  const char *label; /* NULL where `labels` is KOE_LABELS_NONE */
  koe_label_kind labels;
} koe_columns;

/* Appends the examples of a file, by the end of its name:
 *
 *   .tsv           a line with the names of the columns, then a row a line, fields separated by
 *                  tabs; nothing is quoted or escaped
 *   .jsonl         an object a line
 *   .json          an array of objects
 *   .txt           a text a line; no labels; empty lines are skipped
 *
 * Every reader fails with KOE_IO (no such file), KOE_FORMAT (a column missing, a row with too many
 * or too few fields, a null, a label that is no number, invalid UTF-8, no rows: the message says
 * where), KOE_TOO_LONG (a text of 2 GB), KOE_NOMEM.  After a failure the set can only be cleared.
 */
koe_status koe_examples_read(koe_examples *examples, const char *path, const koe_columns *columns,
                             koe_error *err);

/* Appends the rows of a query that reads from a database; names of columns are those of the result.
 * The database is opened for reading.  Also fails with KOE_INVALID (SQL that fails or writes). */
koe_status koe_examples_read_database(koe_examples *examples, const char *path, const char *query,
                                      const koe_columns *columns, koe_error *err);

/* Appends sentences with a tag for each word: on a line the sentence, its words separated by single
 * spaces, a tab, and as many tags.  No line with names. */
koe_status koe_examples_read_tagged(koe_examples *examples, const char *path, koe_error *err);

/* Appends the questions of a file in SQuAD's format, which is KorQuAD's.  Fails also where an
 * answer is not in its context at answer_start. */
koe_status koe_examples_read_questions(koe_examples *examples, const char *path, koe_error *err);

/* Gives labels their numbers: in the order of their bytes, or where `same` is not NULL those that
 * they have in that finished set.  Fails with KOE_INVALID (no examples; a label that `same` does
 * not have), KOE_NOMEM. */
koe_status koe_examples_finish(koe_examples *examples, const koe_examples *same, koe_error *err);

/* Frees all and leaves the set empty. */
void koe_examples_clear(koe_examples *examples);

/* The bytes of a stretch; valid until something is appended. */
static inline koe_text koe_examples_text(const koe_examples *examples, koe_stretch stretch) {
  return (koe_text){examples->bytes + stretch.offset, stretch.length};
}

#endif
