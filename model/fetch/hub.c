#include "hub.h"

#include "../json_file.h"
#include "../memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
  ATTEMPTS = 5,
  LONGEST_WAIT = 300, /* seconds; a hub that asks for more is told of instead */
  MAX_LIST_BYTES = 32 << 20,
  MAX_FILES = 100000,
};

/* ── opening ────────────────────────────────────────────────────────────────────────────────────
 */

koe_status koe_hub_open(koe_hub *hub, const koe_hub_name *name, const char *endpoint,
                        const char *token, long patience, koe_error *err) {
  *hub = (koe_hub){.endpoint = endpoint, .name = name, .has_token = token != NULL};
  return koe_http_open(endpoint, token, patience, &hub->http, err);
}

void koe_hub_close(koe_hub *hub) {
  koe_http_free(hub->http);
  hub->http = NULL;
}

/* ── URLs ───────────────────────────────────────────────────────────────────────────────────────
 */

/* Appends `text` with all but letters, digits and "-._~" as %XX; `keep` is one more to leave. */
static char *append_encoded(char *at, const char *text, char keep) {
  static const char unreserved[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   "-._~";
  for (; *text != '\0'; text++) {
    if (*text == keep || strchr(unreserved, *text) != NULL) {
      *at++ = *text;
    } else {
      at += sprintf(at, "%%%02X", (unsigned char)*text);
    }
  }
  *at = '\0';
  return at;
}

/* ENDPOINT/`before`ORG/NAME/`between`/REVISION[/FILE]; the caller frees with koe_free. */
static char *make_url(const koe_hub *hub, const char *before, const char *between,
                      const char *revision, const char *file) {
  const char *repository = hub->name->repository;
  size_t tail = 3 * (strlen(revision) + (file != NULL ? strlen(file) : 0));
  size_t length = strlen(hub->endpoint) + strlen(before) + strlen(repository) + strlen(between);
  char *url = koe_alloc(length + tail + 8, 1);
  if (url == NULL) return NULL;
  int used = sprintf(url, "%s/%s%s/%s/", hub->endpoint, before, repository, between);
  char *at = append_encoded(url + used, revision, '\0');
  if (file == NULL) return url;
  *at++ = '/';
  append_encoded(at, file, '/');
  return url;
}

static char *file_url(const koe_hub *hub, const char *commit, const char *file) {
  return make_url(hub, "", "resolve", commit, file);
}

/* ── answers that are none ──────────────────────────────────────────────────────────────────────
 */

static bool says(const koe_http_reply *reply, const char *code) {
  return strcmp(reply->error_code, code) == 0;
}

/* The codes of "not now". */
static bool is_momentary(long code) {
  return code == 408 || code == 429 || code == 500 || (code >= 502 && code <= 504);
}

/* Tells what an answer of code 400 or more means; `file` may be NULL. */
static koe_status fail_code(koe_hub *hub, const koe_http_reply *reply, const char *file,
                            koe_error *err) {
  const char *repository = hub->name->repository;
  bool closed = reply->code == 401 || reply->code == 403;
  hub->unreachable = reply->code == 429 || reply->code >= 500;
  hub->refused = !hub->unreachable;
  if (reply->code == 429) {
    return koe_fail(err, KOE_IO,
                    "%.100s takes no more requests for now (code 429): try again later%s",
                    hub->endpoint, hub->has_token ? "" : ", or set HF_TOKEN, which allows more");
  }
  if (reply->code >= 500) {
    return koe_fail(err, KOE_IO, "%.100s is out of order (code %ld): try again later",
                    hub->endpoint, reply->code);
  }
  if (says(reply, "GatedRepo")) {
    return koe_fail(err, KOE_NOT_FOUND,
                    "%s is for those who accept its terms: do so at %.100s/%s, and set HF_TOKEN to "
                    "a token of yours",
                    repository, hub->endpoint, repository);
  }
  if (says(reply, "RevisionNotFound")) {
    return koe_fail(err, KOE_NOT_FOUND, "%s has no revision \"%.100s\"", repository,
                    hub->name->revision);
  }
  if (file != NULL && (says(reply, "EntryNotFound") || reply->code == 404)) {
    return koe_fail(err, KOE_NOT_FOUND, "%s has no file %.200s", repository, file);
  }
  if (closed && hub->has_token && file == NULL && !says(reply, "RepoNotFound")) {
    return koe_fail(err, KOE_NOT_FOUND,
                    "%.100s does not take the token for %s (code %ld%s%.100s): make a new one, or "
                    "unset HF_TOKEN and remove the token file",
                    hub->endpoint, repository, reply->code,
                    reply->error_message[0] != '\0' ? ": " : "", reply->error_message);
  }
  if ((closed && file == NULL) || reply->code == 404) {
    return koe_fail(err, KOE_NOT_FOUND, "%.100s has no model %s%s", hub->endpoint, repository,
                    hub->has_token ? ", or none that your token lets you see: check the name"
                                   : ": check the name; if the model is private, set HF_TOKEN");
  }
  return koe_fail(err, KOE_IO, "%.100s refuses %s with code %ld%s%.150s", hub->endpoint,
                  file != NULL ? file : repository, reply->code,
                  reply->error_message[0] != '\0' ? ": " : "", reply->error_message);
}

/* Waits before the next attempt; false if there is none. */
static bool wait_again(const koe_http_reply *reply, int *attempt) {
  if (++*attempt >= ATTEMPTS || reply->retry_after > LONGEST_WAIT) return false;
  koe_http_sleep(reply->retry_after >= 0 ? reply->retry_after : (double)(1 << (*attempt - 1)));
  return !koe_http_interrupted();
}

/* One kind of request, for `repeat`. */
typedef koe_status try_once(koe_hub *hub, const char *url, void *context, koe_http_reply *reply,
                            koe_error *err);

/* Makes a request until it succeeds or there is no use.  A request that gets on sets `attempt` to
 * 0. */
static koe_status repeat(koe_hub *hub, const char *url, const char *file, try_once *request,
                         void *context, int *attempt, koe_error *err) {
  koe_http_reply reply;
  hub->unreachable = hub->refused = false;
  for (;;) {
    koe_status status = request(hub, url, context, &reply, err);
    bool momentary = status == KOE_IO ? reply.may_pass : is_momentary(reply.code);
    if (status == KOE_OK && reply.code < 400) return KOE_OK;
    if (status != KOE_OK && status != KOE_IO) return status;
    if (momentary && wait_again(&reply, attempt)) continue;
    if (koe_http_interrupted()) return koe_fail(err, KOE_INVALID, "interrupted");
    if (status == KOE_OK) return fail_code(hub, &reply, file, err);
    hub->unreachable = reply.may_pass || reply.code == 0;
    return status;
  }
}

/* ── the list of files ──────────────────────────────────────────────────────────────────────────
 */

typedef struct text_buffer {
  char *bytes;
  size_t length, capacity;
} text_buffer;

static bool take_text(void *context, const koe_http_reply *reply, const void *bytes, size_t length,
                      koe_error *err) {
  text_buffer *buffer = context;
  (void)reply;
  if (buffer->length + length > MAX_LIST_BYTES) {
    koe_fail(err, KOE_FORMAT, "the hub's list of files has more than %d bytes", MAX_LIST_BYTES);
    return false;
  }
  if (!koe_grow(&buffer->bytes, &buffer->capacity, buffer->length + length, 1)) {
    koe_fail_nomem(err);
    return false;
  }
  memcpy(buffer->bytes + buffer->length, bytes, length);
  buffer->length += length;
  return true;
}

static koe_status get_text(koe_hub *hub, const char *url, void *context, koe_http_reply *reply,
                           koe_error *err) {
  koe_http_sink sink = {take_text, context};
  ((text_buffer *)context)->length = 0;
  return koe_http_get(hub->http, url, 0, &sink, reply, err);
}

/* A relative path that stays below where it begins. */
static bool is_safe(const char *name) {
  if (name[0] == '\0' || strlen(name) > 1000) return false;
  for (const char *part = name;; part++) {
    size_t length = strcspn(part, "/");
    if (length == 0 || length > 255 || (length <= 2 && strncmp(part, "..", length) == 0))
      return false;
    for (size_t i = 0; i < length; i++) {
      if ((unsigned char)part[i] < ' ' || part[i] == 0x7F || part[i] == '\\') return false;
    }
    part += length;
    if (*part == '\0') return true;
  }
}

static koe_status take_names(const json_t *siblings, const char *url, koe_hub_files *out,
                             koe_error *err) {
  size_t count = json_array_size(siblings);
  if (count > MAX_FILES) {
    return koe_fail(err, KOE_FORMAT, "%.300s: more than %d files", url, MAX_FILES);
  }
  out->names = koe_alloc_zero(count, sizeof *out->names);
  if (out->names == NULL) return koe_fail_nomem(err);
  for (size_t i = 0; i < count; i++) {
    const char *name = json_string_value(json_object_get(json_array_get(siblings, i), "rfilename"));
    if (name == NULL || !is_safe(name)) {
      return koe_fail(err, KOE_FORMAT, "%.200s: no file of a model is called \"%.100s\"", url,
                      name != NULL ? name : "");
    }
    out->names[i] = koe_copy_string(name, strlen(name));
    if (out->names[i] == NULL) return koe_fail_nomem(err);
    out->count++;
  }
  return KOE_OK;
}

static koe_status parse_list(const text_buffer *text, const char *url, koe_hub_files *out,
                             koe_error *err) {
  json_t *json;
  koe_status status = koe_json_parse(text->bytes, text->length, url, &json, err);
  if (status == KOE_NOMEM) return status;
  const char *commit = json_string_value(json_object_get(json, "sha"));
  const json_t *siblings = json_object_get(json, "siblings");
  if (commit == NULL || !koe_hub_is_commit(commit) || !json_is_array(siblings)) {
    status = koe_fail(err, KOE_FORMAT,
                      "%.300s: no list of files and their commit: is this the URL of a model hub?",
                      url);
  } else {
    strcpy(out->commit, commit);
    status = take_names(siblings, url, out, err);
  }
  json_decref(json);
  return status;
}

koe_status koe_hub_list(koe_hub *hub, koe_hub_files *out, koe_error *err) {
  text_buffer text = {0};
  int attempt = 0;
  memset(out, 0, sizeof *out);
  char *url = make_url(hub, "api/models/", "revision", hub->name->revision, NULL);
  if (url == NULL) return koe_fail_nomem(err);
  koe_status status = repeat(hub, url, NULL, get_text, &text, &attempt, err);
  if (status == KOE_OK) status = parse_list(&text, url, out, err);
  koe_free(text.bytes);
  koe_free(url);
  return status;
}

void koe_hub_files_clear(koe_hub_files *files) {
  for (size_t i = 0; i < files->count; i++)
    koe_free(files->names[i]);
  koe_free(files->names);
  memset(files, 0, sizeof *files);
}

/* ── one file ───────────────────────────────────────────────────────────────────────────────────
 */

static koe_status get_head(koe_hub *hub, const char *url, void *context, koe_http_reply *reply,
                           koe_error *err) {
  koe_status status = koe_http_head(hub->http, url, reply, err);
  *(koe_http_reply *)context = *reply;
  return status;
}

koe_status koe_hub_describe(koe_hub *hub, const char *commit, const char *file, koe_hub_file *out,
                            koe_error *err) {
  koe_http_reply reply;
  int attempt = 0;
  char *url = file_url(hub, commit, file);
  if (url == NULL) return koe_fail_nomem(err);
  koe_status status = repeat(hub, url, file, get_head, &reply, &attempt, err);
  koe_free(url);
  if (status != KOE_OK) return status;
  size_t digits = strspn(reply.etag, "0123456789abcdef");
  if ((digits != 40 && digits != 64) || reply.etag[digits] != '\0' || reply.size < 0) {
    return koe_fail(err, KOE_FORMAT,
                    "%.100s does not tell hash and size of %.150s: is this the URL of a model hub?",
                    hub->endpoint, file);
  }
  if (reply.commit[0] != '\0' && strcmp(reply.commit, commit) != 0) {
    return koe_fail(err, KOE_FORMAT, "%.100s gives %.150s of commit %s instead of %s",
                    hub->endpoint, file, reply.commit, commit);
  }
  memcpy(out->hash, reply.etag, digits + 1);
  out->size = reply.size;
  return KOE_OK;
}

typedef struct download {
  const koe_hub_file *file;
  const char *path;
  int descriptor;
  int64_t bytes;    /* on the disk */
  int64_t furthest; /* what `bytes` has been at most */
  bool begun;       /* in this attempt */
  int attempt;
  koe_hub_progress *progress;
  void *context;
} download;

static koe_status fail_write(const download *d, koe_error *err) {
  int fault = errno;
  const char *hint = fault == ENOSPC || fault == EDQUOT ? ": make room and run the same again" : "";
  return koe_fail(err, KOE_IO, "cannot write %.250s: %s%s", d->path, strerror(fault), hint);
}

/* Where the answer begins within the file decides where it is written. */
static koe_status begin_at(download *d, const koe_http_reply *reply, koe_error *err) {
  int64_t from = reply->code == 206 ? reply->from : 0;
  d->begun = true;
  if (from == d->bytes) return KOE_OK;
  if (from != 0) {
    return koe_fail(err, KOE_FORMAT, "the hub sends bytes from %lld on, asked for from %lld on",
                    (long long)from, (long long)d->bytes);
  }
  d->bytes = 0;
  if (ftruncate(d->descriptor, 0) == 0 && lseek(d->descriptor, 0, SEEK_SET) == 0) return KOE_OK;
  return fail_write(d, err);
}

static bool take_bytes(void *context, const koe_http_reply *reply, const void *bytes, size_t length,
                       koe_error *err) {
  download *d = context;
  if (!d->begun && begin_at(d, reply, err) != KOE_OK) return false;
  if (d->bytes + (int64_t)length > d->file->size) {
    koe_fail(err, KOE_FORMAT, "the hub sends more than the %lld bytes it has told",
             (long long)d->file->size);
    return false;
  }
  for (size_t done = 0; done < length;) {
    ssize_t written = write(d->descriptor, (const char *)bytes + done, length - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      fail_write(d, err);
      return false;
    }
    done += (size_t)written;
    d->bytes += written;
  }
  if (d->bytes > d->furthest) {
    d->furthest = d->bytes;
    d->attempt = 0;
  }
  d->progress(d->context, d->bytes);
  return true;
}

static koe_status get_bytes(koe_hub *hub, const char *url, void *context, koe_http_reply *reply,
                            koe_error *err) {
  download *d = context;
  koe_http_sink sink = {take_bytes, d};
  d->begun = false;
  koe_status status = koe_http_get(hub->http, url, d->bytes, &sink, reply, err);
  /* What is there cannot be gone on from: begin again. */
  if (status == KOE_OK && reply->code == 416 && d->bytes > 0) {
    d->bytes = 0;
    if (ftruncate(d->descriptor, 0) != 0 || lseek(d->descriptor, 0, SEEK_SET) != 0)
      return fail_write(d, err);
    d->begun = false;
    status = koe_http_get(hub->http, url, 0, &sink, reply, err);
  }
  if (status == KOE_OK && reply->code < 400 && d->bytes < d->file->size) {
    reply->may_pass = true;
    return koe_fail(err, KOE_IO, "%.200s ends after %lld of %lld bytes", url, (long long)d->bytes,
                    (long long)d->file->size);
  }
  return status;
}

koe_status koe_hub_download(koe_hub *hub, const char *commit, const char *name,
                            const koe_hub_file *file, const char *path, koe_hub_progress *progress,
                            void *context, koe_error *err) {
  download d = {.file = file, .path = path, .progress = progress, .context = context};
  struct stat info;
  char *url = NULL;
  koe_status status = KOE_OK;
  d.descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (d.descriptor < 0) return fail_write(&d, err);
  if (fstat(d.descriptor, &info) != 0 || lseek(d.descriptor, 0, SEEK_END) < 0) {
    status = fail_write(&d, err);
    goto cleanup;
  }
  d.bytes = info.st_size;
  url = file_url(hub, commit, name);
  if (url == NULL) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  d.furthest = d.bytes;
  progress(context, d.bytes);
  if (d.bytes < file->size) status = repeat(hub, url, name, get_bytes, &d, &d.attempt, err);
  if (status == KOE_OK && fsync(d.descriptor) != 0) status = fail_write(&d, err);

cleanup:
  if (close(d.descriptor) != 0 && status == KOE_OK) status = fail_write(&d, err);
  koe_free(url);
  return status;
}
