/* What the readers of examples share; for examples*.c. */
#ifndef KOE_EXAMPLES_INPUT_H
#define KOE_EXAMPLES_INPUT_H

#include "examples.h"

/* Where a row stands, for messages: "train.tsv, line 7". */
typedef struct koe_place {
  const char *path;
  const char *unit; /* "line", "row", "object", "question" */
  size_t number;    /* counted from 1 */
} koe_place;

/* Fails with KOE_FORMAT and a message "PATH, UNIT NUMBER: …". */
koe_status koe_fail_at(koe_error *err, const koe_place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Which of `count` columns are the ones wanted; SIZE_MAX for those that are not wanted. */
typedef struct koe_column_places {
  size_t text, pair, label;
} koe_column_places;

/* Fails with KOE_FORMAT, naming the column that is missing or there twice. */
koe_status koe_find_columns(const koe_text *names, size_t count, const koe_columns *columns,
                            const char *path, koe_column_places *out, koe_error *err);

/* The fields of a row that are wanted; those that are not have bytes NULL. */
typedef struct koe_row {
  koe_text text, pair, label;
} koe_row;

/* Appends a row.  Fails with KOE_FORMAT (invalid UTF-8, a label that is empty or no number),
 * KOE_TOO_LONG, KOE_NOMEM. */
koe_status koe_examples_add(koe_examples *examples, const koe_row *row, koe_label_kind labels,
                            const koe_place *place, koe_error *err);

/* Appends an empty example without label. */
koe_status koe_examples_add_empty(koe_examples *examples, koe_example **out, koe_error *err);

/* Copies bytes into the set.  Fails as koe_examples_add; `what` names the text in messages. */
koe_status koe_examples_copy(koe_examples *examples, koe_text text, const char *what,
                             const koe_place *place, koe_stretch *out, koe_error *err);

/* The provisional number of a label, which is added if it is new. */
koe_status koe_examples_label(koe_examples *examples, koe_text name, const koe_place *place,
                              int32_t *out, koe_error *err);

/* The readers by format; see koe_examples_read. */
koe_status koe_examples_read_tsv(koe_examples *examples, const char *path,
                                 const koe_columns *columns, koe_error *err);
koe_status koe_examples_read_lines(koe_examples *examples, const char *path, koe_error *err);
koe_status koe_examples_read_json(koe_examples *examples, const char *path,
                                  const koe_columns *columns, koe_error *err);
koe_status koe_examples_read_json_lines(koe_examples *examples, const char *path,
                                        const koe_columns *columns, koe_error *err);

/* The lines of a file in memory, without their ends; a byte order mark before the first is
 * skipped. */
typedef struct koe_lines {
  const char *at;
  const char *end;
  size_t number; /* of the line given last, from 1 */
} koe_lines;

koe_lines koe_lines_of(const void *bytes, size_t size);

/* The next line, empty ones included.  False if there is none. */
bool koe_next_line(koe_lines *lines, koe_text *line);

#endif
