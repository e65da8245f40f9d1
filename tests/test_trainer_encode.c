/* Examples become tokens and targets: texts, words, windows of a context, a teacher's logits. */
#include "../model/trainer/encode.h"
#include "../model/trainer/losses.h"
#include "../model/trainer/questions.h"
#include "../model/trainer/teacher.h"
#include "../model/writer/safetensors_writer.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLS = 2, SEP = 3 };

static koe_tokenizer *tokenizer;
static const char *directory;

/* 5 가, 6 나, 7 다, 8 라, 9 ##가, 10 ##나, 11 ##다 */
static void open_tokenizer(void) {
  static const char vocab[] =
      "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n가\n나\n다\n라\n##가\n##나\n##다\n";
  char path[64];
  koe_error err;
  koe_tokenizer_options options = koe_tokenizer_options_default();
  directory = temporary_directory();
  snprintf(path, sizeof path, "%s/vocab.txt", directory);
  write_file(path, vocab, sizeof vocab - 1);
  assert_ok(koe_tokenizer_open(path, &options, &tokenizer, &err));
}

static void close_tokenizer(void) {
  koe_tokenizer_free(tokenizer);
}

static const char *file_of(const char *name, const char *content) {
  static char path[128];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  write_file(path, content, strlen(content));
  return path;
}

static void assert_sequence(const koe_dataset *dataset, size_t sequence, const int32_t *ids,
                            size_t count) {
  const koe_batch *tokens = &dataset->tokens;
  size_t start = tokens->starts[sequence];
  ck_assert_uint_eq(tokens->starts[sequence + 1] - start, count);
  for (size_t t = 0; t < count; t++)
    ck_assert_int_eq(tokens->token_ids[start + t], ids[t]);
}

START_TEST(texts) {
  koe_examples examples = {0};
  koe_dataset dataset;
  koe_error err;
  koe_columns columns = {.text = "a", .pair = "b", .label = "c", .labels = KOE_LABELS_CLASSES};
  assert_ok(koe_examples_read(&examples,
                              file_of("x.tsv", "a\tb\tc\n가나 다\t라\tyes\n가 가 가 가\t나\tno\n"),
                              &columns, &err));
  assert_ok(koe_examples_finish(&examples, NULL, &err));
  static const int32_t map[] = {7, 4}; /* no, yes */
  assert_ok(koe_encode_texts(&examples, tokenizer, 7, map, 1, &dataset, &err));
  assert_sequence(&dataset, 0, (int32_t[]){CLS, 5, 10, 7, SEP, 8, SEP}, 7);
  assert_sequence(&dataset, 1, (int32_t[]){CLS, 5, 5, 5, SEP, 6, SEP}, 7);
  ck_assert_int_eq(dataset.tokens.token_type_ids[4], 0);
  ck_assert_int_eq(dataset.tokens.token_type_ids[5], 1);
  ck_assert_int_eq(dataset.labels[0], 4);
  ck_assert_int_eq(dataset.labels[1], 7);
  koe_dataset_clear(&dataset);
  assert_ok(koe_encode_sentences(&examples, tokenizer, 7, true, 1, &dataset, &err));
  ck_assert_uint_eq(koe_dataset_examples(&dataset), 2);
  assert_sequence(&dataset, 0, (int32_t[]){CLS, 5, 10, 7, SEP}, 5);
  assert_sequence(&dataset, 1, (int32_t[]){CLS, 8, SEP}, 3);
  ck_assert_uint_eq(koe_dataset_length(&dataset, 0), 8);
  koe_dataset_clear(&dataset);
  koe_examples_clear(&examples);
}
END_TEST

START_TEST(numbers) {
  koe_examples examples = {0};
  koe_dataset dataset;
  koe_error err;
  koe_columns columns = {.text = "a", .label = "c", .labels = KOE_LABELS_NUMBERS};
  assert_ok(
      koe_examples_read(&examples, file_of("x.tsv", "a\tc\n가\t2.5\n나\t-1\n"), &columns, &err));
  assert_ok(koe_examples_finish(&examples, NULL, &err));
  assert_ok(koe_encode_texts(&examples, tokenizer, 8, NULL, 5, &dataset, &err));
  ck_assert_float_eq(dataset.values[0], 0.5f);
  ck_assert_float_eq_tol(dataset.values[1], -0.2f, 1e-7f);
  koe_dataset_clear(&dataset);
  koe_examples_clear(&examples);
}
END_TEST

/* The first token of a word has its tag; what does not fit has none. */
START_TEST(tagged_words) {
  koe_examples examples = {0};
  koe_dataset dataset;
  koe_error err;
  uint32_t tokens[4];
  assert_ok(
      koe_examples_read_tagged(&examples, file_of("x.tsv", "가나다 라 가나 다\tB O B O\n"), &err));
  assert_ok(koe_examples_finish(&examples, NULL, &err));
  assert_ok(koe_encode_words(&examples, tokenizer, 8, NULL, &dataset, tokens, &err));
  assert_sequence(&dataset, 0, (int32_t[]){CLS, 5, 10, 11, 8, 5, 10, SEP}, 8);
  static const int32_t labels[8] = {-1, 0, -1, -1, 1, 0, -1, -1};
  for (size_t t = 0; t < 8; t++)
    ck_assert_int_eq(dataset.labels[t], labels[t]);
  ck_assert_uint_eq(tokens[0], 1);
  ck_assert_uint_eq(tokens[1], 4);
  ck_assert_uint_eq(tokens[2], 5);
  ck_assert_uint_eq(tokens[3], UINT32_MAX);
  koe_dataset_clear(&dataset);
  /* A word that is cut keeps its tag. */
  assert_ok(koe_encode_words(&examples, tokenizer, 4, NULL, &dataset, tokens, &err));
  assert_sequence(&dataset, 0, (int32_t[]){CLS, 5, 10, SEP}, 4);
  ck_assert_int_eq(dataset.labels[1], 0);
  ck_assert_uint_eq(tokens[1], UINT32_MAX);
  koe_dataset_clear(&dataset);
  koe_examples_clear(&examples);
}
END_TEST

START_TEST(raw_text) {
  koe_examples examples = {0};
  koe_dataset dataset;
  koe_error err;
  koe_columns columns = {0};
  assert_ok(koe_examples_read(&examples, file_of("x.txt", "가 나 다 라 가\n나\n"), &columns, &err));
  assert_ok(koe_examples_finish(&examples, NULL, &err));
  assert_ok(koe_encode_raw(&examples, tokenizer, 5, &dataset, &err));
  ck_assert_uint_eq(dataset.tokens.sequences, 3);
  assert_sequence(&dataset, 0, (int32_t[]){CLS, 5, 6, 7, SEP}, 5);
  assert_sequence(&dataset, 1, (int32_t[]){CLS, 8, 5, SEP}, 4);
  assert_sequence(&dataset, 2, (int32_t[]){CLS, 6, SEP}, 3);
  koe_dataset_clear(&dataset);
  koe_examples_clear(&examples);
}
END_TEST

/* Windows overlap, the answer is labelled where it lies whole, and outputs lead back to its bytes.
 */
START_TEST(questions) {
  static const char json[] =
      "{\"data\": [{\"paragraphs\": [{\"context\": \"가 나, 다 라 가나 다 라 나\", \"qas\": ["
      "{\"id\": \"1\", \"question\": \"가 나\", \"answers\": [{\"text\": \"가나\", "
      "\"answer_start\": 9}]}]}]}]}";
  koe_examples examples = {0};
  koe_dataset dataset;
  koe_windows windows;
  koe_error err;
  koe_stretch answer;
  assert_ok(koe_examples_read_questions(&examples, file_of("x.json", json), &err));
  assert_ok(koe_examples_finish(&examples, NULL, &err));
  /* Context: 가 나 , 다 라 가 ##나 다 라 나: 10 tokens; windows of 11 - 2 - 3 = 6, overlap 2. */
  assert_ok(koe_encode_questions(&examples, tokenizer, 11, 2, &dataset, &windows, &err));
  ck_assert_uint_eq(dataset.tokens.sequences, 2);
  assert_sequence(&dataset, 0, (int32_t[]){CLS, 5, 6, SEP, 5, 6, 1, 7, 8, 5, SEP}, 11);
  assert_sequence(&dataset, 1, (int32_t[]){CLS, 5, 6, SEP, 8, 5, 10, 7, 8, 6, SEP}, 11);
  ck_assert_int_eq(dataset.tokens.token_type_ids[3], 0);
  ck_assert_int_eq(dataset.tokens.token_type_ids[4], 1);
  static const int32_t labels[4] = {0, 0, 5, 6};
  for (size_t i = 0; i < 4; i++)
    ck_assert_int_eq(dataset.labels[i], labels[i]);
  float outputs[2 * 22] = {0};
  outputs[2 * 1] = 90; /* a token of the question is no answer */
  outputs[2 * (11 + 5)] = 3;
  outputs[2 * (11 + 6) + 1] = 4;
  outputs[2 * 4 + 1] = 6; /* would end before it starts */
  koe_find_answers(&examples, &dataset, &windows, outputs, &answer);
  koe_text found = koe_examples_text(&examples, answer);
  ck_assert_msg(found.length == 6 && memcmp(found.bytes, "가나", 6) == 0, "%.*s", (int)found.length,
                found.bytes);
  koe_dataset_clear(&dataset);
  koe_windows_clear(&windows);
  assert_fails(koe_encode_questions(&examples, tokenizer, 7, 2, &dataset, &windows, &err),
               KOE_INVALID, "no room");
  koe_dataset_clear(&dataset);
  koe_windows_clear(&windows);
  koe_examples_clear(&examples);
}
END_TEST

START_TEST(teacher) {
  static char *const labels[] = {"bad", "good"};
  koe_dataset dataset = {.group = 1};
  koe_token tokens[2] = {{.id = CLS}, {.id = SEP}};
  koe_error err;
  char path[128];
  const float logits[] = {0.1f, -3.25f, 1e-20f, 7};
  for (size_t i = 0; i < 2; i++)
    assert_ok(koe_batch_append(&dataset.tokens, tokens, 2, &err));
  snprintf(path, sizeof path, "%s/logits.tsv", directory);
  assert_ok(koe_teacher_write(path, labels, 2, logits, 2, &err));
  assert_ok(koe_teacher_read(path, labels, 2, &dataset, &err));
  ck_assert_mem_eq(dataset.teacher, logits, sizeof logits);
  koe_dataset_clear(&dataset);
  static const struct {
    const char *content, *message;
  } bad[] = {{"bad\tgood\n1\t2\n", "1 rows"},
             {"bad\tugly\n1\t2\n1\t2\n", "ugly"},
             {"bad\n1\n1\n", "1 labels"},
             {"bad\tgood\n1\tx\n1\t2\n", ":2:"},
             {"", "0 rows"}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    dataset = (koe_dataset){.group = 1};
    for (size_t s = 0; s < 2; s++)
      assert_ok(koe_batch_append(&dataset.tokens, tokens, 2, &err));
    assert_fails(koe_teacher_read(file_of("bad.tsv", bad[i].content), labels, 2, &dataset, &err),
                 KOE_FORMAT, bad[i].message);
    koe_dataset_clear(&dataset);
  }
}
END_TEST

/* Every example once an epoch, in another order each time. */
START_TEST(shuffles) {
  koe_dataset dataset = {.group = 1};
  koe_token token = {.id = CLS};
  koe_error err;
  uint32_t a[50], b[50];
  bool seen[50] = {false};
  for (size_t i = 0; i < 50; i++)
    assert_ok(koe_batch_append(&dataset.tokens, &token, 1, &err));
  koe_dataset_shuffle(&dataset, 1, 0, a);
  koe_dataset_shuffle(&dataset, 1, 0, b);
  ck_assert_mem_eq(a, b, sizeof a);
  koe_dataset_shuffle(&dataset, 1, 1, b);
  ck_assert_mem_ne(a, b, sizeof a);
  for (size_t i = 0; i < 50; i++) {
    ck_assert(!seen[b[i]]);
    seen[b[i]] = true;
  }
  koe_dataset_clear(&dataset);
}
END_TEST

/* One example of two sequences. */
static void two_sequences(koe_dataset *dataset) {
  koe_token tokens[2] = {{.id = CLS}, {.id = SEP}};
  koe_error err;
  *dataset = (koe_dataset){.group = 2};
  for (size_t s = 0; s < 2; s++)
    assert_ok(koe_batch_append(&dataset->tokens, tokens, 2, &err));
}

static void write_tensor(const char *file, const char *name, int64_t rows, int64_t columns,
                         const float *data) {
  koe_output_tensor tensor = {.name = name, .dims = 2, .shape = {rows, columns}, .data = data};
  koe_file_writer writer;
  koe_error err;
  assert_ok(koe_file_writer_open(directory, file, &writer, &err));
  assert_ok(koe_safetensors_write(&writer, &tensor, 1, KOE_F16, &err));
  assert_ok(koe_file_writer_close(&writer, &err));
  assert_ok(koe_file_writer_publish(&writer, &err));
  koe_file_writer_abandon(&writer);
}

START_TEST(teacher_embeddings) {
  const float rows[] = {3, 0, 4, 0, -0.5f, 0}, none[] = {3, 0, 4, 0, 0, 0};
  const float unit[] = {0.6f, 0, 0.8f, 0, -1, 0};
  koe_dataset dataset;
  koe_error err;
  char path[128];
  snprintf(path, sizeof path, "%s/embeddings.safetensors", directory);
  write_tensor("embeddings.safetensors", "embeddings", 2, 3, rows);
  two_sequences(&dataset);
  assert_ok(koe_teacher_read_embeddings(path, 3, &dataset, &err));
  for (size_t i = 0; i < 6; i++)
    ck_assert_float_eq_tol(dataset.teacher[i], unit[i], 1e-6f);
  koe_dataset_clear(&dataset);
  static const struct {
    const char *name, *message;
    int64_t rows, columns;
    bool zero;
  } bad[] = {{"embedding", "[2, 3]", 2, 3, false},
             {"embeddings", "[2, 3]", 3, 2, false},
             {"embeddings", "embedding 1 has no direction", 2, 3, true}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    write_tensor("embeddings.safetensors", bad[i].name, bad[i].rows, bad[i].columns,
                 bad[i].zero ? none : rows);
    two_sequences(&dataset);
    assert_fails(koe_teacher_read_embeddings(path, 3, &dataset, &err), KOE_FORMAT, bad[i].message);
    koe_dataset_clear(&dataset);
  }
  two_sequences(&dataset);
  assert_fails(koe_teacher_read_embeddings("/nowhere", 3, &dataset, &err), KOE_IO, "/nowhere");
  koe_dataset_clear(&dataset);
}
END_TEST

Suite *trainer_encode_suite(void);
Suite *trainer_encode_suite(void) {
  Suite *suite = suite_create("trainer_encode");
  TCase *cases = tcase_create("encode");
  tcase_add_checked_fixture(cases, open_tokenizer, close_tokenizer);
  tcase_add_test(cases, texts);
  tcase_add_test(cases, numbers);
  tcase_add_test(cases, tagged_words);
  tcase_add_test(cases, raw_text);
  tcase_add_test(cases, questions);
  tcase_add_test(cases, teacher);
  tcase_add_test(cases, teacher_embeddings);
  tcase_add_test(cases, shuffles);
  suite_add_tcase(suite, cases);
  return suite;
}
