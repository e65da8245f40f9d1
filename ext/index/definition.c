/* CREATE VIRTUAL TABLE search USING koelectra_index(body, model='name',
 *                                                   content='reviews', content_rowid='id'); */
#include "definition.h"

#include "../../model/memory.h"

#include <stdbool.h>
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
  } else if (place == NULL) {
    status = koe_fail(err, KOE_INVALID,
                      "option %s is unknown: there are model, content, content_rowid and storage",
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

/* Takes over `name`; `rest` is what follows it. */
static koe_status set_column(koe_index_definition *definition, char *name, const char *rest,
                             koe_error *err) {
  koe_status status = KOE_OK;
  if (strcasecmp(rest, "text") != 0 && *rest != '\0') {
    status = koe_fail(err, KOE_UNSUPPORTED,
                      "\"%s %s\" is not understood: an index has one column of text, and options "
                      "name=value",
                      name, rest);
  } else if (definition->column != NULL) {
    status = koe_fail(err, KOE_UNSUPPORTED,
                      "an index has one column of text, not both %s and %s: make an index for each",
                      definition->column, name);
  } else if (*name == '\0') {
    status = koe_fail(err, KOE_INVALID, "the column of text has no name");
  } else {
    definition->column = name;
    return KOE_OK;
  }
  koe_free(name);
  return status;
}

static koe_status parse_argument(const char *argument, koe_index_definition *definition,
                                 koe_error *err) {
  char *name = NULL, *value = NULL;
  const char *at = argument;
  koe_status status = parse_word(&at, &name, err);
  if (status != KOE_OK) return status;
  if (name == NULL) {
    return koe_fail(err, KOE_INVALID, "\"%s\" is neither a column nor an option name=value",
                    argument);
  }
  at = skip_spaces(at);
  if (*at != '=') return set_column(definition, name, at, err);

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
  if (strcasecmp(out->column, "k") == 0 || strcasecmp(out->column, "similarity") == 0 ||
      strcasecmp(out->column, "rowid") == 0) {
    return koe_fail(err, KOE_INVALID,
                    "the column of text cannot be called %s: that is a column of "
                    "every index",
                    out->column);
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
  *definition = (koe_index_definition){0};
}
