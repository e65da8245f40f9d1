/* Examples of texts → datasets of tokens. */
#ifndef KOE_ENCODE_H
#define KOE_ENCODE_H

#include "../tokenizer/tokenizer.h"
#include "dataset.h"
#include "examples.h"

/* One sequence an example, a text or a pair: [CLS] a [SEP] (b [SEP]), truncated to `max_length`.
 * labels: `label_map[label]`, or the label itself where `label_map` is NULL.  values: number /
 * scale. Each fails with KOE_NOMEM, and leaves a dataset that koe_dataset_clear takes. */
koe_status koe_encode_texts(const koe_examples *examples, const koe_tokenizer *tokenizer,
                            size_t max_length, const int32_t *label_map, double scale,
                            koe_dataset *out, koe_error *err);

/* Sentences to embed: two sequences an example where it has a pair, else one.  `paired` says which
 * it is for all examples.  values as above; labels are equal where
 * the second sentences (the only ones) are. */
koe_status koe_encode_sentences(const koe_examples *examples, const koe_tokenizer *tokenizer,
                                size_t max_length, bool paired, double scale, koe_dataset *out,
                                koe_error *err);

/* Tagged words: the first token of each word is labelled with its tag, the others not.  Words are
 * tokenized one by one; those beyond `max_length` tokens are left out.  `word_tokens` [words of all
 * examples] receives the token of each word in the dataset, or UINT32_MAX. */
koe_status koe_encode_words(const koe_examples *examples, const koe_tokenizer *tokenizer,
                            size_t max_length, const int32_t *label_map, koe_dataset *out,
                            uint32_t *word_tokens, koe_error *err);

/* Raw text for pretraining: a text longer than `max_length` becomes several sequences. */
koe_status koe_encode_raw(const koe_examples *examples, const koe_tokenizer *tokenizer,
                          size_t max_length, koe_dataset *out, koe_error *err);

#endif
