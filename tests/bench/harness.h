/* What the bench programs share: a clock, texts of a file, and commands that come line by line. */
#ifndef KOE_BENCH_HARNESS_H
#define KOE_BENCH_HARNESS_H

#include "../../model/status.h"
#include "../../model/text.h"

#include <stddef.h>

/* Seconds since some moment in the past; with BENCH_CLOCK=cpu in the environment, seconds of
 * processor time that this process has used. */
double koe_bench_now(void);

/* Prints the message and ends the program unless `status` is KOE_OK. */
void koe_bench_check(koe_status status, const koe_error *err);

/* Prints the message, with errno's where that is set, and ends the program. */
_Noreturn void koe_bench_fail(const char *message);

/* The texts of a file, one a line. */
typedef struct koe_bench_texts {
  koe_text *items; /* [count] */
  size_t count;
} koe_bench_texts;

/* Ends the program if the file cannot be read.  The caller frees with koe_bench_texts_clear. */
void koe_bench_texts_read(const char *path, koe_bench_texts *out);
void koe_bench_texts_clear(koe_bench_texts *texts);

/* Bytes of memory that this process has had resident at most. */
long long koe_bench_peak_bytes(void);

/* A command that a program understands: its name, and what answers it.  `arguments` are the words
 * behind the name, [count], separated by spaces. */
typedef struct koe_bench_command {
  const char *name;
  void (*answer)(void *context, char **arguments, int count);
} koe_bench_command;

/* Answers commands, one a line of standard input, until it ends.  An answer is one line on standard
 * output.  `commands` ends with a NULL name.  A line that is none ends the program. */
void koe_bench_serve(const koe_bench_command *commands, void *context);

#endif
