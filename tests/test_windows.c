/* Texts cut into windows, against the plainest way to cut them. */
#include "../model/memory.h"
#include "../model/tasks/windows.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

static koe_tokenizer *open_tokenizer(void) {
  koe_error err;
  koe_tokenizer *tokenizer;
  koe_tokenizer_options options = koe_tokenizer_options_default();
  assert_ok(koe_tokenizer_open(test_path("reference/tiny/vocab.txt"), &options, &tokenizer, &err));
  return tokenizer;
}

/* `count` words of one token each, freed by the caller. */
static koe_text make_text(size_t count) {
  static const char word[] = "책 ";
  const size_t length = sizeof word - 1;
  char *bytes = koe_alloc(count, length);
  for (size_t i = 0; i < count; i++)
    memcpy(bytes + i * length, word, length);
  return (koe_text){bytes, count * length};
}

/* The window [first, first + length) in which a token has most context; the first of several. */
static size_t owner(size_t token, size_t total, size_t length, size_t step) {
  size_t best = 0, most = 0;
  for (size_t window = 0, first = 0;; window++, first += step) {
    size_t end = first + length < total ? first + length : total;
    if (token >= first && token < end) {
      size_t left = token - first, right = end - 1 - token;
      size_t context = (left < right ? left : right) + 1;
      if (context > most) {
        most = context;
        best = window;
      }
    }
    if (end == total) return best;
  }
}

/* Reads all windows of a text of `total` tokens; every token must belong to one, its owner. */
static void check_windows(const koe_tokenizer *tokenizer, size_t total, size_t length,
                          size_t step) {
  koe_error err;
  koe_windows windows;
  koe_window items[KOE_WINDOWS_AT_ONCE];
  size_t count, next = 0, number = 0;
  koe_text text = make_text(total);
  koe_windows_start(&windows, tokenizer, text, length, step, 0);
  do {
    assert_ok(koe_windows_read(&windows, items, &count, &err));
    for (size_t w = 0; w < count; w++, number++) {
      const koe_window *window = &items[w];
      ck_assert_uint_eq(window->first, number * step);
      ck_assert_uint_le(window->count, length);
      ck_assert_uint_eq(window->first + window->begin, next);
      for (size_t i = window->begin; i < window->end; i++, next++) {
        ck_assert_msg(owner(next, total, length, step) == number,
                      "%zu tokens by %zu and %zu: token %zu is window %zu's, not %zu's", total,
                      length, step, next, number, owner(next, total, length, step));
        ck_assert_int_eq(window->tokens[i].start, (int64_t)next * 2);
        ck_assert_uint_eq(window->bytes[i].begin, next * 4);
        ck_assert_uint_eq(window->bytes[i].end, next * 4 + 3);
      }
    }
  } while (!windows.ended);
  ck_assert_msg(next == total, "%zu of %zu tokens", next, total);
  assert_ok(koe_windows_read(&windows, items, &count, &err));
  ck_assert_uint_eq(count, 0);
  koe_windows_stop(&windows);
  koe_free((char *)text.bytes);
}

START_TEST(every_token_once) {
  koe_tokenizer *tokenizer = open_tokenizer();
  for (size_t length = 1; length <= 9; length++) {
    for (size_t step = 1; step <= length; step++) {
      for (size_t total = 0; total < 40; total++)
        check_windows(tokenizer, total, length, step);
    }
  }
  check_windows(tokenizer, 3000, 509, 381);
  check_windows(tokenizer, 1500, 450, 128);
  koe_tokenizer_free(tokenizer);
}
END_TEST

/* Words of several pieces, characters of one to four bytes, some that are dropped. */
START_TEST(bytes_of_tokens) {
  static const char bytes[] = "a책\xFF 영화가\u00e9, \U0001F600 \u200b(문)[MASK]\t!";
  koe_error err;
  koe_windows windows;
  koe_window items[KOE_WINDOWS_AT_ONCE];
  koe_tokens whole = {0};
  size_t count, seen = 0;
  koe_tokenizer *tokenizer = open_tokenizer();
  koe_text text = {bytes, sizeof bytes - 1};
  assert_ok(koe_tokenizer_tokenize(tokenizer, text, SIZE_MAX, &whole, &err));
  koe_windows_start(&windows, tokenizer, text, 3, 1, 1);
  while (!windows.ended) {
    assert_ok(koe_windows_read(&windows, items, &count, &err));
    for (size_t w = 0; w < count; w++) {
      for (size_t i = items[w].begin; i < items[w].end; i++, seen++) {
        const koe_token *token = &items[w].tokens[i];
        koe_byte_range range = items[w].bytes[i];
        ck_assert_int_eq(token->id, whole.items[seen].id);
        ck_assert_int_eq(token->start, whole.items[seen].start);
        ck_assert_int_eq(token->segment, 1);
        ck_assert_uint_lt(range.begin, range.end);
        ck_assert_uint_le(range.end, text.length);
        /* A character begins at both ends. */
        ck_assert_int_ne(bytes[range.begin] & 0xC0, 0x80);
        ck_assert_int_ne(bytes[range.end] & 0xC0, 0x80);
      }
    }
  }
  ck_assert_uint_eq(seen, whole.count);
  koe_windows_stop(&windows);
  koe_tokens_clear(&whole);
  koe_tokenizer_free(tokenizer);
}
END_TEST

START_TEST(what_the_model_reads) {
  koe_error err;
  koe_windows windows;
  koe_window items[KOE_WINDOWS_AT_ONCE];
  koe_tokens question = {0};
  koe_batch batch = {0};
  size_t count;
  koe_tokenizer *tokenizer = open_tokenizer();
  koe_text text = make_text(2);
  int32_t cls = koe_tokenizer_id(tokenizer, (koe_text){"[CLS]", 5});
  int32_t sep = koe_tokenizer_id(tokenizer, (koe_text){"[SEP]", 5});
  assert_ok(koe_tokenizer_tokenize(tokenizer, (koe_text){"문", 3}, 1, &question, &err));
  koe_windows_start(&windows, tokenizer, text, 4, 2, 1);
  assert_ok(koe_windows_read(&windows, items, &count, &err));
  ck_assert_uint_eq(count, 1);
  int32_t word = items[0].tokens[0].id, asked = question.items[0].id;
  assert_ok(koe_windows_append(&windows, &items[0], &question, &batch, &err));
  assert_ok(koe_windows_append(&windows, &items[0], NULL, &batch, &err));
  const int32_t ids[] = {cls, asked, sep, word, word, sep, cls, word, word, sep};
  const int32_t types[] = {0, 0, 0, 1, 1, 1, 0, 1, 1, 0};
  ck_assert_uint_eq(batch.total, sizeof ids / sizeof ids[0]);
  ck_assert_mem_eq(batch.token_ids, ids, sizeof ids);
  ck_assert_mem_eq(batch.token_type_ids, types, sizeof types);
  koe_batch_clear(&batch);
  koe_windows_stop(&windows);
  koe_tokens_clear(&question);
  koe_free((char *)text.bytes);
  koe_tokenizer_free(tokenizer);
}
END_TEST

/* What is in memory depends on the windows, not on the text. */
START_TEST(long_text) {
  enum { WORDS = 10 << 18 }; /* 10 MB */
  koe_error err;
  koe_windows windows;
  koe_window items[KOE_WINDOWS_AT_ONCE];
  size_t count, next = 0;
  koe_tokenizer *tokenizer = open_tokenizer();
  koe_text text = make_text(WORDS);
  koe_windows_start(&windows, tokenizer, text, 510, 382, 0);
  while (!windows.ended) {
    assert_ok(koe_windows_read(&windows, items, &count, &err));
    for (size_t w = 0; w < count; w++)
      next += items[w].end - items[w].begin;
    ck_assert_uint_lt(windows.tokens.capacity, 20 * 510);
  }
  ck_assert_uint_eq(next, WORDS);
  koe_windows_stop(&windows);
  koe_free((char *)text.bytes);
  koe_tokenizer_free(tokenizer);
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(memory_runs_out) {
  koe_error err;
  koe_tokenizer *tokenizer = open_tokenizer();
  koe_text text = make_text(100);
  koe_status status;
  long n = 0;
  do {
    koe_windows windows;
    koe_window items[KOE_WINDOWS_AT_ONCE];
    koe_batch batch = {0};
    size_t count = 0;
    koe_memory_fail_after(++n);
    koe_windows_start(&windows, tokenizer, text, 8, 3, 0);
    do {
      status = koe_windows_read(&windows, items, &count, &err);
      for (size_t w = 0; w < count && status == KOE_OK; w++)
        status = koe_windows_append(&windows, &items[w], NULL, &batch, &err);
    } while (status == KOE_OK && !windows.ended);
    koe_memory_fail_after(0);
    koe_windows_stop(&windows);
    koe_batch_clear(&batch);
    ck_assert(status == KOE_OK || status == KOE_NOMEM);
  } while (status == KOE_NOMEM);
  ck_assert_int_gt(n, 5);
  koe_free((char *)text.bytes);
  koe_tokenizer_free(tokenizer);
}
END_TEST
#endif

Suite *windows_suite(void);

Suite *windows_suite(void) {
  Suite *suite = suite_create("windows");
  TCase *tests = tcase_create("windows");
  tcase_set_timeout(tests, 60);
  tcase_add_test(tests, every_token_once);
  tcase_add_test(tests, bytes_of_tokens);
  tcase_add_test(tests, what_the_model_reads);
  tcase_add_test(tests, long_text);
#ifdef KOE_FAULTS
  tcase_add_test(tests, memory_runs_out);
#endif
  suite_add_tcase(suite, tests);
  return suite;
}
