/* How every fallible function of model/ reports failure.
 *
 * A function that can fail returns a koe_status and takes a `koe_error *err` last.  The place that
 * finds the fault fills `err` with koe_fail(), naming the file, tensor or argument at fault and
 * what to do; every caller above only passes the status on.  `err` is never NULL and needs no
 * initialisation: it is meaningful only after a status other than KOE_OK. */
#ifndef KOE_STATUS_H
#define KOE_STATUS_H

typedef enum koe_status {
  KOE_OK = 0,
  KOE_NOMEM,      /* memory could not be had */
  KOE_IO,         /* a file or directory is missing or cannot be read */
  KOE_FORMAT,     /* a file is truncated, inconsistent or not of a known format */
  KOE_INVALID,    /* an argument has a value that has no meaning here */
  KOE_NOT_FOUND,  /* no model of that name is registered */
  KOE_TOO_LONG,   /* an input exceeds a limit of the model or of this library */
  KOE_UNSUPPORTED /* a valid checkpoint that cannot do what was asked (no head, other model type) */
} koe_status;

typedef struct koe_error {
  koe_status status;
  char message[512]; /* UTF-8, always terminated; truncated at a character boundary */
} koe_error;

/* Fills `err` and returns `status`, so that a fault reads `return koe_fail(err, KOE_IO, …)`. */
koe_status koe_fail(koe_error *err, koe_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The one message for exhausted memory: koe_fail(err, KOE_NOMEM, …). */
koe_status koe_fail_nomem(koe_error *err);

#endif
