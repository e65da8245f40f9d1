/* Checkpoints whose heads do not fit, or are not the one that is asked for. */
#include "../model/tasks/answers.h"
#include "../model/tasks/entities.h"
#include "../model/tasks/fill_mask.h"
#include "../model/tasks/replaced.h"
#include "registry_support.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A copy of a golden's directory in which the first `from` of a file is `to`, of any length in JSON
 * and of the same in weights. */
static const char *altered(const char *folder, const char *file, const char *from, const char *to) {
  size_t length;
  const char *directory = copy_directory(test_path(folder));
  const char *path = file_in(directory, file);
  char *bytes = read_file(path, &length);
  char *at = memmem(bytes, length, from, strlen(from));
  ck_assert_msg(at != NULL, "%s has no %s", path, from);
  size_t before = (size_t)(at - bytes), after = length - before - strlen(from);
  char *out = malloc(length + strlen(to));
  memcpy(out, bytes, before);
  memcpy(out + before, to, strlen(to));
  memcpy(out + before + strlen(to), at + strlen(from), after);
  write_file(path, out, before + strlen(to) + after);
  free(out);
  free(bytes);
  return directory;
}

START_TEST(unfit_checkpoints) {
  static const struct {
    const char *folder, *file, *from, *to, *message;
  } bad[] = {
      {"entities", "config.json", "\"6\": \"DAT-I\"\n", "\"6\": \"DAT-I\", \"7\": \"X-B\"\n",
       "config.json names 8 labels, but the head in"},
      {"one_layer", "config.json", "\"1\": \"positive\"\n", "\"1\": \"a\", \"2\": \"b\"\n",
       "config.json names 3 labels, but the head in"},
      {"answers", "config.json", "\"model_type\"", "\"num_labels\": 2, \"model_type\"", NULL},
      {"entities", "config.json", "\"id2label\"", "\"num_labels\": 5, \"labels\"",
       "config.json names 5 labels, but the head in"},
      {"entities", "model.safetensors", "\"classifier.bias\"", "\"classifier.bits\"",
       "has no tensor classifier.bias"},
      {"answers", "model.safetensors", "\"qa_outputs.bias\"", "\"qa_outputs.bits\"",
       "has no tensor qa_outputs.bias"},
      {"answers", "model.safetensors", "\"shape\":[2,16]", "\"shape\":[16,2]",
       "qa_outputs.weight has shape [16, 2], config.json implies [2, 16]"},
      {"replaced", "model.safetensors", "dense_prediction.bias", "dense_prediction.bits",
       "has no tensor discriminator_predictions.dense_prediction.bias"},
      {"fill_mask", "model.safetensors", "generator_lm_head.bias", "generator_lm_head.bits",
       "has no tensor generator_lm_head.bias"},
      {"fill_mask", "config.json", "\"model_type\"",
       "\"tie_word_embeddings\": false, \"model_type\"", "has no tensor generator_lm_head.weight"},
      {"hate_speech", "model.safetensors", "hate_classifier.classifier.bias",
       "hate_classifier.classifier.bits", "has no tensor hate_classifier.classifier.bias"},
      {"hate_speech", "model.safetensors", "\"shape\":[3,16]", "\"shape\":[16,3]", "shape"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    koe_error err;
    const koe_model *model;
    char folder[100];
    snprintf(folder, sizeof folder, "reference/heads/%s", bad[i].folder);
    const char *directory = altered(folder, bad[i].file, bad[i].from, bad[i].to);
    assert_ok(koe_registry_load("bad", directory, NULL, &err));
    if (bad[i].message != NULL) {
      assert_fails(koe_registry_acquire("bad", &model, &err), KOE_FORMAT, bad[i].message);
    } else {
      assert_ok(koe_registry_acquire("bad", &model, &err));
      koe_registry_release(model);
    }
    koe_registry_clear();
  }
}
END_TEST

/* Labels of config.json that count the outputs of both heads name them; others are not theirs. */
START_TEST(labels_of_two_heads) {
  static const char six[] =
      "\"id2label\": {\"0\": \"a\", \"1\": \"b\", \"2\": \"c\", \"3\": \"d\", "
      "\"4\": \"e\", \"5\": \"f\"}, \"model_type\"";
  static const char two[] =
      "\"id2label\": {\"0\": \"LABEL_0\", \"1\": \"LABEL_1\"}, \"model_type\"";
  const char *folder = "reference/heads/hate_speech";
  const koe_model *model = open_model(altered(folder, "config.json", "\"model_type\"", six), NULL);
  ck_assert_str_eq(koe_model_label(model, 4), "e");
  close_model(model);
  model = open_model(altered(folder, "config.json", "\"model_type\"", two), NULL);
  ck_assert_str_eq(koe_model_label(model, 4), "hate");
  close_model(model);
}
END_TEST

/* What an architecture that is not known has under these names may be anything. */
START_TEST(other_architectures) {
  koe_error err;
  koe_text text = {"책", 3};
  float embedding[16];
  size_t length;
  const char *directory = altered("reference/heads/entities", "config.json",
                                  "ElectraForTokenClassification", "ElectraForSomethingElse");
  const koe_model *model = open_model(directory, NULL);
  ck_assert_int_eq(koe_model_head(model), KOE_HEAD_ENTITIES);
  close_model(model);
  const char *path = file_in(directory, "model.safetensors");
  char *bytes = read_file(path, &length);
  memcpy(memmem(bytes, length, "classifier.bias", 15), "classifier.bits", 15);
  write_file(path, bytes, length);
  free(bytes);
  model = open_model(directory, NULL);
  ck_assert_int_eq(koe_model_head(model), KOE_HEADS);
  assert_ok(koe_model_embed(model, &text, 1, embedding, &err));
  close_model(model);
}
END_TEST

START_TEST(wrong_heads) {
  koe_error err;
  koe_text text = {"책", 3};
  koe_entities *entities = NULL;
  koe_answers *answers = NULL;
  koe_replaced *replaced = NULL;
  koe_fill_mask *fill = NULL;
  koe_answer_options options = {1, 30, 128};
  const koe_model *model = open_model(test_path("reference/tiny"), NULL);
  const char *other = "but a sequence-classification head (its config.json says "
                      "ElectraForSequenceClassification): use koelectra_classify";
  assert_fails(koe_entities_open(model, text, &entities, &err), KOE_UNSUPPORTED, other);
  assert_fails(koe_answers_open(model, text, text, &options, &answers, &err), KOE_UNSUPPORTED,
               other);
  assert_fails(koe_replaced_open(model, text, &replaced, &err), KOE_UNSUPPORTED, other);
  assert_fails(koe_fill_mask_open(model, text, 1, &fill, &err), KOE_UNSUPPORTED, other);
  ck_assert(entities == NULL && answers == NULL && replaced == NULL && fill == NULL);
  close_model(model);
  model = open_model(test_path("reference/bare"), NULL);
  assert_fails(koe_replaced_open(model, text, &replaced, &err), KOE_UNSUPPORTED,
               "no replaced-token head (its config.json says ElectraModel): load a checkpoint "
               "fine-tuned as ElectraForPreTraining");
  close_model(model);
  /* Labels without names tell no entities. */
  const char *unnamed = altered("reference/heads/entities", "config.json", "id2label", "id2name");
  model = open_model(unnamed, NULL);
  assert_fails(koe_entities_open(model, text, &entities, &err), KOE_UNSUPPORTED, "id2label");
  close_model(model);
  model = open_model(test_path("reference/heads/answers"), "{\"max_length\": 5}");
  assert_ok(koe_answers_open(model, text, text, &options, &answers, &err));
  koe_answers_free(answers);
  options.k = 0;
  assert_fails(koe_answers_open(model, text, text, &options, &answers, &err), KOE_INVALID, "k is");
  options = (koe_answer_options){1, 0, 128};
  assert_fails(koe_answers_open(model, text, text, &options, &answers, &err), KOE_INVALID,
               "1 or more");
  close_model(model);
}
END_TEST

Suite *head_checkpoints_suite(void);

Suite *head_checkpoints_suite(void) {
  Suite *suite = suite_create("head_checkpoints");
  TCase *tests = tcase_create("head_checkpoints");
  tcase_set_timeout(tests, 60);
  tcase_add_test(tests, unfit_checkpoints);
  tcase_add_test(tests, labels_of_two_heads);
  tcase_add_test(tests, other_architectures);
  tcase_add_test(tests, wrong_heads);
  suite_add_tcase(suite, tests);
  return suite;
}
