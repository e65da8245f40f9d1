#include "environment.h"

#include "../file_map.h"
#include "../hub_cache.h"
#include "../memory.h"
#include "../path.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PATIENCE = 10, MAX_PATIENCE = 3600, MAX_TOKEN = 4096 };

/* Its value; NULL where it is empty. */
static const char *variable(const char *name) {
  const char *value = getenv(name);
  return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool is_true(const char *name) {
  static const char *const values[] = {"1", "on", "yes", "true"};
  const char *value = variable(name);
  for (size_t i = 0; value != NULL && i < sizeof values / sizeof values[0]; i++) {
    if (strcasecmp(value, values[i]) == 0) return true;
  }
  return false;
}

bool koe_environment_offline(void) {
  return is_true("HF_HUB_OFFLINE") || is_true("TRANSFORMERS_OFFLINE");
}

long koe_environment_patience(void) {
  const char *value = variable("HF_HUB_DOWNLOAD_TIMEOUT");
  long seconds = value != NULL ? strtol(value, NULL, 10) : 0;
  return seconds > 0 && seconds <= MAX_PATIENCE ? seconds : PATIENCE;
}

koe_status koe_environment_endpoint(const char *url, char **out, koe_error *err) {
  if (url == NULL) url = variable("HF_ENDPOINT");
  if (url == NULL) url = "https://huggingface.co";
  size_t length = strlen(url);
  while (length > 0 && url[length - 1] == '/')
    length--;
  *out = koe_copy_string(url, length);
  return *out != NULL ? KOE_OK : koe_fail_nomem(err);
}

/* The path of the file that `koelectra-fetch` and Hugging Face's tools read the token of. */
static koe_status token_path(char **out, koe_error *err) {
  const char *named = variable("HF_TOKEN_PATH");
  char *home = NULL;
  *out = NULL;
  if (named != NULL) {
    *out = koe_copy_string(named, strlen(named));
  } else {
    koe_status status = koe_hub_home(&home, err);
    if (status != KOE_OK) return status;
    *out = koe_path_join(home, "token");
    koe_free(home);
  }
  return *out != NULL ? KOE_OK : koe_fail_nomem(err);
}

/* A copy of the token in `text`, without the spaces around it; NULL if there is nothing else.  It
 * becomes a line of a request: no control character may be in it. */
static koe_status clean(const char *text, size_t length, const char *where, char **out,
                        koe_error *err) {
  static const char spaces[] = " \t\r\n";
  while (length > 0 && memchr(spaces, text[length - 1], sizeof spaces - 1) != NULL)
    length--;
  while (length > 0 && memchr(spaces, text[0], sizeof spaces - 1) != NULL) {
    text++;
    length--;
  }
  for (size_t i = 0; i < length; i++) {
    if (text[i] > ' ' && text[i] < 0x7F) continue;
    return koe_fail(err, KOE_INVALID, "%.300s holds no token: a token has letters and digits",
                    where);
  }
  if (length > MAX_TOKEN) {
    return koe_fail(err, KOE_INVALID, "%.300s holds no token: it has %zu characters", where,
                    length);
  }
  *out = length > 0 ? koe_copy_string(text, length) : NULL;
  return length == 0 || *out != NULL ? KOE_OK : koe_fail_nomem(err);
}

static koe_status read_token(char **out, koe_error *err) {
  char *path;
  koe_file_map map;
  koe_status status = token_path(&path, err);
  if (status != KOE_OK || !koe_path_exists(path)) {
    koe_free(path);
    return status;
  }
  status = koe_file_map_open(path, &map, err);
  if (status == KOE_OK) {
    status = clean((const char *)map.data, map.size, path, out, err);
    koe_file_map_close(&map);
  }
  koe_free(path);
  return status;
}

koe_status koe_environment_token(char **out, koe_error *err) {
  static const char *const names[] = {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"};
  koe_status status = KOE_OK;
  *out = NULL;
  if (is_true("HF_HUB_DISABLE_IMPLICIT_TOKEN")) return KOE_OK;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const char *value = variable(names[i]);
    if (value != NULL) status = clean(value, strlen(value), names[i], out, err);
    if (status != KOE_OK || *out != NULL) return status;
  }
  return read_token(out, err);
}
