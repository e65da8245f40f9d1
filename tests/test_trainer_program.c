/* The program: its options, whole trainings of every task on toy data, and one that is killed. */
#include "../model/checkpoint/checkpoint.h"
#include "../model/memory.h"
#include "../model/trainer/bfloat16_product.h"
#include "../model/trainer/parameters.h"
#include "../model/trainer/run.h"
#include "../model/trainer/training_state.h"
#include "../model/writer/safetensors_writer.h"
#include "support.h"

#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ── toy data ───────────────────────────────────────────────────────────────────────────────────
 */

static const char *const words[] = {"영화", "배우", "연기", "음악", "장면", "감독", "이야기", "끝"};
enum { WORDS = sizeof words / sizeof words[0], ROWS = 64 };

typedef struct toy_files {
  char vocab[64], labelled[64], unlabelled[64], paired[64], tagged[64], questions[64], text[64],
      out[64];
} toy_files;

static FILE *create(char *path, const char *directory, const char *name) {
  snprintf(path, 64, "%s/%s", directory, name);
  FILE *file = fopen(path, "w");
  ck_assert_ptr_nonnull(file);
  return file;
}

static const char *word(size_t i) {
  return words[i * 7 % 13 % WORDS];
}

/* Reviews that say 좋다 or 나쁘다 somewhere, for every reader. */
static void make_files(toy_files *files) {
  const char *directory = temporary_directory();
  snprintf(files->out, sizeof files->out, "%s/out", directory);
  FILE *vocab = create(files->vocab, directory, "vocab.txt");
  fputs("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n좋다\n나쁘다\n누가\n", vocab);
  for (size_t i = 0; i < WORDS; i++)
    fprintf(vocab, "%s\n", words[i]);
  fclose(vocab);
  FILE *labelled = create(files->labelled, directory, "labelled.tsv");
  FILE *unlabelled = create(files->unlabelled, directory, "unlabelled.tsv");
  FILE *paired = create(files->paired, directory, "paired.tsv");
  FILE *tagged = create(files->tagged, directory, "tagged.tsv");
  FILE *questions = create(files->questions, directory, "questions.json");
  FILE *text = create(files->text, directory, "text.txt");
  fputs("text\tlabel\n", labelled);
  fputs("text\tlabel\n", unlabelled);
  fputs("text\tother\tlabel\tgrade\n", paired);
  fputs("{\"data\": [{\"paragraphs\": [", questions);
  for (size_t i = 0; i < ROWS; i++) {
    const char *mark = i % 2 ? "좋다" : "나쁘다", *a = word(i), *b = word(i + 3);
    fprintf(labelled, "%s %s %s\t%s\n", a, mark, b, i % 2 ? "good" : "bad");
    fprintf(unlabelled, "%s %s %s\t%s\n", a, mark, b, i > 9 ? "-" : i % 2 ? "good" : "bad");
    fprintf(paired, "%s %s\t%s %s\t%d\t%d\n", a, mark, b, i % 4 < 2 ? "좋다" : "나쁘다",
            (i % 2 == 1) == (i % 4 < 2) ? 5 : 0, (int)(i % 2) * 2 + (i % 4 < 2));
    fprintf(tagged, "%s %s %s\tO %s O\n", a, mark, b, i % 2 ? "B-POS" : "B-NEG");
    fprintf(text, "%s %s %s\n", a, mark, b);
    /* Characters, not bytes: the word's length and a space. */
    size_t start = 1;
    for (const char *c = a; *c != '\0'; c++)
      start += (*c & 0xc0) != 0x80;
    fprintf(questions,
            "%s{\"context\": \"%s %s %s\", \"qas\": [{\"id\": \"%zu\", \"question\": \"누가\", "
            "\"answers\": [{\"text\": \"%s\", \"answer_start\": %zu}]}]}",
            i > 0 ? "," : "", a, mark, b, i, mark, start);
  }
  fputs("]}]}", questions);
  fclose(labelled);
  fclose(unlabelled);
  fclose(paired);
  fclose(tagged);
  fclose(questions);
  fclose(text);
}

/* ── running ────────────────────────────────────────────────────────────────────────────────────
 */

enum { MAX_ARGUMENTS = 64 };

/* Parses and runs a command line given as one string of words. */
static koe_status run_words(const char *line, bool *interrupted, koe_error *err) {
  char copy[2048], *argv[MAX_ARGUMENTS] = {"koelectra-train"}, *rest = copy, *next;
  koe_run_options options;
  int argc = 1;
  ck_assert_uint_lt(strlen(line), sizeof copy);
  strcpy(copy, line);
  while ((next = strsep(&rest, " ")) != NULL && argc < MAX_ARGUMENTS) {
    if (strcmp(next, "TABLE") == 0) next = "SELECT * FROM rows"; /* the one argument with spaces */
    if (*next != '\0') argv[argc++] = next;
  }
  koe_status status = koe_run_options_parse(argc, argv, &options, err);
  return status == KOE_OK ? koe_run(&options, interrupted, err) : status;
}

static const char *command(const toy_files *files, const char *common, const char *task) {
  static char line[2048];
  snprintf(line, sizeof line,
           "--vocab %s --hidden 16 --embedding 8 --layers 1 --heads 2 --intermediate 32 "
           "--positions 16 --threads 2 --rate 1e-2 --out %s %s %s",
           files->vocab, files->out, common, task);
  return line;
}

/* What the run prints to standard output, at most `size` bytes of it. */
static void run_captured(const char *line, char *printed, size_t size) {
  koe_error err;
  bool interrupted;
  FILE *file = tmpfile();
  ck_assert_ptr_nonnull(file);
  fflush(stdout);
  int saved = dup(STDOUT_FILENO);
  dup2(fileno(file), STDOUT_FILENO);
  koe_status status = run_words(line, &interrupted, &err);
  fflush(stdout);
  dup2(saved, STDOUT_FILENO);
  close(saved);
  ck_assert_msg(status == KOE_OK, "%s: %s", line, err.message);
  ck_assert(!interrupted);
  rewind(file);
  printed[fread(printed, 1, size - 1, file)] = '\0';
  fclose(file);
}

/* The number behind the last `name` in what was printed. */
static double printed_score(const char *printed, const char *name) {
  const char *last = NULL;
  for (const char *at = printed; (at = strstr(at, name)) != NULL; at++)
    last = at;
  ck_assert_msg(last != NULL, "no %s in: %s", name, printed);
  return atof(last + strlen(name));
}

static void quiet(void) {
  ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
}

START_TEST(every_task) {
  toy_files f;
  char task[512], printed[8192], line[1024];
  make_files(&f);
  quiet();
  const struct {
    const char *task, *data, *columns, *score, *architecture;
    double least;
  } tasks[] = {
      {"classify", f.labelled, "", "accuracy", "ElectraForSequenceClassification", 0.95},
      {"regress", f.paired, "--pair other --label grade --scale 5", "Spearman",
       "ElectraForSequenceClassification", 0.8},
      {"tag", f.tagged, "", "entity F1", "ElectraForTokenClassification", 0.95},
      {"answer", f.questions, "--stride 4", "F1", "ElectraForQuestionAnswering", 0.95},
      {"embed", f.paired, "--pair other --scale 5 --loss cosent", "Spearman", "ElectraModel", 0.8},
      {"embed", f.paired, "--pair other --scale 5 --loss cosine", "Spearman", "ElectraModel", 0.8},
  };
  snprintf(task, sizeof task, "%s --train %s --dev %s --batch 16 %s", tasks[_i].task,
           tasks[_i].data, tasks[_i].data, tasks[_i].columns);
  run_captured(command(&f, "--epochs 40 --dropout 0 --attention-dropout 0", task), printed,
               sizeof printed);
  double score = printed_score(printed, tasks[_i].score);
  ck_assert_msg(score >= tasks[_i].least, "%s: %s %.4f", tasks[_i].task, tasks[_i].score, score);

  /* The written model scores the same. */
  snprintf(line, sizeof line, "--model %s --evaluate %s --dev %s %s", f.out, tasks[_i].task,
           tasks[_i].data, tasks[_i].columns);
  run_captured(line, printed, sizeof printed);
  ck_assert_double_eq_tol(printed_score(printed, tasks[_i].score), score, 1e-3);
  snprintf(line, sizeof line, "%s/config.json", f.out);
  json_t *config = load_json(line);
  json_t *name = json_array_get(json_object_get(config, "architectures"), 0);
  ck_assert_str_eq(json_string_value(name), tasks[_i].architecture);
  json_decref(config);
}
END_TEST

/* Labels where users have them: in a database, most of them of one class. */
START_TEST(from_database) {
  static const char schema[] =
      "CREATE TABLE reviews(body TEXT, verdict TEXT);"
      "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 89)"
      "INSERT INTO reviews SELECT CASE i % 3 WHEN 0 THEN '영화' WHEN 1 THEN '배우' ELSE '끝' END"
      "  || CASE i % 10 WHEN 0 THEN ' 좋다' ELSE ' 나쁘다' END,"
      "  CASE i % 10 WHEN 0 THEN 'good' ELSE 'bad' END FROM n;"
      "CREATE VIEW rows AS SELECT * FROM reviews;";
  toy_files f;
  char task[512], printed[8192], path[128];
  sqlite3 *db;
  make_files(&f);
  quiet();
  snprintf(path, sizeof path, "%s.db", f.out);
  ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
  ck_assert_int_eq(sqlite3_exec(db, schema, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
  snprintf(
      task, sizeof task,
      "classify --db %s --query TABLE --dev-query TABLE --text body --label verdict --batch 15 "
      "--balance",
      path);
  run_captured(command(&f, "--epochs 30 --dropout 0", task), printed, sizeof printed);
  ck_assert_double_ge(printed_score(printed, "macro F1"), 0.95);
}
END_TEST

/* A classifier and sentence embeddings in one encoder, then a student of the classifier, most of
 * whose texts have no label. */
START_TEST(several_tasks) {
  toy_files f;
  char task[512], printed[8192], logits[128];
  make_files(&f);
  quiet();
  snprintf(logits, sizeof logits, "--epochs 40 --dropout 0 --predictions %s.logits", f.out);
  snprintf(
      task, sizeof task,
      "classify --batch 16 --train %s --dev %s embed --batch 16 --train %s --temperature 0.1 --weight 0.1",
      f.labelled, f.labelled, f.text);
  run_captured(command(&f, logits, task), printed, sizeof printed);
  ck_assert_double_ge(printed_score(printed, "accuracy"), 0.95);
  snprintf(task, sizeof task,
           "classify --batch 16 --train %s --dev %s --teacher %s.logits --teacher-share 1 "
           "--teacher-temperature 2",
           f.unlabelled, f.labelled, f.out);
  run_captured(command(&f, "--epochs 40 --dropout 0 --seed 7", task), printed, sizeof printed);
  ck_assert_double_ge(printed_score(printed, "accuracy"), 0.95);
}
END_TEST

static void write_tensor(const char *path, const char *name, int64_t rows, int64_t columns,
                         const float *data) {
  koe_output_tensor tensor = {.name = name, .dims = 2, .shape = {rows, columns}, .data = data};
  koe_file_writer writer;
  koe_error err;
  char directory[128];
  snprintf(directory, sizeof directory, "%s", path);
  char *slash = strrchr(directory, '/');
  *slash = '\0';
  assert_ok(koe_file_writer_open(directory, slash + 1, &writer, &err));
  assert_ok(koe_safetensors_write(&writer, &tensor, 1, KOE_F32, &err));
  assert_ok(koe_file_writer_close(&writer, &err));
  assert_ok(koe_file_writer_publish(&writer, &err));
  koe_file_writer_abandon(&writer);
}

/* A new model begins with the word embeddings of a file, and learns a teacher's embeddings. */
START_TEST(starts_and_follows_teacher) {
  static const char table[] = "electra.embeddings.word_embeddings.weight";
  enum { TOKENS = 8 + WORDS, EMBEDDING = 8, HIDDEN = 16, SEQUENCES = 2 * ROWS };
  float words_in[TOKENS * EMBEDDING], teacher[SEQUENCES * HIDDEN] = {0};
  toy_files f;
  char path[128], start[256], task[512], printed[8192];
  const float *words_out;
  koe_checkpoint *checkpoint;
  koe_error err;
  bool interrupted;
  make_files(&f);
  quiet();
  for (size_t i = 0; i < TOKENS * EMBEDDING; i++)
    words_in[i] = (float)i / 64 - 1;
  for (size_t s = 0; s < SEQUENCES; s++)
    teacher[s * HIDDEN + (s % 2 == 0 ? s / 2 % 2 : s / 2 % 4 < 2)] = 1;
  snprintf(path, sizeof path, "%s.start", f.out);
  write_tensor(path, table, TOKENS, EMBEDDING, words_in);
  snprintf(start, sizeof start, "--start %s --steps 1 --rate 1e-9", path);
  snprintf(task, sizeof task, "embed --train %s", f.text);
  run_captured(command(&f, start, task), printed, sizeof printed);
  assert_ok(koe_checkpoint_open(f.out, &checkpoint, &err));
  const koe_tensor *tensor = koe_checkpoint_find(checkpoint, table);
  assert_ok(koe_checkpoint_float32(checkpoint, tensor, &words_out, &err));
  for (size_t i = 0; i < TOKENS * EMBEDDING; i++)
    ck_assert_float_eq_tol(words_out[i], words_in[i], 1e-6f);
  koe_checkpoint_free(checkpoint);
  write_tensor(path, table, TOKENS, EMBEDDING - 1, words_in);
  koe_status status = run_words(command(&f, start, task), &interrupted, &err);
  ck_assert_int_eq(status, KOE_FORMAT);
  ck_assert_ptr_nonnull(strstr(err.message, table));
  write_tensor(path, "embeddings", SEQUENCES, HIDDEN, teacher);
  snprintf(task, sizeof task,
           "embed --loss teacher --teacher %s --train %s --pair other --batch 8 "
           "embed --weight 1e-6 --loss cosine --train %s --dev %s --pair other",
           path, f.paired, f.paired, f.paired);
  run_captured(command(&f, "--epochs 20 --dropout 0 --rate 3e-3", task), printed, sizeof printed);
  ck_assert_double_ge(printed_score(printed, "Spearman"), 0.8);
}
END_TEST

START_TEST(pretrains) {
  toy_files f;
  char task[512], printed[8192], path[128];
  koe_error err;
  koe_checkpoint *checkpoint;
  make_files(&f);
  quiet();
  snprintf(task, sizeof task, "pretrain --train %s --generator 0.5", f.text);
  run_captured(command(&f, "--epochs 3", task), printed, sizeof printed);
  assert_ok(koe_checkpoint_open(f.out, &checkpoint, &err));
  ck_assert_ptr_nonnull(koe_checkpoint_find(checkpoint, "discriminator_predictions.dense.weight"));
  ck_assert_ptr_null(koe_checkpoint_find(checkpoint, "generator_lm_head.bias"));
  koe_checkpoint_free(checkpoint);
  snprintf(path, sizeof path, "%s/generator", f.out);
  assert_ok(koe_checkpoint_open(path, &checkpoint, &err));
  ck_assert_ptr_nonnull(koe_checkpoint_find(checkpoint, "generator_lm_head.bias"));
  ck_assert_ptr_nonnull(
      koe_checkpoint_find(checkpoint, "electra.embeddings.word_embeddings.weight"));
  koe_checkpoint_free(checkpoint);
  /* Fine-tuning starts from it. */
  snprintf(path, sizeof path, "%s2", f.out);
  snprintf(
      task, sizeof task,
      "--model %s --out %s --epochs 40 --rate 1e-2 --dropout 0 classify --batch 16 --train %s --dev %s",
      f.out, path, f.labelled, f.labelled);
  run_captured(task, printed, sizeof printed);
  ck_assert_double_ge(printed_score(printed, "accuracy"), 0.95);
}
END_TEST

/* ── killed ─────────────────────────────────────────────────────────────────────────────────────
 */

static char *weights_of(const char *directory, size_t *length) {
  char path[128];
  snprintf(path, sizeof path, "%s/model.safetensors", directory);
  return read_file(path, length);
}

static void wait_for(const char *path) {
  const struct timespec pause = {.tv_nsec = 2000000};
  for (int i = 0; i < 5000 && access(path, R_OK) != 0; i++)
    nanosleep(&pause, NULL);
  ck_assert_msg(access(path, R_OK) == 0, "no %s", path);
}

/* A training that saves after every step is killed once it has saved; the same command goes on and
 * gives the same model, bit for bit, as one that was left alone. */
START_TEST(resumes_after_kill) {
  static const char common[] = "--steps 400 --save-minutes 0.000001";
  toy_files f, other;
  char task[512], state[128], printed[256];
  size_t length, other_length;
  koe_error err;
  bool interrupted;
  make_files(&f);
  make_files(&other);
  quiet();
  snprintf(task, sizeof task, "classify --train %s", f.labelled);
  snprintf(state, sizeof state, "%s/training.state", f.out);
  pid_t child = fork();
  if (child == 0) {
    koe_status status = run_words(command(&f, common, task), &interrupted, &err);
    _exit(status == KOE_OK ? 0 : 1);
  }
  wait_for(state);
  kill(child, SIGKILL);
  int how;
  ck_assert_int_eq(waitpid(child, &how, 0), child);
  ck_assert_msg(WIFSIGNALED(how), "the training ended before it was killed");
  /* Other options do not go on from there. */
  ck_assert_int_eq(access(state, R_OK), 0);
  assert_fails(run_words(command(&f, "--steps 401", task), &interrupted, &err), KOE_INVALID,
               "--restart");
  run_captured(command(&f, common, task), printed, sizeof printed);
  ck_assert_int_ne(access(state, R_OK), 0);
  strcpy(f.vocab, other.vocab);
  char *resumed = weights_of(f.out, &length);
  strcpy(f.out, other.out);
  run_captured(command(&f, "--steps 400", task), printed, sizeof printed);
  char *whole = weights_of(f.out, &other_length);
  ck_assert_uint_eq(length, other_length);
  ck_assert_mem_eq(resumed, whole, length);
  free(resumed);
  free(whole);
}
END_TEST

/* A training in float32 that was killed may go on in bfloat16; where the processor has no such
 * products, that is said. */
START_TEST(goes_on_in_bfloat16) {
  static const char common[] = "--steps 400 --save-minutes 0.000001";
  toy_files f;
  char task[512], state[128], printed[256], line[256];
  koe_error err;
  bool interrupted;
  make_files(&f);
  quiet();
  snprintf(task, sizeof task, "classify --train %s", f.labelled);
  snprintf(state, sizeof state, "%s/training.state", f.out);
  snprintf(line, sizeof line, "%s --bfloat16", common);
  if (koe_bfloat16_best() == NULL) {
    assert_fails(run_words(command(&f, line, task), &interrupted, &err), KOE_INVALID, "--bfloat16");
    return;
  }
  pid_t child = fork();
  if (child == 0) {
    koe_status status = run_words(command(&f, common, task), &interrupted, &err);
    _exit(status == KOE_OK ? 0 : 1);
  }
  wait_for(state);
  kill(child, SIGKILL);
  ck_assert_int_eq(waitpid(child, NULL, 0), child);
  ck_assert_int_eq(access(state, R_OK), 0);
  run_captured(command(&f, line, task), printed, sizeof printed);
  ck_assert_int_ne(access(state, R_OK), 0);
}
END_TEST

START_TEST(damaged_state) {
  koe_parameters parameters = {0};
  koe_error err;
  size_t offset, steps = 1, length;
  double best = 0;
  char path[64];
  snprintf(path, sizeof path, "%s/state", temporary_directory());
  assert_ok(koe_parameters_add(&parameters, "x.weight", 5, 3, KOE_INITIAL_WEIGHT, &offset, &err));
  assert_ok(koe_parameters_allocate(&parameters, 1, &err));
  assert_ok(koe_training_state_read(path, &parameters, 9, &steps, &best, &err));
  ck_assert_uint_eq(steps, 0);
  assert_ok(koe_training_state_write(path, &parameters, 9, 17, 0.5, &err));
  float kept[15];
  memcpy(kept, parameters.values, sizeof kept);
  memset(parameters.values, 0, sizeof kept);
  assert_ok(koe_training_state_read(path, &parameters, 9, &steps, &best, &err));
  ck_assert_uint_eq(steps, 17);
  ck_assert_double_eq(best, 0.5);
  ck_assert_mem_eq(parameters.values, kept, sizeof kept);
  assert_fails(koe_training_state_read(path, &parameters, 8, &steps, &best, &err), KOE_INVALID,
               "other options");
  char *bytes = read_file(path, &length);
  for (size_t i = 0; i < length; i += 3) {
    if (i >= 40 && i < 48) continue; /* the best score may be anything; the hash tells */
    bytes[i] ^= 4;
    write_file(path, bytes, length);
    ck_assert_int_ne(koe_training_state_read(path, &parameters, 9, &steps, &best, &err), KOE_OK);
    bytes[i] ^= 4;
  }
  write_file(path, bytes, length - 1);
  assert_fails(koe_training_state_read(path, &parameters, 9, &steps, &best, &err), KOE_FORMAT,
               "damaged");
  free(bytes);
  koe_parameters_clear(&parameters);
}
END_TEST

/* ── options ────────────────────────────────────────────────────────────────────────────────────
 */

START_TEST(bad_options) {
  static const struct {
    const char *line, *message;
  } lines[] = {
      {"--rate 1e-3", "no task"},
      {"paint", "paint is no task"},
      {"--train x classify", "behind the task"},
      {"classify --colour x", "no option --colour"},
      {"--rate", "needs a value"},
      {"--rate fast classify", "--rate fast"},
      {"--rate 1e-3x classify", "--rate 1e-3x"},
      {"--layers 1.5 classify", "whole"},
      {"--threads 0 classify", "--threads 0"},
      {"classify --train x.tsv", "--model"},
      {"--vocab /nowhere/vocab.txt classify --train x.tsv", "/nowhere/vocab.txt"},
      {"--model /nowhere classify --train x.tsv", "/nowhere"},
      {"tag tag tag tag tag", "more than 4 tasks"},
  };
  koe_error err;
  bool interrupted;
  koe_status status = run_words(lines[_i].line, &interrupted, &err);
  ck_assert_int_ne(status, KOE_OK);
  ck_assert_msg(strstr(err.message, lines[_i].message) != NULL, "%s: %s", lines[_i].line,
                err.message);
}
END_TEST

START_TEST(contradictions) {
  toy_files f;
  char task[512];
  koe_error err;
  bool interrupted;
  make_files(&f);
  const struct {
    const char *task, *options, *message;
  } lines[] = {
      {"classify", "", "no data"},
      {"embed --loss hinge", f.text, "--loss hinge"},
      {"embed --loss cosine", f.paired, "--pair"},
      {"embed --loss teacher --pair other", f.paired, "--teacher"},
      {"embed --loss teacher --pair other --teacher /nowhere", f.paired, "/nowhere"},
      {"embed --teacher /nowhere", f.text, "--loss teacher"},
      {"classify --text body", f.labelled, "body"},
      {"classify --teacher /nowhere", f.labelled, "/nowhere"},
      {"--start /nowhere classify", f.labelled, "/nowhere"},
      {"classify --query x", "", "--db"},
      {"regress --balance --pair other --label grade", f.paired, "--balance"},
      {"answer --stride 100", f.questions, "no room"},
  };
  snprintf(task, sizeof task, "%s %s %s", lines[_i].task, *lines[_i].options ? "--train" : "",
           lines[_i].options);
  koe_status status = run_words(command(&f, "", task), &interrupted, &err);
  ck_assert_msg(status != KOE_OK, "%s", task);
  ck_assert_msg(strstr(err.message, lines[_i].message) != NULL, "%s: %s", task, err.message);
}
END_TEST

#ifdef KOE_FAULTS
/* Whatever allocation fails, the run fails with it and frees what it had. */
START_TEST(memory_fails) {
  toy_files f;
  char task[512];
  koe_error err;
  bool interrupted;
  static const char *const tasks[] = {"classify", "tag", "answer --stride 4",
                                      "embed --loss cosine --pair other", "pretrain"};
  make_files(&f);
  quiet();
  const char *const data[] = {f.labelled, f.tagged, f.questions, f.paired, f.text};
  snprintf(task, sizeof task, "%s --train %s --dev %s", tasks[_i], data[_i], data[_i]);
  char line[2048];
  strcpy(line, command(&f, "--steps 1 --threads 1", task));
  ck_assert_ptr_nonnull(freopen("/dev/null", "w", stdout));
  koe_status status = KOE_NOMEM;
  for (long n = 1; status != KOE_OK; n += 1 + n / 20) {
    ck_assert_int_lt(n, 1000000);
    koe_memory_fail_after(n);
    status = run_words(line, &interrupted, &err);
    koe_memory_fail_after(0);
    ck_assert_msg(status == KOE_OK || status == KOE_NOMEM, "allocation %ld: %s", n, err.message);
  }
}
END_TEST
#endif

Suite *trainer_program_suite(void);
Suite *trainer_program_suite(void) {
  Suite *suite = suite_create("trainer_program");
  TCase *runs = tcase_create("runs");
  tcase_add_loop_test(runs, every_task, 0, 6);
  tcase_add_test(runs, starts_and_follows_teacher);
  tcase_add_test(runs, from_database);
  tcase_add_test(runs, several_tasks);
  tcase_add_test(runs, pretrains);
  tcase_add_test(runs, resumes_after_kill);
  tcase_add_test(runs, goes_on_in_bfloat16);
  suite_add_tcase(suite, runs);
  TCase *options = tcase_create("options");
  tcase_add_test(options, damaged_state);
  tcase_add_loop_test(options, bad_options, 0, 13);
  tcase_add_loop_test(options, contradictions, 0, 12);
#ifdef KOE_FAULTS
  tcase_add_loop_test(options, memory_fails, 0, 5);
#endif
  suite_add_tcase(suite, options);
  return suite;
}
