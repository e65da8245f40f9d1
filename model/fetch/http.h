/* HTTP requests to a model hub, with libcurl.
 *
 * A handle belongs to one hub: the token goes to the hub's scheme, host and port, and to no other
 * place that it redirects to.  A hub of https redirects to https alone. */
#ifndef KOE_FETCH_HTTP_H
#define KOE_FETCH_HTTP_H

#include "../status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct koe_http koe_http;

/* What the hub and those it redirects to say of what was asked for. */
typedef struct koe_http_reply {
  long code;               /* of the last answer; 0 where there was none */
  char commit[64];         /* X-Repo-Commit */
  char etag[128];          /* X-Linked-Etag, else ETag, without quotes; "" where there is none */
  int64_t size;            /* X-Linked-Size, else Content-Length of a HEAD; −1: not told */
  int64_t from;            /* first byte of the body within the file (Content-Range) */
  char error_code[64];     /* X-Error-Code: "RepoNotFound", … */
  char error_message[200]; /* X-Error-Message */
  double retry_after;      /* seconds; −1 where none are asked for */
  bool may_pass;           /* after a failure: the same request may succeed later */
} koe_http_reply;

/* Takes a part of the body; false ends the request, having filled `err`. */
typedef bool koe_http_take(void *context, const koe_http_reply *reply, const void *bytes,
                           size_t length, koe_error *err);

/* Where bodies of code 200 and 206 go; bodies of others are left. */
typedef struct koe_http_sink {
  koe_http_take *take;
  void *context;
} koe_http_sink;

/* `endpoint` is the hub's URL; `token` may be NULL.  Without a byte for `patience` seconds a
 * request fails.  Fails with KOE_INVALID (no URL of http or https), KOE_NOMEM. */
koe_status koe_http_open(const char *endpoint, const char *token, long patience, koe_http **out,
                         koe_error *err);

/* Takes NULL. */
void koe_http_free(koe_http *http);

/* HEAD, as far as an answer has an ETag: the redirect of a large file tells of it, that of a
 * renamed model does not.  Codes of 400 and more are no failure.  Fails with KOE_IO (no answer;
 * `reply->may_pass` says whether to try again), KOE_FORMAT (redirects without end), KOE_INVALID
 * (interrupted). */
koe_status koe_http_head(koe_http *http, const char *url, koe_http_reply *reply, koe_error *err);

/* GET from byte `from` on; the same, or as `sink` fails. */
koe_status koe_http_get(koe_http *http, const char *url, int64_t from, const koe_http_sink *sink,
                        koe_http_reply *reply, koe_error *err);

/* Makes requests under way and to come end with an error.  For handlers of signals. */
void koe_http_interrupt(void);

/* Whether that has been called. */
bool koe_http_interrupted(void);

/* Sleeps, unless interrupted. */
void koe_http_sleep(double seconds);

#endif
