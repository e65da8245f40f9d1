#include "rebuild_end.h"

#include "rebuild_journal.h"

SQLITE_EXTENSION_INIT3

void koe_rebuild_end_set(koe_rebuild_end *end, koe_rebuild_file *file) {
  koe_rebuild_file_clear(&end->file);
  end->file = *file;
  end->within = end->savepoints;
  *file = (koe_rebuild_file){NULL, NULL};
}

void koe_rebuild_end_savepoint(koe_rebuild_end *end, int number) {
  end->savepoints = number + 1;
}

/* What was within the savepoint is now within the one around it. */
void koe_rebuild_end_release(koe_rebuild_end *end, int number) {
  end->savepoints = number;
  if (end->within > number) end->within = number;
}

void koe_rebuild_end_rollback_to(koe_rebuild_end *end, int number) {
  end->savepoints = number + 1;
  if (end->within > number) koe_rebuild_file_clear(&end->file);
}

void koe_rebuild_end_commit(koe_rebuild_end *end) {
  if (end->file.path != NULL) koe_journal_remove(&end->file);
  koe_rebuild_end_rollback(end);
}

void koe_rebuild_end_rollback(koe_rebuild_end *end) {
  koe_rebuild_file_clear(&end->file);
  *end = (koe_rebuild_end){.savepoints = 0};
}

void koe_rebuild_forget(sqlite3 *db, const char *schema, const char *name) {
  koe_rebuild_file file;
  if (koe_rebuild_file_find(db, schema, name, &file)) koe_journal_remove(&file);
  koe_rebuild_file_clear(&file);
}
