/* Rows on standard output. */
#ifndef KOE_CLI_OUTPUT_H
#define KOE_CLI_OUTPUT_H

#include "session.h"

/* Prints each row of a statement as a line, its columns with tabs between them, and resets it.
 * Control characters of values become spaces, unless `is_json`: then the one column is a line of
 * JSON as it is.  `*rows`, which may be NULL, is how many there were. */
koe_status koe_cli_print_rows(koe_cli_session *session, sqlite3_stmt *statement, bool is_json,
                              size_t *rows, koe_error *err);

#endif
