/* What the `model` argument of the SQL functions stands for: a model with the head of its
 * checkpoint, or with a head that koelectra_fit made.  Const and reference-counted; any number of
 * threads may use one at once. */
#ifndef KOE_CLASSIFIER_H
#define KOE_CLASSIFIER_H

#include "fit/fitted_head.h"
#include "model.h"
#include "recent_texts.h"
#include "status.h"
#include "text.h"

#include <stddef.h>

typedef struct koe_classifier koe_classifier;

/* The model of that name, NULL meaning "default", with its own head, if it has one.  The caller
 * ends the use with koe_classifier_release.  Fails as koe_registry_acquire. */
koe_status koe_classifier_named(const char *name, const koe_classifier **out, koe_error *err);

/* A serialised head and the model it was fitted on, by the name it was fitted on.  The caller ends
 * the use with koe_classifier_release.  Fails as koe_fitted_head_read and koe_registry_acquire, and
 * with KOE_INVALID where another model has the name now. */
koe_status koe_classifier_fitted(const void *bytes, size_t size, const koe_classifier **out,
                                 koe_error *err);

/* One more use, to be ended with koe_classifier_release as well. */
void koe_classifier_retain(const koe_classifier *classifier);

/* Takes NULL. */
void koe_classifier_release(const koe_classifier *classifier);

/* The encoder; lives as long as the classifier, or as koe_registry_retain makes it. */
const koe_model *koe_classifier_model(const koe_classifier *classifier);

/* The fitted head, or NULL: the head is the model's. */
const koe_fitted_head *koe_classifier_head(const koe_classifier *classifier);

/* As koe_model_label_count and koe_model_label. */
size_t koe_classifier_label_count(const koe_classifier *classifier);
const char *koe_classifier_label(const koe_classifier *classifier, size_t index);

/* As koe_model_group_count and koe_model_group: a fitted head has one group. */
size_t koe_classifier_group_count(const koe_classifier *classifier);
koe_label_group_view koe_classifier_group(const koe_classifier *classifier, size_t index);

/* The group called `name`; NULL stands for the only one there is.  Fails with KOE_INVALID, listing
 * the groups, and with KOE_UNSUPPORTED where the model has no sequence-classification head. */
koe_status koe_classifier_find_group(const koe_classifier *classifier, const char *name,
                                     koe_label_group_view *out, koe_error *err);

/* Turns logits [labels] into probabilities [labels] in place, group by group: a group with one
 * output stays as it is. */
void koe_classifier_probabilities(const koe_classifier *classifier, float *logits);

/* As koe_model_run, logits being those of the classifier's head.  A fitted head reads single texts:
 * KOE_UNSUPPORTED for logits of pairs. */
koe_status koe_classifier_run(const koe_classifier *classifier, const koe_text *texts,
                              const koe_text *pairs, size_t count, const koe_outputs *out,
                              koe_error *err);

/* The same for one text, or a pair, which is not encoded again where `recent` knows it.  `pair` may
 * be NULL. */
koe_status koe_classifier_run_recent(const koe_classifier *classifier, koe_recent_texts *recent,
                                     const koe_text *text, const koe_text *pair,
                                     const koe_outputs *out, koe_error *err);

#endif
