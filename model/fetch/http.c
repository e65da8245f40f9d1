#include "http.h"

#include "../memory.h"

#include <ctype.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { MAX_REDIRECTS = 10, CONNECT_SECONDS = 10, MAX_IGNORED = 1 << 20 };

struct koe_http {
  CURL *curl;
  struct curl_slist *headers, *headers_with_token;
  char *endpoint;
  long patience;
  bool reached; /* there has been an answer */
};

static volatile sig_atomic_t interrupted;

void koe_http_interrupt(void) {
  interrupted = 1;
}

bool koe_http_interrupted(void) {
  return interrupted != 0;
}

void koe_http_sleep(double seconds) {
  for (double left = seconds; left > 0 && !interrupted; left -= 0.1) {
    struct timespec time = {0, (long)(1e9 * (left < 0.1 ? left : 0.1))};
    nanosleep(&time, NULL);
  }
}

/* ── the handle ─────────────────────────────────────────────────────────────────────────────────
 */

static bool begins(const char *text, const char *begin) {
  return strncasecmp(text, begin, strlen(begin)) == 0;
}

/* Appends a header, name and value. */
static bool append(struct curl_slist **list, const char *name, const char *value) {
  size_t length = strlen(name) + strlen(value) + 1;
  char *line = koe_alloc(length, 1);
  if (line == NULL) return false;
  strcpy(line, name);
  strcat(line, value);
  struct curl_slist *longer = curl_slist_append(*list, line);
  koe_free(line);
  if (longer == NULL) return false;
  *list = longer;
  return true;
}

static bool make_headers(koe_http *http, const char *token) {
  static const char identity[] = "Accept-Encoding: identity"; /* hashes are of the files */
  if (!append(&http->headers, identity, "")) return false;
  if (!append(&http->headers_with_token, identity, "")) return false;
  return token == NULL || append(&http->headers_with_token, "Authorization: Bearer ", token);
}

koe_status koe_http_open(const char *endpoint, const char *token, long patience, koe_http **out,
                         koe_error *err) {
  *out = NULL;
  if (!begins(endpoint, "https://") && !begins(endpoint, "http://")) {
    return koe_fail(err, KOE_INVALID, "the endpoint \"%.200s\" is no URL of https or http",
                    endpoint);
  }
  koe_http *http = koe_alloc_zero(1, sizeof *http);
  if (http == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != 0) {
    koe_free(http);
    return koe_fail_nomem(err);
  }
  http->curl = curl_easy_init();
  http->endpoint = koe_copy_string(endpoint, strlen(endpoint));
  http->patience = patience;
  if (http->curl == NULL || http->endpoint == NULL || !make_headers(http, token)) {
    koe_http_free(http);
    return koe_fail_nomem(err);
  }
  *out = http;
  return KOE_OK;
}

void koe_http_free(koe_http *http) {
  if (http == NULL) return;
  curl_easy_cleanup(http->curl);
  curl_slist_free_all(http->headers);
  curl_slist_free_all(http->headers_with_token);
  koe_free(http->endpoint);
  koe_free(http);
  curl_global_cleanup();
}

/* ── where the token may go ─────────────────────────────────────────────────────────────────────
 */

/* A part of a URL, with the scheme's port where it names none; NULL if there is no such part.  The
 * caller frees with curl_free. */
static char *part_of(const char *url, CURLUPart part) {
  char *value = NULL;
  CURLU *parsed = curl_url();
  if (parsed != NULL && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK)
    curl_url_get(parsed, part, &value, CURLU_DEFAULT_PORT);
  curl_url_cleanup(parsed);
  return value;
}

static bool same_part(const char *left, const char *right, CURLUPart part) {
  char *a = part_of(left, part), *b = part_of(right, part);
  bool same = a != NULL && b != NULL && strcasecmp(a, b) == 0;
  curl_free(a);
  curl_free(b);
  return same;
}

static bool is_hub(const koe_http *http, const char *url) {
  return same_part(http->endpoint, url, CURLUPART_SCHEME) &&
         same_part(http->endpoint, url, CURLUPART_HOST) &&
         same_part(http->endpoint, url, CURLUPART_PORT);
}

/* ── headers of an answer ───────────────────────────────────────────────────────────────────────
 */

/* What one request has to do with. */
typedef struct exchange {
  koe_http *http;
  koe_http_reply *reply;
  const koe_http_sink *sink; /* NULL for HEAD */
  bool has_linked_etag, has_linked_size;
  koe_status status; /* of the sink */
  curl_off_t bytes;  /* of the body, so far */
  size_t ignored;    /* bytes of bodies that nobody reads */
  double last_byte;  /* when it came; 0 before anything */
  bool stalled;      /* too long ago */
  koe_error *err;
} exchange;

/* Copies a header's value into `out` [size], cut to fit; only what can be printed. */
static void copy_value(char *out, size_t size, const char *value) {
  size_t length = 0;
  for (; *value != '\0' && length + 1 < size; value++) {
    if ((unsigned char)*value >= ' ' && *value != 0x7F) out[length++] = *value;
  }
  out[length] = '\0';
}

/* "W/\"abc\"" → "abc". */
static void copy_etag(char out[128], const char *value) {
  if (strncmp(value, "W/", 2) == 0) value += 2;
  copy_value(out, 128, value + (*value == '"'));
  size_t length = strlen(out);
  if (length > 0 && out[length - 1] == '"') out[length - 1] = '\0';
}

/* The whole number that a text begins with; −1 where it begins with none. */
static int64_t number(const char *text) {
  return isdigit((unsigned char)text[0]) ? strtoll(text, NULL, 10) : -1;
}

static void take_header(exchange *x, const char *name, const char *value) {
  koe_http_reply *reply = x->reply;
  if (strcasecmp(name, "X-Repo-Commit") == 0) {
    copy_value(reply->commit, sizeof reply->commit, value);
  } else if (strcasecmp(name, "X-Linked-Etag") == 0) {
    copy_etag(reply->etag, value);
    x->has_linked_etag = true;
  } else if (strcasecmp(name, "ETag") == 0) {
    if (!x->has_linked_etag) copy_etag(reply->etag, value);
  } else if (strcasecmp(name, "X-Linked-Size") == 0) {
    reply->size = number(value);
    x->has_linked_size = true;
  } else if (strcasecmp(name, "Content-Length") == 0) {
    if (!x->has_linked_size && x->sink == NULL) reply->size = number(value);
  } else if (strcasecmp(name, "Content-Range") == 0) {
    if (begins(value, "bytes ")) reply->from = number(value + 6);
  } else if (strcasecmp(name, "X-Error-Code") == 0) {
    copy_value(reply->error_code, sizeof reply->error_code, value);
  } else if (strcasecmp(name, "X-Error-Message") == 0) {
    copy_value(reply->error_message, sizeof reply->error_message, value);
  } else if (strcasecmp(name, "Retry-After") == 0) {
    if (number(value) >= 0) reply->retry_after = (double)number(value);
  }
}

/* "Name: value\r\n" */
static size_t on_header(char *bytes, size_t size, size_t count, void *context) {
  char line[1024];
  size_t length = size * count < sizeof line - 1 ? size * count : sizeof line - 1;
  memcpy(line, bytes, length);
  while (length > 0 && isspace((unsigned char)line[length - 1]))
    length--;
  line[length] = '\0';
  char *colon = strchr(line, ':');
  if (colon == NULL) return size * count;
  *colon++ = '\0';
  while (*colon == ' ' || *colon == '\t')
    colon++;
  take_header(context, line, colon);
  return size * count;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
  exchange *x = context;
  long code = 0;
  curl_easy_getinfo(x->http->curl, CURLINFO_RESPONSE_CODE, &code);
  x->reply->code = code;
  if (x->sink == NULL || (code != 200 && code != 206)) {
    x->ignored += size * count;
    return x->ignored < MAX_IGNORED ? size * count : 0;
  }
  if (x->sink->take(x->sink->context, x->reply, bytes, size * count, x->err)) return size * count;
  x->status = x->err->status;
  return 0; /* curl then ends the request */
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Called every second or more often.  curl's own limit of speed takes an average of five seconds.
 */
static int on_progress(void *context, curl_off_t all_down, curl_off_t down, curl_off_t all_up,
                       curl_off_t up) {
  exchange *x = context;
  double time = now();
  (void)all_down;
  (void)all_up;
  (void)up;
  if (down != x->bytes || x->last_byte == 0) {
    x->bytes = down;
    x->last_byte = time;
  }
  x->stalled = time - x->last_byte > (double)x->http->patience;
  return interrupted || x->stalled;
}

/* ── a request ──────────────────────────────────────────────────────────────────────────────────
 */

/* The file of certificates that curl(1) and OpenSSL would take, or NULL for the system's. */
static const char *certificates(void) {
  static const char *const names[] = {"CURL_CA_BUNDLE", "SSL_CERT_FILE"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const char *path = getenv(names[i]);
    if (path != NULL && path[0] != '\0') return path;
  }
  return NULL;
}

static void configure(koe_http *http, exchange *x, const char *url, int64_t from,
                      char *error_text) {
  CURL *curl = http->curl;
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "koelectra-fetch");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER,
                   is_hub(http, url) ? http->headers_with_token : http->headers);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_text);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, x);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, x);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  if (x->sink == NULL) curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  if (from > 0) {
    char range[32];
    snprintf(range, sizeof range, "%lld-", (long long)from);
    curl_easy_setopt(curl, CURLOPT_RANGE, range);
  }
  if (certificates() != NULL) curl_easy_setopt(curl, CURLOPT_CAINFO, certificates());
}

/* Whether trying again may help.  Who cannot be reached at all is most likely offline and is told
 * at once; who could be before has lost the connection. */
static bool may_pass(CURLcode code, bool reached) {
  switch (code) {
  case CURLE_URL_MALFORMAT:
  case CURLE_UNSUPPORTED_PROTOCOL:
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CACERT_BADFILE:
    return false;
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_COULDNT_CONNECT:
    return reached;
  default:
    return true;
  }
}

static koe_status fail_transfer(exchange *x, CURLcode code, const char *url, const char *text) {
  char *host = part_of(url, CURLUPART_HOST);
  koe_status status = KOE_IO;
  if (x->status != KOE_OK) {
    status = x->status;
  } else if (interrupted) {
    status = koe_fail(x->err, KOE_INVALID, "interrupted");
  } else if (x->stalled) {
    x->reply->may_pass = true;
    koe_fail(x->err, KOE_IO, "%.200s has sent nothing for %ld seconds", host != NULL ? host : url,
             x->http->patience);
  } else if (code == CURLE_OUT_OF_MEMORY) {
    status = koe_fail_nomem(x->err);
  } else {
    x->reply->may_pass = may_pass(code, x->http->reached);
    koe_fail(x->err, KOE_IO, "%s %.100s: %.200s",
             x->reply->code == 0 ? "cannot reach" : "no whole answer from",
             host != NULL ? host : url, text[0] != '\0' ? text : curl_easy_strerror(code));
  }
  curl_free(host);
  return status;
}

/* Nothing leads to files of this machine, and a hub of https to nothing that is not encrypted. */
static koe_status check_redirect(const koe_http *http, const char *target, koe_error *err) {
  bool open = begins(target, "http://") && begins(http->endpoint, "http://");
  if (open || begins(target, "https://")) return KOE_OK;
  return koe_fail(err, KOE_FORMAT, "%.150s redirects to %.150s, which is no https", http->endpoint,
                  target);
}

/* One answer.  `*next`: where it redirects to, NULL for nowhere; the caller frees with koe_free. */
static koe_status perform(exchange *x, const char *url, int64_t from, char **next) {
  char error_text[CURL_ERROR_SIZE] = "";
  char *target = NULL;
  *next = NULL;
  x->reply->code = 0;
  x->reply->from = 0;
  x->last_byte = 0;
  x->stalled = false;
  configure(x->http, x, url, from, error_text);
  CURLcode code = curl_easy_perform(x->http->curl);
  curl_easy_getinfo(x->http->curl, CURLINFO_RESPONSE_CODE, &x->reply->code);
  if (code != CURLE_OK) return fail_transfer(x, code, url, error_text);
  x->http->reached = true;
  curl_easy_getinfo(x->http->curl, CURLINFO_REDIRECT_URL, &target);
  if (target == NULL) return KOE_OK;
  koe_status status = check_redirect(x->http, target, x->err);
  if (status != KOE_OK) return status;
  *next = koe_copy_string(target, strlen(target));
  return *next != NULL ? KOE_OK : koe_fail_nomem(x->err);
}

/* Follows redirects, by hand: what is told on the way counts, and the token stays at the hub. */
static koe_status request(koe_http *http, const char *url, int64_t from, const koe_http_sink *sink,
                          koe_http_reply *reply, koe_error *err) {
  exchange x = {.http = http, .reply = reply, .sink = sink, .err = err};
  memset(reply, 0, sizeof *reply);
  reply->size = -1;
  reply->retry_after = -1;
  char *at = koe_copy_string(url, strlen(url)), *next = NULL;
  koe_status status = at != NULL ? KOE_OK : koe_fail_nomem(err);
  for (int redirects = 0; status == KOE_OK; redirects++) {
    status = perform(&x, at, from, &next);
    bool told = sink == NULL && reply->etag[0] != '\0' && (x.has_linked_etag || next == NULL);
    koe_free(at);
    at = next;
    if (next != NULL && !x.has_linked_size) reply->size = -1; /* of the redirect itself */
    if (next == NULL || told) break;
    if (!x.has_linked_etag) reply->etag[0] = '\0';
    if (status == KOE_OK && redirects == MAX_REDIRECTS) {
      status = koe_fail(err, KOE_FORMAT, "%.300s redirects more than %d times", url, MAX_REDIRECTS);
    }
  }
  koe_free(at);
  return status;
}

koe_status koe_http_head(koe_http *http, const char *url, koe_http_reply *reply, koe_error *err) {
  return request(http, url, 0, NULL, reply, err);
}

koe_status koe_http_get(koe_http *http, const char *url, int64_t from, const koe_http_sink *sink,
                        koe_http_reply *reply, koe_error *err) {
  return request(http, url, from, sink, reply, err);
}
