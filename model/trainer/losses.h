/* Loss functions: each gives the sum of its terms, unscaled, and writes `scale` times the gradient.
 *
 * Rows that carry no target are labelled KOE_NO_LABEL: no loss, zero gradient.  The caller's scale
 * is 1 / number of terms in the whole batch, times the weight of the objective. */
#ifndef KOE_LOSSES_H
#define KOE_LOSSES_H

#include "../batch.h"
#include "../kernels/kernels.h"
#include "loops.h"

enum { KOE_NO_LABEL = -1 };

/* Cross-entropy of softmax(outputs) with one class a row.
 *   outputs, doutputs [rows, columns]; may be one
 *   labels [rows]      0 … columns - 1 or KOE_NO_LABEL
 *   weights [columns]  of the rows of a class; NULL: 1 */
double koe_loss_cross_entropy(const koe_kernels *kernels, const float *outputs,
                              const int32_t *labels, const float *weights, size_t rows,
                              size_t columns, float scale, float *doutputs);

/* Cross-entropy with a teacher's distribution at a temperature T, times T² (Hinton et al. 2015).
 *   outputs, doutputs [rows, columns]
 *   teacher [rows, columns]  logits; a row that begins with NaN carries no target
 *   Adds to doutputs. */
double koe_loss_distillation(const koe_kernels *kernels, const float *outputs, const float *teacher,
                             size_t rows, size_t columns, float temperature, float scale,
                             float *work, float *doutputs);

/* Squared error.  outputs, targets, doutputs [rows]. */
double koe_loss_squared(const float *outputs, const float *targets, size_t rows, float scale,
                        float *doutputs);

/* Cross-entropy of sigmoid(outputs) with 0 or 1.  outputs, labels, doutputs [rows]. */
double koe_loss_binary(const float *outputs, const int32_t *labels, size_t rows, float scale,
                       float *doutputs);

/* Extractive question answering: cross-entropy over the tokens of each sequence, once for the first
 * and once for the last token of the answer, half each.
 *   outputs, doutputs [total, 2]
 *   labels [sequences, 2]  token indices within the sequence, or KOE_NO_LABEL twice
 *   work [2 · longest] */
double koe_loss_answers(const koe_kernels *kernels, const float *outputs, const koe_batch *batch,
                        const int32_t *labels, float scale, float *work, float *doutputs);

/* ── losses of pairs of sentence embeddings of length 1 ─────────────────────────────────────────
 *   a, b, da, db [pairs, columns]; da and db are written */

/* In-batch contrastive: a_i should be more similar to b_i than to every other b_j, by cross-entropy
 * of cosines / temperature (SimCSE, Gao et al. 2021; InfoNCE).
 *   groups [pairs] or NULL   b_j with the group of i is no negative of a_i
 *   work [pairs, pairs] */
double koe_loss_contrastive(const koe_kernels *kernels, const float *a, const float *b,
                            const int32_t *groups, size_t pairs, size_t columns, float temperature,
                            float scale, float *work, float *da, float *db);

/* How far embeddings are from a teacher's: (1 - cosine) / 2 for each of the two.
 *   teacher [pairs] → [2, columns], of a and of b, of length 1 */
double koe_loss_teacher_embeddings(const koe_loops *loops, const float *a, const float *b,
                                   const float *const *teacher, size_t pairs, size_t columns,
                                   float scale, float *da, float *db);

/* Squared error of the cosine and a similarity.  similarities [pairs]. */
double koe_loss_cosine(const koe_loops *loops, const float *a, const float *b,
                       const float *similarities, size_t pairs, size_t columns, float scale,
                       float *da, float *db);

/* CoSENT (Su 2022): log(1 + Σ exp((cos_j - cos_i) / temperature)) over all i, j of the batch where
 * pair i is the more similar one.  The sum is one term.
 *   similarities [pairs]; only their order counts
 *   work [2 · pairs] */
double koe_loss_cosent(const koe_loops *loops, const float *a, const float *b,
                       const float *similarities, size_t pairs, size_t columns, float temperature,
                       float scale, float *work, float *da, float *db);

#endif
