/* The arguments of CREATE VIRTUAL TABLE … USING koelectra_index(…). */
#ifndef KOE_INDEX_DEFINITION_H
#define KOE_INDEX_DEFINITION_H

#include "../../model/status.h"

#include <stdbool.h>

enum { KOE_MAX_COLUMNS = 64 }; /* beside the text */

/* A column beside the text; columns.h tells what they are for. */
typedef struct koe_index_column {
  char *name;
  const char *type; /* TEXT, INTEGER, REAL, NUMERIC, BLOB, or "" of an auxiliary column */
  bool is_auxiliary;
  bool is_partition;
  int place; /* among the metadata, m0 … of `rows`, or among the auxiliary columns, c1 … of
              * `content`
              */
} koe_index_column;

typedef struct koe_index_definition {
  char *column;              /* of texts */
  char *model;               /* registered name; "default" where none is given */
  char *content;             /* table or view that holds the texts; NULL: the index does */
  char *content_rowid;       /* its column of row numbers; NULL with `content` */
  koe_index_column *columns; /* [column_count], in the order given */
  int column_count;
  int metadata_count;
  int auxiliary_count;
  bool approximate; /* search='approximate': a search may miss rows */
} koe_index_definition;

/* Parses the arguments, each name or value bare or in '…', "…", `…` or […] as in FTS5:
 *
 *   body                       the column of texts, first of all columns
 *   stars INTEGER              metadata
 *   shop TEXT PARTITION KEY    metadata with an index of its own
 *   +url TEXT                  auxiliary; the type may be left out
 *   model = 'name'             options, anywhere
 *
 *   arguments [count]  as SQLite hands them over
 *
 * koe_index_definition_clear releases `out`, also after a failure.  Fails with KOE_INVALID (the
 * message says what is understood), KOE_UNSUPPORTED, KOE_NOMEM. */
koe_status koe_index_definition_parse(const char *const *arguments, int count,
                                      koe_index_definition *out, koe_error *err);

void koe_index_definition_clear(koe_index_definition *definition);

#endif
