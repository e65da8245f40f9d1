#include "classifier.h"

#include "memory.h"
#include "model_open.h"
#include "registry.h"
#include "tasks/head.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct koe_classifier {
  atomic_size_t uses;
  const koe_model *model;
  koe_fitted_head *head; /* NULL: the model's */
};

static void free_classifier(koe_classifier *classifier) {
  koe_fitted_head_free(classifier->head);
  koe_registry_release(classifier->model);
  koe_free(classifier);
}

static koe_classifier *new_classifier(void) {
  koe_classifier *classifier = koe_alloc_zero(1, sizeof *classifier);
  if (classifier != NULL) atomic_init(&classifier->uses, 1);
  return classifier;
}

koe_status koe_classifier_named(const char *name, const koe_classifier **out, koe_error *err) {
  *out = NULL;
  koe_classifier *classifier = new_classifier();
  if (classifier == NULL) return koe_fail_nomem(err);
  koe_status status = koe_registry_acquire(name, &classifier->model, err);
  if (status == KOE_OK) {
    *out = classifier;
  } else {
    free_classifier(classifier);
  }
  return status;
}

/* Acquires the model that a head was fitted on. */
static koe_status acquire_encoder(koe_classifier *classifier, koe_error *err) {
  const koe_fitted_head *head = classifier->head;
  koe_status status = koe_registry_acquire(head->model, &classifier->model, err);
  if (status == KOE_NOT_FOUND) {
    koe_error unknown = *err;
    return koe_fail(err, status, "the head was fitted on the model '%.80s': %.380s", head->model,
                    unknown.message);
  }
  if (status != KOE_OK) return status;
  uint64_t fingerprint = koe_model_fingerprint(classifier->model);
  if (fingerprint == head->fingerprint &&
      koe_model_dimension(classifier->model) == head->linear.in_features) {
    return KOE_OK;
  }
  return koe_fail(err, KOE_INVALID,
                  "the head was fitted on another model (fingerprint %016llx) than is now loaded "
                  "as '%.80s' (%016llx): load that one under the name, or fit the head again",
                  (unsigned long long)head->fingerprint, head->model,
                  (unsigned long long)fingerprint);
}

koe_status koe_classifier_fitted(const void *bytes, size_t size, const koe_classifier **out,
                                 koe_error *err) {
  *out = NULL;
  koe_classifier *classifier = new_classifier();
  if (classifier == NULL) return koe_fail_nomem(err);
  koe_status status = koe_fitted_head_read(bytes, size, &classifier->head, err);
  if (status == KOE_OK) status = acquire_encoder(classifier, err);
  if (status == KOE_OK) {
    *out = classifier;
  } else {
    free_classifier(classifier);
  }
  return status;
}

void koe_classifier_retain(const koe_classifier *classifier) {
  atomic_fetch_add(&((koe_classifier *)classifier)->uses, 1);
}

void koe_classifier_release(const koe_classifier *classifier) {
  koe_classifier *c = (koe_classifier *)classifier;
  if (c != NULL && atomic_fetch_sub(&c->uses, 1) == 1) free_classifier(c);
}

const koe_model *koe_classifier_model(const koe_classifier *classifier) {
  return classifier->model;
}

const koe_fitted_head *koe_classifier_head(const koe_classifier *classifier) {
  return classifier->head;
}

size_t koe_classifier_label_count(const koe_classifier *classifier) {
  return classifier->head != NULL ? classifier->head->linear.out_features
                                  : koe_model_label_count(classifier->model);
}

const char *koe_classifier_label(const koe_classifier *classifier, size_t index) {
  return classifier->head != NULL ? classifier->head->labels[index]
                                  : koe_model_label(classifier->model, index);
}

size_t koe_classifier_group_count(const koe_classifier *classifier) {
  return classifier->head != NULL ? 1 : koe_model_group_count(classifier->model);
}

koe_label_group_view koe_classifier_group(const koe_classifier *classifier, size_t index) {
  if (classifier->head == NULL) return koe_model_group(classifier->model, index);
  return (koe_label_group_view){"", 0, koe_classifier_label_count(classifier)};
}

/* "bias, hate": cut off where it is too long. */
static void list_groups(const koe_classifier *classifier, char *out, size_t size) {
  size_t used = 0;
  out[0] = '\0';
  for (size_t i = 0; i < koe_classifier_group_count(classifier) && used < size; i++) {
    used += (size_t)snprintf(out + used, size - used, "%s'%s'", i > 0 ? ", " : "",
                             koe_classifier_group(classifier, i).name);
  }
}

koe_status koe_classifier_find_group(const koe_classifier *classifier, const char *name,
                                     koe_label_group_view *out, koe_error *err) {
  char names[KOE_MAX_GROUPS * (KOE_GROUP_NAME + 4)];
  size_t count = koe_classifier_group_count(classifier);
  if (count == 0) return koe_model_no_head(classifier->model, KOE_HEAD_CLASSIFICATION, err);
  for (size_t i = 0; i < count; i++) {
    *out = koe_classifier_group(classifier, i);
    if (name == NULL ? count == 1 : strcmp(out->name, name) == 0) return KOE_OK;
  }
  list_groups(classifier, names, sizeof names);
  if (count == 1) {
    return koe_fail(err, KOE_INVALID, "no head '%.40s': the model has one, without a name", name);
  }
  if (name == NULL) {
    return koe_fail(err, KOE_INVALID, "the model has the heads %s: name one as the last argument",
                    names);
  }
  return koe_fail(err, KOE_INVALID, "no head '%.40s': the model has the heads %s", name, names);
}

void koe_classifier_probabilities(const koe_classifier *classifier, float *logits) {
  for (size_t i = 0; i < koe_classifier_group_count(classifier); i++) {
    koe_label_group_view group = koe_classifier_group(classifier, i);
    koe_model_probabilities(logits + group.first, group.count);
  }
}

/* What the model computes, through `recent` unless it is NULL. */
static koe_status run_model(const koe_classifier *classifier, koe_recent_texts *recent,
                            const koe_text *texts, const koe_text *pairs, size_t count,
                            const koe_outputs *out, koe_error *err) {
  return recent != NULL
             ? koe_recent_texts_run(recent, classifier->model, texts, pairs, count, out, err)
             : koe_model_run(classifier->model, texts, pairs, count, out, err);
}

static koe_status run(const koe_classifier *classifier, koe_recent_texts *recent,
                      const koe_text *texts, const koe_text *pairs, size_t count,
                      const koe_outputs *out, koe_error *err) {
  const koe_fitted_head *head = classifier->head;
  if (head == NULL || out->logits == NULL) {
    return run_model(classifier, recent, texts, pairs, count, out, err);
  }
  if (pairs != NULL) {
    return koe_fail(err, KOE_UNSUPPORTED,
                    "a head of koelectra_fit reads one text, not a pair: use koelectra_classify "
                    "or koelectra_scores");
  }
  float *own = NULL, *embeddings = out->embeddings;
  if (embeddings == NULL) {
    own = koe_alloc_aligned(count, head->linear.in_features * sizeof *own);
    if (own == NULL) return koe_fail_nomem(err);
    embeddings = own;
  }
  koe_status status = run_model(classifier, recent, texts, NULL, count,
                                &(koe_outputs){.embeddings = embeddings}, err);
  if (status == KOE_OK) koe_fitted_head_logits(head, embeddings, count, out->logits);
  koe_free(own);
  return status;
}

koe_status koe_classifier_run(const koe_classifier *classifier, const koe_text *texts,
                              const koe_text *pairs, size_t count, const koe_outputs *out,
                              koe_error *err) {
  return run(classifier, NULL, texts, pairs, count, out, err);
}

koe_status koe_classifier_run_recent(const koe_classifier *classifier, koe_recent_texts *recent,
                                     const koe_text *text, const koe_text *pair,
                                     const koe_outputs *out, koe_error *err) {
  return run(classifier, recent, text, pair, 1, out, err);
}
