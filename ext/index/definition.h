/* The arguments of CREATE VIRTUAL TABLE … USING koelectra_index(…). */
#ifndef KOE_INDEX_DEFINITION_H
#define KOE_INDEX_DEFINITION_H

#include "../../model/status.h"

typedef struct koe_index_definition {
  char *column;        /* of texts */
  char *model;         /* registered name; "default" where none is given */
  char *content;       /* table or view that holds the texts; NULL: the index does */
  char *content_rowid; /* its column of row numbers; NULL with `content` */
} koe_index_definition;

/* Parses the arguments: one column name and options `name = value`, each name or value bare or in
 * '…', "…", `…` or […] as in FTS5.
 *
 *   arguments [count]  as SQLite hands them over
 *
 * koe_index_definition_clear releases `out`, also after a failure.  Fails with KOE_INVALID (the
 * message says what is understood), KOE_UNSUPPORTED, KOE_NOMEM. */
koe_status koe_index_definition_parse(const char *const *arguments, int count,
                                      koe_index_definition *out, koe_error *err);

void koe_index_definition_clear(koe_index_definition *definition);

#endif
