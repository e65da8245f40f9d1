/* CREATE VIRTUAL TABLE search USING koelectra_index(body, shop TEXT PARTITION KEY, stars INTEGER,
 *                                                   +url TEXT, model='name', content='reviews',
 *                                                   content_rowid='id'); */
#include "definition.h"

#include "../../model/memory.h"

#include <string.h>
#include <strings.h>

static const char *skip_spaces(const char *at) {
  return at + strspn(at, " \t\r\n\f");
}

static bool is_bare(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
         ((unsigned char)c & 0x80) != 0;
}

/* Copies what is between `*at`, an opening quote, and its closing quote, a doubled one standing for
 * itself.  `*at` is then behind it. */
static koe_status parse_quoted(const char **at, char **out, koe_error *err) {
  const char *begin = *at;
  char close = *begin == '[' ? ']' : *begin;
  char *copy = koe_copy_string(begin, strlen(begin));
  if (copy == NULL) return koe_fail_nomem(err);
  size_t length = 0;
  for (const char *c = begin + 1; *c != '\0'; c++) {
    if (*c == close && (close == ']' || c[1] != close)) {
      copy[length] = '\0';
      *at = c + 1;
      *out = copy;
      return KOE_OK;
    }
    if (*c == close) c++;
    copy[length++] = *c;
  }
  koe_free(copy);
  return koe_fail(err, KOE_INVALID, "a quote is not closed: %s", begin);
}

/* Copies a word, bare or quoted; `*out` stays NULL where there is none. */
static koe_status parse_word(const char **at, char **out, koe_error *err) {
  *at = skip_spaces(*at);
  if (**at != '\0' && strchr("'\"`[", **at) != NULL) return parse_quoted(at, out, err);
  size_t length = 0;
  while (is_bare((*at)[length]))
    length++;
  if (length == 0) return KOE_OK;
  *out = koe_copy_string(*at, length);
  *at += length;
  return *out != NULL ? KOE_OK : koe_fail_nomem(err);
}

static koe_status check_storage(const char *value, koe_error *err) {
  if (strcasecmp(value, "float32") == 0) return KOE_OK;
  if (strcasecmp(value, "int8") == 0) {
    return koe_fail(err, KOE_UNSUPPORTED,
                    "storage='int8' is not in this version: leave it out or say 'float32'");
  }
  return koe_fail(err, KOE_INVALID, "storage='%s' is unknown: say 'float32'", value);
}

static koe_status parse_search(const char *value, bool *approximate, koe_error *err) {
  *approximate = strcasecmp(value, "approximate") == 0;
  if (*approximate || strcasecmp(value, "exact") == 0) return KOE_OK;
  return koe_fail(err, KOE_INVALID, "search='%s' is unknown: say 'exact' or 'approximate'", value);
}

/* Takes over `value`. */
static koe_status set_option(koe_index_definition *definition, const char *name, char *value,
                             koe_error *err) {
  char **place = strcasecmp(name, "model") == 0           ? &definition->model
                 : strcasecmp(name, "content") == 0       ? &definition->content
                 : strcasecmp(name, "content_rowid") == 0 ? &definition->content_rowid
                                                          : NULL;
  koe_status status = KOE_OK;
  if (place != NULL && *place == NULL && *value != '\0') {
    *place = value;
    return KOE_OK;
  }
  if (place == NULL && strcasecmp(name, "storage") == 0) {
    status = check_storage(value, err);
  } else if (place == NULL && strcasecmp(name, "search") == 0) {
    status = parse_search(value, &definition->approximate, err);
  } else if (place == NULL) {
    status = koe_fail(err, KOE_INVALID,
                      "option %s is unknown: there are model, content, content_rowid, search and "
                      "storage",
                      name);
  } else if (*place != NULL) {
    status = koe_fail(err, KOE_INVALID, "option %s is given twice", name);
  } else {
    status = koe_fail(err, KOE_INVALID, "%s='' names nothing%s", name,
                      place == &definition->content
                          ? ": an index without content is not possible, leave content out to keep "
                            "the texts in the index"
                          : "");
  }
  koe_free(value);
  return status;
}

/* ── columns ────────────────────────────────────────────────────────────────────────────────────
 */

/* The affinities of SQLite, by the words that its users write. */
static const struct {
  const char *word, *type;
} types[] = {{"TEXT", "TEXT"},      {"INTEGER", "INTEGER"}, {"INT", "INTEGER"},
             {"BIGINT", "INTEGER"}, {"REAL", "REAL"},       {"FLOAT", "REAL"},
             {"DOUBLE", "REAL"},    {"NUMERIC", "NUMERIC"}, {"BOOLEAN", "NUMERIC"},
             {"BOOL", "NUMERIC"},   {"DATE", "NUMERIC"},    {"DATETIME", "NUMERIC"},
             {"BLOB", "BLOB"}};

static const char *find_type(const char *word) {
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    if (strcasecmp(word, types[i].word) == 0) return types[i].type;
  }
  return NULL;
}

/* Whether a bare word comes next; `*at` is then behind it. */
static bool skip_word(const char **at, const char *word) {
  const char *begin = skip_spaces(*at);
  size_t length = strlen(word);
  if (strncasecmp(begin, word, length) != 0 || is_bare(begin[length])) return false;
  *at = begin + length;
  return true;
}

/* What follows a column's name: [TYPE] [PARTITION KEY]. */
static koe_status parse_type(const char *rest, koe_index_column *column, koe_error *err) {
  char *word = NULL;
  const char *at = rest, *name = column->name;
  column->type = "";
  if (!skip_word(&at, "PARTITION")) {
    koe_status status = parse_word(&at, &word, err);
    if (status != KOE_OK) return status;
    const char *type = word != NULL ? find_type(word) : "";
    if (type == NULL) {
      status = koe_fail(err, KOE_INVALID,
                        "column %s has the unknown type %s: say TEXT, INTEGER, REAL, NUMERIC or "
                        "BLOB",
                        name, word);
    }
    koe_free(word);
    if (status != KOE_OK) return status;
    column->type = type;
    column->is_partition = skip_word(&at, "PARTITION");
  } else {
    column->is_partition = true;
  }
  if ((column->is_partition && !skip_word(&at, "KEY")) || *skip_spaces(at) != '\0') {
    return koe_fail(err, KOE_INVALID,
                    "column %s: \"%s\" is not understood: write a type, and PARTITION KEY or "
                    "nothing",
                    name, rest);
  }
  if (column->is_partition && column->is_auxiliary) {
    return koe_fail(err, KOE_INVALID,
                    "column +%s is returned only and cannot be a PARTITION KEY: leave the + out",
                    name);
  }
  return KOE_OK;
}

/* The column of texts, which comes first.  Takes over `name`. */
static koe_status set_text_column(koe_index_definition *definition, char *name, const char *rest,
                                  koe_error *err) {
  if (*rest == '\0' || strcasecmp(rest, "TEXT") == 0) {
    definition->column = name;
    return KOE_OK;
  }
  koe_status status = koe_fail(err, KOE_INVALID,
                               "\"%s %s\": the first column is that of texts: it is TEXT, others "
                               "follow it",
                               name, rest);
  koe_free(name);
  return status;
}

/* Any other column.  Takes over `name`. */
static koe_status add_column(koe_index_definition *definition, char *name, bool is_auxiliary,
                             const char *rest, koe_error *err) {
  koe_index_column column = {.name = name, .is_auxiliary = is_auxiliary};
  koe_status status = parse_type(rest, &column, err);
  if (status == KOE_OK && *column.type == '\0' && !is_auxiliary) {
    status = koe_fail(err, KOE_INVALID,
                      "an index has one column of text, %s: give %s a type (%s TEXT) to make it a "
                      "column for conditions, or write +%s to have it returned only",
                      definition->column, name, name, name);
  }
  if (status == KOE_OK && definition->columns == NULL) {
    definition->columns = koe_alloc(KOE_MAX_COLUMNS, sizeof *definition->columns);
    if (definition->columns == NULL) status = koe_fail_nomem(err);
  }
  if (status == KOE_OK && definition->column_count == KOE_MAX_COLUMNS) {
    status = koe_fail(err, KOE_UNSUPPORTED,
                      "%s is one column too many: beside the text there may be %d", name,
                      KOE_MAX_COLUMNS);
  }
  if (status != KOE_OK) {
    koe_free(name);
    return status;
  }
  column.place = is_auxiliary ? ++definition->auxiliary_count : definition->metadata_count++;
  definition->columns[definition->column_count++] = column;
  return KOE_OK;
}

static koe_status check_name(const koe_index_definition *definition, const char *name,
                             koe_error *err) {
  static const char *const reserved[] = {"k", "similarity", "rowid"};
  if (*name == '\0') return koe_fail(err, KOE_INVALID, "a column has no name");
  for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
    if (strcasecmp(name, reserved[i]) == 0) {
      return koe_fail(err, KOE_INVALID,
                      "a column cannot be called %s: that is a column of every index", name);
    }
  }
  bool twice = definition->column != NULL && strcasecmp(name, definition->column) == 0;
  for (int i = 0; !twice && i < definition->column_count; i++)
    twice = strcasecmp(name, definition->columns[i].name) == 0;
  return twice ? koe_fail(err, KOE_INVALID, "column %s is given twice", name) : KOE_OK;
}

/* Takes over `name`; `rest` is what follows it. */
static koe_status set_column(koe_index_definition *definition, char *name, bool is_auxiliary,
                             const char *rest, koe_error *err) {
  koe_status status = check_name(definition, name, err);
  if (status == KOE_OK && definition->column != NULL) {
    return add_column(definition, name, is_auxiliary, rest, err);
  }
  if (status == KOE_OK && !is_auxiliary) return set_text_column(definition, name, rest, err);
  if (status == KOE_OK) {
    status =
        koe_fail(err, KOE_INVALID, "the first column is that of texts: name it before +%s", name);
  }
  koe_free(name);
  return status;
}

static koe_status parse_argument(const char *argument, koe_index_definition *definition,
                                 koe_error *err) {
  char *name = NULL, *value = NULL;
  const char *at = skip_spaces(argument);
  bool is_auxiliary = *at == '+';
  if (is_auxiliary) at++;
  koe_status status = parse_word(&at, &name, err);
  if (status != KOE_OK) return status;
  if (name == NULL) {
    return koe_fail(err, KOE_INVALID, "\"%s\" is neither a column nor an option name=value",
                    argument);
  }
  at = skip_spaces(at);
  if (*at != '=' || is_auxiliary) return set_column(definition, name, is_auxiliary, at, err);

  at++;
  status = parse_word(&at, &value, err);
  if (status == KOE_OK && (value == NULL || *skip_spaces(at) != '\0')) {
    status = koe_fail(err, KOE_INVALID, "\"%s\": write %s='value'", argument, name);
  }
  if (status == KOE_OK) {
    status = set_option(definition, name, value, err);
  } else {
    koe_free(value);
  }
  koe_free(name);
  return status;
}

/* ── all of them ────────────────────────────────────────────────────────────────────────────────
 */

static koe_status set_default(char **place, const char *value, koe_error *err) {
  if (*place == NULL) *place = koe_copy_string(value, strlen(value));
  return *place != NULL ? KOE_OK : koe_fail_nomem(err);
}

koe_status koe_index_definition_parse(const char *const *arguments, int count,
                                      koe_index_definition *out, koe_error *err) {
  koe_status status = KOE_OK;
  *out = (koe_index_definition){0};
  for (int i = 0; status == KOE_OK && i < count; i++) {
    /* koelectra_index() has one argument, which is empty. */
    if (count == 1 && *skip_spaces(arguments[i]) == '\0') break;
    status = parse_argument(arguments[i], out, err);
  }
  if (status != KOE_OK) return status;
  if (out->column == NULL) {
    return koe_fail(err, KOE_INVALID, "name the column of text: koelectra_index(body)");
  }
  if (out->content == NULL && out->content_rowid != NULL) {
    return koe_fail(err, KOE_INVALID, "content_rowid='%s' needs content='table'",
                    out->content_rowid);
  }
  status = set_default(&out->model, "default", err);
  if (status == KOE_OK && out->content != NULL) {
    status = set_default(&out->content_rowid, "rowid", err);
  }
  return status;
}

void koe_index_definition_clear(koe_index_definition *definition) {
  koe_free(definition->column);
  koe_free(definition->model);
  koe_free(definition->content);
  koe_free(definition->content_rowid);
  for (int i = 0; i < definition->column_count; i++)
    koe_free(definition->columns[i].name);
  koe_free(definition->columns);
  *definition = (koe_index_definition){0};
}
