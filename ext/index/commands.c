#include "commands.h"

#include "rowid.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

/* For triggers written as for FTS5's external content: the old text is not needed here. */
static int delete_row(koe_index *index, sqlite3_value *value) {
  int64_t rowid;
  if (index->definition.content == NULL) {
    return koe_index_fail(index, SQLITE_ERROR,
                          "'delete' is for an index with content='table': use "
                          "DELETE");
  }
  if (!koe_rowid_of_value(value, &rowid)) {
    return koe_index_fail(index, SQLITE_ERROR,
                          "'delete' needs a rowid: INSERT INTO %s(%s, rowid) "
                          "VALUES('delete', …)",
                          index->name, index->name);
  }
  return koe_index_delete_row(index, rowid);
}

int koe_index_command(koe_index *index, sqlite3_value *command, sqlite3_value *rowid) {
  static const struct {
    const char *name;
    int (*run)(koe_index *index);
  } commands[] = {{"rebuild", koe_index_rebuild},
                  {"optimize", koe_index_optimize},
                  {"integrity-check", koe_index_integrity_check},
                  {"integrity-check-texts", koe_index_integrity_check_texts}};
  const char *name = (const char *)sqlite3_value_text(command);
  if (name == NULL) return SQLITE_NOMEM;
  if (strcmp(name, "delete") == 0) return delete_row(index, rowid);
  for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    if (strcmp(name, commands[i].name) == 0) return commands[i].run(index);
  }
  return koe_index_fail(index, SQLITE_ERROR,
                        "'%s' is no command: there are 'rebuild', 'optimize', 'integrity-check', "
                        "'integrity-check-texts' and, with content='table', 'delete'",
                        name);
}
