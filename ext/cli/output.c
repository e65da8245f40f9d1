#include "output.h"

#include <stdio.h>

/* A terminal obeys control characters, and a reader of lines ends at them. */
static void print_value(sqlite3_stmt *statement, int column, bool is_json) {
  const unsigned char *text = sqlite3_column_text(statement, column);
  int length = sqlite3_column_bytes(statement, column);
  if (is_json) {
    fwrite(text, 1, (size_t)length, stdout);
    return;
  }
  for (int i = 0; i < length; i++) {
    /* U+0080 to U+009F are control characters too: C2 80 to C2 9F. */
    bool two = text[i] == 0xC2 && i + 1 < length && text[i + 1] < 0xA0;
    if (two) i++;
    putchar(two || text[i] < ' ' || text[i] == 0x7F ? ' ' : text[i]);
  }
}

koe_status koe_cli_print_rows(koe_cli_session *session, sqlite3_stmt *statement, bool is_json,
                              size_t *rows, koe_error *err) {
  int columns = sqlite3_column_count(statement);
  bool row = true;
  size_t count = 0;
  for (;;) {
    koe_status status = koe_cli_step(session, statement, &row, err);
    if (status != KOE_OK) return status;
    if (!row) break;
    for (int i = 0; i < columns; i++) {
      if (i > 0) putchar('\t');
      print_value(statement, i, is_json);
    }
    putchar('\n');
    count++;
  }
  if (rows != NULL) *rows = count;
  if (ferror(stdout) != 0) return koe_fail(err, KOE_IO, "the output cannot be written");
  return KOE_OK;
}
