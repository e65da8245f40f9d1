/* model/tokenizer/sentences.c, model/tokenizer/chunk_words.c, model/tokenizer/chunking.c: where
 * sentences end, and what holds of the chunks of any text. */
#include "support.h"

#include "../model/memory.h"
#include "../model/tokenizer/chunking.h"
#include "../model/tokenizer/sentences.h"
#include "../model/tokenizer/unicode.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static koe_error err;
static koe_tokenizer *tokenizer;

static void open_tokenizer(bool lower, bool strip, bool nfc) {
  koe_tokenizer_options options = koe_tokenizer_options_default();
  options.do_lower_case = lower;
  options.strip_accents = strip;
  options.normalize_nfc = nfc;
  assert_ok(
      koe_tokenizer_open(test_path("reference/tokenizer/vocab.txt"), &options, &tokenizer, &err));
}

static void setup(void) {
  open_tokenizer(false, false, false);
}

static void finish(void) {
  koe_tokenizer_free(tokenizer);
  tokenizer = NULL;
}

static koe_text text_of(const char *string) {
  return (koe_text){string, strlen(string)};
}

/* ── sentences ──────────────────────────────────────────────────────────────────────────────────
 */

/* `marked` has a '|' where a sentence ends, white space behind it.  The text is it without them. */
static void assert_sentences(const char *marked) {
  char text[512], seen[512];
  size_t length = 0, written = 0;
  for (const char *at = marked; *at != '\0'; at++) {
    if (*at != '|') text[length++] = *at;
  }
  for (size_t start = 0; start < length;) {
    size_t end = koe_sentence_end((koe_text){text, length}, start);
    ck_assert_uint_gt(end, start);
    ck_assert_uint_le(end, length);
    memcpy(seen + written, text + start, end - start);
    written += end - start;
    for (start = end; start < length && strchr(" \n\r\t", text[start]) != NULL; start++)
      ;
    if (start == length) break;
    seen[written++] = '|';
    memcpy(seen + written, text + end, start - end);
    written += start - end;
  }
  seen[written] = '\0';
  ck_assert_str_eq(seen, marked);
}

START_TEST(sentences_end_at_marks) {
  assert_sentences("하나");
  assert_sentences("좋았다.| 나빴다.");
  assert_sentences("좋았어요?| 정말!| 그래…| 응");
  assert_sentences("뭐라고?!| 그럴 리가...| 없다");
  assert_sentences("제목|\n본문이다.|\n\n끝");
  assert_sentences("하나|\r\n둘");
  assert_sentences("好。|不好！|하나？|둘");
  assert_sentences("I see.| You do.");
}
END_TEST

START_TEST(what_closes_belongs_to_the_sentence) {
  assert_sentences("그는 \"좋다.\"| 하고 갔다.");
  assert_sentences("(끝났다.)| 다음.");
  assert_sentences("‘왜?’”| 다음");
  assert_sentences("「좋다。」|다음");
  assert_sentences("\"좋다.\"라고 말했다.| 끝");
  assert_sentences("그는 \"좋다.| 나쁘다.\"라고 말했다.");
  assert_sentences("하나.)]}| 둘");
}
END_TEST

START_TEST(korean_needs_no_space) {
  assert_sentences("좋았다.|그래서 또 봤다!|꼭 보세요?|네");
  assert_sentences("주.정.차 금지");
  assert_sentences("야!호");
  assert_sentences("3.가격");
}
END_TEST

START_TEST(numbers_and_dates_stay_whole) {
  assert_sentences("값은 3.14이고 1,000.5도 있다.| 끝");
  assert_sentences("2024. 1. 5. 서울에서 열렸다.| 끝");
  assert_sentences("오늘은 2024. 12. 31. 화요일");
  assert_sentences("1. 목적은 무엇인가?| 2. 방법");
  assert_sentences("가. 목적|\n나. 방법");
  assert_sentences("모두 5000.| 다음");
  assert_sentences("www.naver.com/a?b=c 와 192.168.0.1 을 본다.| 끝");
}
END_TEST

START_TEST(abbreviations_stay_whole) {
  assert_sentences("Dr. Kim met Prof. Lee vs. Mr. Park.| Then he left.");
  assert_sentences("J. K. Rowling wrote it.| It sold.");
  assert_sentences("in the U.S. Army, e.g. Korea, i.e. Seoul.| End");
  assert_sentences("see No. 5 and Fig. 3.| No.| Yes.");
  assert_sentences("bread, milk etc. are sold.| Bread etc.| Milk");
  assert_sentences("\"Why?\" he said.| \"Oh!\"| He left.");
}
END_TEST

START_TEST(sentences_of_anything) {
  static const char *const texts[] = {"....",   ". . .", "?",  "\xFF.\xFF",
                                      "\"\"\"", ".\"",   "1.", "a."};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    koe_text text = text_of(texts[i]);
    for (size_t start = 0; start < text.length; start++) {
      size_t end = koe_sentence_end(text, start);
      ck_assert(end > start && end <= text.length);
    }
  }
}
END_TEST

/* ── chunks ─────────────────────────────────────────────────────────────────────────────────────
 */

/* The chunks of `text`, each followed by its number of tokens: "책을 읽었다.:6|…" */
static void assert_chunks(const char *text, size_t max_tokens, size_t overlap,
                          const char *expected) {
  char seen[1024] = "";
  size_t length = 0;
  koe_chunks chunks = {0};
  assert_ok(koe_chunk_text(tokenizer, text_of(text), max_tokens, overlap, &chunks, &err));
  for (size_t i = 0; i < chunks.count; i++) {
    const koe_chunk *chunk = &chunks.items[i];
    length += (size_t)snprintf(seen + length, sizeof seen - length, "%s%.*s:%zu", i > 0 ? "|" : "",
                               (int)chunk->length, text + chunk->offset, chunk->tokens);
  }
  ck_assert_str_eq(seen, expected);
  koe_chunks_clear(&chunks);
}

START_TEST(whole_sentences_are_put_together) {
  static const char text[] = "가 나 다. 라 마. 바 사 아!\n자";
  assert_chunks(text, 100, 0, "가 나 다. 라 마. 바 사 아!\n자:14");
  assert_chunks(text, 13, 0, "가 나 다. 라 마. 바 사 아!:13|자:3");
  assert_chunks(text, 12, 0, "가 나 다. 라 마.:9|바 사 아!\n자:7");
  assert_chunks(text, 6, 0, "가 나 다.:6|라 마.:5|바 사 아!:6|자:3");
  assert_chunks("  가. \n ", 5, 0, "가.:4");
  assert_chunks("", 5, 0, "");
  assert_chunks(" \n\t", 5, 0, "");
}
END_TEST

START_TEST(long_sentences_are_cut_at_spaces) {
  assert_chunks("가 나 다 라 마 바. 사", 6, 0, "가 나 다 라:6|마 바. 사:6");
  assert_chunks("가 나-다-라 마", 6, 0, "가:3|나-다-:6|라 마:4");
  assert_chunks("가! 나 다 라 마 바 사", 7, 0, "가!:4|나 다 라 마 바:7|사:3");
}
END_TEST

START_TEST(overlaps_are_whole_sentences) {
  static const char text[] = "가 나! 다! 라! 마! 바 사 아!";
  assert_chunks(text, 9, 4, "가 나! 다! 라!:9|다! 라! 마!:8|마! 바 사 아!:8");
  assert_chunks(text, 9, 3, "가 나! 다! 라!:9|라! 마!:6|마! 바 사 아!:8");
  /* No sentence is so short: words. */
  assert_chunks(text, 9, 1, "가 나! 다! 라!:9|마! 바 사 아!:8");
  assert_chunks("가 나 다 라 마 바 사 아 자 차 카 타", 7, 2,
                "가 나 다 라 마:7|라 마 바 사 아:7|아 자 차 카 타:7");
  /* The next sentence, or what is left of one, takes the room: less is repeated, or nothing. */
  assert_chunks("가 나 다 라 마 바 사 아 자", 7, 2, "가 나 다 라 마:7|마 바 사 아 자:7");
  assert_chunks("가! 나 다 라 마!", 7, 3, "가!:4|나 다 라 마!:7");
}
END_TEST

START_TEST(bounds_are_refused) {
  koe_chunks chunks = {0};
  koe_text text = text_of("가");
  assert_fails(koe_chunk_text(tokenizer, text, 4, 0, &chunks, &err), KOE_INVALID,
               "max_tokens is 4: it must be from 5 to 65536");
  assert_fails(koe_chunk_text(tokenizer, text, 65537, 0, &chunks, &err), KOE_INVALID, "65537");
  assert_fails(koe_chunk_text(tokenizer, text, 9, 5, &chunks, &err), KOE_INVALID,
               "overlap is 5: it can be half of max_tokens (9) at most");
  ck_assert_uint_eq(chunks.count, 0);
}
END_TEST

/* ── any text ───────────────────────────────────────────────────────────────────────────────────
 */

static uint32_t state = 88172645;

static uint32_t next_random(void) {
  state ^= state << 13; /* Marsaglia's xorshift32 */
  state ^= state >> 17;
  state ^= state << 5;
  return state >> 3;
}

/* A text of up to `most` pieces of everything that is read in a way of its own. */
static size_t random_text(char *out, size_t most) {
  static const char *const parts[] = {"가",         "나무",
                                      "배우들의",   "좋았다.",
                                      "습니다",     "음악",
                                      "?",          "!",
                                      "…",          ". ",
                                      ". ",         " ",
                                      " ",          " ",
                                      "\n",         "\"",
                                      "'",          ")",
                                      "(",          "1.",
                                      "2024. ",     "3.14",
                                      "a",          "B",
                                      "the",        "Dr. ",
                                      "U.S. ",      "漢字",
                                      "。",         "[SEP]",
                                      "[MASK",      "]",
                                      "\x01",       "\xFF",
                                      "👍🏽",   "é",
                                      "e\u0301",    "\u1112\u1161\u11AB",
                                      "\u200B",     "\u200D",
                                      "İ",          "ﬁ",
                                      "\xEA\xB0",   "\u0338",
                                      "<",          "ㅋㅋㅋ",
                                      "##",         "\u3000",
                                      "\U0001D160", "\uFB2C",
                                      "한국어를",   "\u00A0"};
  size_t length = 0;
  for (size_t n = next_random() % (most + 1); n > 0; n--) {
    const char *part = parts[next_random() % (sizeof parts / sizeof parts[0])];
    /* Now and then one of them many times: long words, long runs of marks. */
    for (size_t times = next_random() % 16 == 0 ? 1 + next_random() % 60 : 1; times > 0; times--) {
      memcpy(out + length, part, strlen(part));
      length += strlen(part);
    }
  }
  return length;
}

static bool is_space_at(koe_text text, size_t at) {
  uint32_t character;
  koe_utf8_decode(text.bytes + at, text.length - at, &character);
  return koe_classify_character(character) == KOE_CHAR_SPACE;
}

static size_t count_tokens(koe_text text) {
  koe_tokens tokens = {0};
  assert_ok(koe_tokenizer_tokenize(tokenizer, text, SIZE_MAX, &tokens, &err));
  size_t count = tokens.count;
  koe_tokens_clear(&tokens);
  return count;
}

static size_t count_characters(koe_text text, size_t from, size_t to) {
  return koe_utf8_count(text.bytes + from, to - from);
}

/* Bounds, places and tokens of one chunk. */
static void check_chunk(koe_text text, const koe_chunk *chunk, size_t max_tokens) {
  koe_text piece = {text.bytes + chunk->offset, chunk->length};
  ck_assert_uint_gt(piece.length, 0);
  ck_assert_uint_le(chunk->offset + chunk->length, text.length);
  ck_assert(!is_space_at(text, chunk->offset));
  ck_assert_int_eq(chunk->start, (int64_t)count_characters(text, 0, chunk->offset));
  ck_assert_int_eq(chunk->end - chunk->start, (int64_t)koe_utf8_count(piece.bytes, piece.length));
  ck_assert_uint_le(chunk->tokens, max_tokens);
  ck_assert_uint_gt(chunk->tokens, 2);
  ck_assert_uint_eq(count_tokens(piece) + 2, chunk->tokens);
}

/* What stands between two chunks has no tokens; what they share has few. */
static void check_neighbours(koe_text text, const koe_chunk *a, const koe_chunk *b,
                             size_t overlap) {
  size_t end = a->offset + a->length;
  ck_assert_uint_gt(b->offset, a->offset);
  ck_assert_uint_gt(b->offset + b->length, end);
  if (b->offset >= end) {
    ck_assert_uint_eq(count_tokens((koe_text){text.bytes + end, b->offset - end}), 0);
  } else {
    ck_assert_uint_le(count_tokens((koe_text){text.bytes + b->offset, end - b->offset}), overlap);
  }
}

static size_t check_chunks(koe_text text, size_t max_tokens, size_t overlap) {
  koe_chunks chunks = {0};
  assert_ok(koe_chunk_text(tokenizer, text, max_tokens, overlap, &chunks, &err));
  size_t count = chunks.count;
  for (size_t i = 0; i < count; i++) {
    check_chunk(text, &chunks.items[i], max_tokens);
    if (i > 0) check_neighbours(text, &chunks.items[i - 1], &chunks.items[i], overlap);
  }
  size_t first = count > 0 ? chunks.items[0].offset : text.length;
  size_t last = count > 0 ? chunks.items[count - 1].offset + chunks.items[count - 1].length : 0;
  ck_assert_uint_eq(count_tokens((koe_text){text.bytes, first}), 0);
  if (count > 0) {
    ck_assert_uint_eq(count_tokens((koe_text){text.bytes + last, text.length - last}), 0);
  }
  koe_chunks_clear(&chunks);
  return count;
}

/* i: bit 0 lower case, bit 1 accents stripped, bit 2 NFC */
START_TEST(what_holds_of_any_text) {
  static char text[20000];
  size_t chunks = 0;
  finish();
  open_tokenizer((_i & 1) != 0, (_i & 2) != 0, (_i & 4) != 0);
  state += (uint32_t)_i;
  for (int i = 0; i < 150; i++) {
    size_t length = random_text(text, 60);
    size_t max_tokens = i % 3 == 0 ? 5 + next_random() % 3 : 5 + next_random() % 60;
    char *exact = malloc(length > 0 ? length : 1); /* AddressSanitizer sees a read beyond */
    memcpy(exact, text, length);
    chunks +=
        check_chunks((koe_text){exact, length}, max_tokens, next_random() % (max_tokens / 2 + 1));
    free(exact);
  }
  ck_assert_uint_gt(chunks, 500);
}
END_TEST

/* Texts without anything to cut at. */
START_TEST(texts_of_one_thing) {
  static const char *const parts[] = {"가",     "a",     ".",        "!\"", "ㅋ",     "漢",   "👍",
                                      "\u0301", "[SEP]", "\u200B가", "1. ", "한국어", "\xFF", "a."};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    static char text[2048];
    size_t length = 0;
    while (length + strlen(parts[i]) <= 1500) {
      memcpy(text + length, parts[i], strlen(parts[i]));
      length += strlen(parts[i]);
    }
    check_chunks((koe_text){text, length}, 5, 2);
    check_chunks((koe_text){text, length}, 64, 32);
    check_chunks((koe_text){text, length}, 65536, 32768);
  }
}
END_TEST

static double seconds_for(const char *part, size_t length) {
  struct timespec begin, end;
  koe_chunks chunks = {0};
  char *text = malloc(length);
  for (size_t i = 0; i < length; i++)
    text[i] = part[i % strlen(part)];
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
  assert_ok(koe_chunk_text(tokenizer, (koe_text){text, length}, 5, 2, &chunks, &err));
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
  ck_assert_uint_gt(chunks.count, 0);
  koe_chunks_clear(&chunks);
  free(text);
  return (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
}

/* Sixteen times the text takes about sixteen times as long, not 256 times. */
START_TEST(time_is_linear) {
  static const char *const parts[] = {"가", "1. ", "....a", "가 나. "};
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    double little = seconds_for(parts[i], 6000), much = seconds_for(parts[i], 16 * 6000);
    ck_assert_msg(much < 64 * little + 0.05, "'%s': %g s, then %g s", parts[i], little, much);
  }
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(memory_may_fail_anywhere) {
  static const char text[] = "가 나. 다라마바사아 좋았다. 끝 e\u0301";
  long n = 0;
  koe_status status;
  finish();
  open_tokenizer(false, false, true);
  do {
    koe_chunks chunks = {0};
    koe_memory_fail_after(++n);
    status = koe_chunk_text(tokenizer, text_of(text), 5, 2, &chunks, &err);
    koe_memory_fail_after(0);
    ck_assert(status == KOE_OK || status == KOE_NOMEM);
    koe_chunks_clear(&chunks);
  } while (status == KOE_NOMEM);
  ck_assert_int_gt(n, 4);
}
END_TEST
#endif

Suite *chunking_suite(void);

Suite *chunking_suite(void) {
  Suite *suite = suite_create("chunking");
  TCase *sentences = tcase_create("sentences");
  tcase_add_test(sentences, sentences_end_at_marks);
  tcase_add_test(sentences, what_closes_belongs_to_the_sentence);
  tcase_add_test(sentences, korean_needs_no_space);
  tcase_add_test(sentences, numbers_and_dates_stay_whole);
  tcase_add_test(sentences, abbreviations_stay_whole);
  tcase_add_test(sentences, sentences_of_anything);
  suite_add_tcase(suite, sentences);
  TCase *chunks = tcase_create("chunks");
  tcase_add_checked_fixture(chunks, setup, finish);
  tcase_add_test(chunks, whole_sentences_are_put_together);
  tcase_add_test(chunks, long_sentences_are_cut_at_spaces);
  tcase_add_test(chunks, overlaps_are_whole_sentences);
  tcase_add_test(chunks, bounds_are_refused);
  tcase_add_loop_test(chunks, what_holds_of_any_text, 0, 8);
  tcase_add_test(chunks, texts_of_one_thing);
  tcase_add_test(chunks, time_is_linear);
#ifdef KOE_FAULTS
  tcase_add_test(chunks, memory_may_fail_anywhere);
#endif
  suite_add_tcase(suite, chunks);
  return suite;
}
