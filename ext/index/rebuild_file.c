#include "rebuild_file.h"

#include "../../model/memory.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

SQLITE_EXTENSION_INIT3

static const char suffix[] = "-rebuild";
enum { SUFFIX = sizeof suffix - 1 };

/* ── names ──────────────────────────────────────────────────────────────────────────────────────
 */

static bool is_plain(unsigned char byte) {
  return byte >= 0x20 && byte != 0x7f && byte != '/' && byte != '%';
}

/* `<database>-<index>-rebuild`; NULL where memory is short. */
static char *make_path(const char *database, const char *index) {
  size_t length = strlen(database);
  char *path = koe_alloc(length + 1 + 3 * strlen(index) + sizeof suffix, 1);
  if (path == NULL) return NULL;
  memcpy(path, database, length);
  char *to = path + length;
  *to++ = '-';
  for (const char *at = index; *at != '\0'; at++) {
    unsigned char byte = (unsigned char)*at;
    if (is_plain(byte)) {
      *to++ = *at;
    } else {
      to += snprintf(to, 4, "%%%02X", byte);
    }
  }
  memcpy(to, suffix, sizeof suffix);
  return path;
}

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

static int digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Turns the middle of a file's name into that of its index, in place; false where it is none. */
static bool read_name(char *name) {
  char *to = name;
  for (const char *at = name; *at != '\0'; at++, to++) {
    *to = *at;
    if (*at != '%') continue;
    int high = digit(at[1]), low = high >= 0 ? digit(at[2]) : -1;
    if (low < 0 || (high == 0 && low == 0)) return false;
    *to = (char)(high * 16 + low);
    at += 2;
  }
  *to = '\0';
  return to > name;
}

/* ── the database ───────────────────────────────────────────────────────────────────────────────
 */

/* Whether vectors may lie beside the database as they are: it is a file of the operating system's,
 * and is not encrypted.  Read through SQLite, since closing a file of our own would end its locks.
 */
static bool is_plain_file(sqlite3 *db, const char *schema) {
  static const char magic[16] = "SQLite format 3";
  char begin[sizeof magic];
  sqlite3_vfs *vfs = NULL;
  sqlite3_file *file = NULL;
  if (sqlite3_file_control(db, schema, SQLITE_FCNTL_VFS_POINTER, &vfs) != SQLITE_OK ||
      vfs == NULL || strncmp(vfs->zName, "unix", 4) != 0) {
    return false;
  }
  return sqlite3_file_control(db, schema, SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK &&
         file != NULL && file->pMethods != NULL &&
         file->pMethods->xRead(file, begin, sizeof begin, 0) == SQLITE_OK &&
         memcmp(begin, magic, sizeof magic) == 0;
}

bool koe_rebuild_file_find(sqlite3 *db, const char *schema, const char *index,
                           koe_rebuild_file *out) {
  const char *database = sqlite3_db_filename(db, schema);
  *out = (koe_rebuild_file){NULL, NULL};
  if (database == NULL) database = "";
  out->database = koe_copy_string(database, strlen(database));
  if (out->database == NULL) return false;
  if (*database == '\0' || !is_plain_file(db, schema)) return true;
  out->path = make_path(database, index);
  if (out->path == NULL) return false;
  if (strlen(base_name(out->path)) > NAME_MAX) {
    koe_free(out->path);
    out->path = NULL;
  }
  return true;
}

void koe_rebuild_file_clear(koe_rebuild_file *file) {
  koe_free(file->database);
  koe_free(file->path);
  *file = (koe_rebuild_file){NULL, NULL};
}

/* ── the files of all indexes ───────────────────────────────────────────────────────────────────
 */

/* Whether that is the name of a file of a database `base`; `index` is then its index's. */
static bool is_of(const char *name, const char *base, char *index, size_t capacity) {
  size_t length = strlen(name), begin = strlen(base) + 1;
  if (length <= begin + SUFFIX || strncmp(name, base, begin - 1) != 0 || name[begin - 1] != '-' ||
      strcmp(name + length - SUFFIX, suffix) != 0 || length - SUFFIX - begin >= capacity) {
    return false;
  }
  memcpy(index, name + begin, length - SUFFIX - begin);
  index[length - SUFFIX - begin] = '\0';
  return read_name(index);
}

bool koe_rebuild_file_list(const char *database,
                           bool (*found)(void *context, const char *path, const char *index),
                           void *context) {
  const char *base = base_name(database);
  size_t length = (size_t)(base - database);
  char index[NAME_MAX + 1];
  bool good = true;
  char *path = koe_alloc(length + NAME_MAX + 3, 1);
  if (path == NULL) return false;
  memcpy(path, database, length);
  strcpy(path + length, length == 0 ? "." : "");
  DIR *directory = opendir(path);
  const struct dirent *entry;
  while (good && directory != NULL && (entry = readdir(directory)) != NULL) {
    if (strlen(entry->d_name) > NAME_MAX || !is_of(entry->d_name, base, index, sizeof index)) {
      continue;
    }
    strcpy(path + length, entry->d_name);
    good = found(context, path, index);
  }
  if (directory != NULL) closedir(directory);
  koe_free(path);
  return good;
}
