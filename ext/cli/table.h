/* Looking at a user's tables before anything is done to them, so that a name that is wrong is
 * answered with those that there are.  Names are those of SQL: their case does not matter. */
#ifndef KOE_CLI_TABLE_H
#define KOE_CLI_TABLE_H

#include "session.h"

/* Fails unless there is such a table or view; `*is_view` may be NULL where a view is a fault. */
koe_status koe_cli_check_table(koe_cli_session *session, const char *table, bool *is_view,
                               koe_error *err);

/* Fails unless there is an index of koelectra_index of that name. */
koe_status koe_cli_check_index(koe_cli_session *session, const char *index, koe_error *err);

koe_status koe_cli_has_column(koe_cli_session *session, const char *table, const char *column,
                              bool *out, koe_error *err);
koe_status koe_cli_check_column(koe_cli_session *session, const char *table, const char *column,
                                koe_error *err);

/* What tells one row from another: `id` where it is given, if no two rows can have the same; else
 * the primary key, if it is one column, or a name of rowid that no column has taken.  `*out` is for
 * sqlite3_free. */
koe_status koe_cli_row_name(koe_cli_session *session, const char *table, const char *id, char **out,
                            koe_error *err);

/* Fails unless `where` is one SQL expression on a table's columns. */
koe_status koe_cli_check_where(koe_cli_session *session, const char *table, const char *where,
                               koe_error *err);

#endif
