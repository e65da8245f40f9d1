#include "softmax_regression.h"

#include "../memory.h"
#include "../parallel.h"
#include "lbfgs.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

/* Rows whose logits are computed by one product; shards of rows that threads take.  Both decide how
 * sums are rounded, so neither depends on the number of threads. */
enum { BLOCK_ROWS = 128, SHARD_ROWS = 1024, MOST_SHARDS = 8 };

enum { FOLDS = 5, STRENGTHS = 7 };

/* Tried from strong to weak, each fit beginning where the one before ended. */
static const double strengths[STRENGTHS] = {1000, 100, 10, 1, 0.1, 0.01, 0.001};
static const double unchosen_strength = 1;

/* Parameters of all shards' gradients together, above one shard; parameters beyond which fewer
 * steps are remembered; rows · classes · dimension of the sample that chooses the strength;
 * multiply-adds of a whole fit. */
static const size_t shard_parameters = (size_t)1 << 23, many_parameters = (size_t)1 << 20;
static const size_t choice_work = 8000000;
static const double fit_work = 5e11;

/* ── the loss ───────────────────────────────────────────────────────────────────────────────────
 */

/* A problem over some of the rows. */
typedef struct problem {
  const koe_labelled_rows *data;
  const uint32_t *order; /* [rows] */
  size_t rows;
  size_t width;        /* dimension + 1: the last feature is 1, its weights are the bias */
  const double *mean;  /* [dimension] */
  double scale;        /* features are (x − mean) · scale */
  const double *worth; /* [class_count] weight of a row of the class */
  double total_worth;  /* of all rows */
  double l2;
  size_t shards, threads;
  double *gram;      /* [width, width] mean of x · xᵀ, lower triangle */
  double *factor;    /* [width, width] lower triangle, see precondition */
  double *weights;   /* [class_count, width] of the evaluation going on */
  double *gradients; /* [shards, class_count, width] */
  double *losses;    /* [shards] */
  double *work;      /* [shards, BLOCK_ROWS, width + class_count] */
} problem;

static size_t parameter_count(const problem *p) {
  return p->data->class_count * p->width;
}

/* x [count, width] = the scaled features of rows order[0 … count). */
static void gather(const problem *p, const uint32_t *order, size_t count, double *x) {
  size_t dimension = p->data->dimension;
  for (size_t i = 0; i < count; i++, x += p->width) {
    const float *row = p->data->features + order[i] * dimension;
    for (size_t j = 0; j < dimension; j++)
      x[j] = (row[j] - p->mean[j]) * p->scale;
    x[dimension] = 1;
  }
}

/* The loss of rows order[0 … count), at most BLOCK_ROWS.
 *
 *   x       [count, width]         their features
 *   logits  [count, class_count]   becomes worth · (probability − 1 of the right class) */
static double block_loss(const problem *p, const uint32_t *order, size_t count, double *x,
                         double *logits) {
  size_t classes = p->data->class_count;
  double loss = 0;
  gather(p, order, count, x);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)count, (blasint)classes,
              (blasint)p->width, 1, x, (blasint)p->width, p->weights, (blasint)p->width, 0, logits,
              (blasint)classes);
  for (size_t i = 0; i < count; i++, logits += classes) {
    size_t right = p->data->classes[order[i]];
    double worth = p->worth[right], most = logits[0], sum = 0;
    for (size_t c = 1; c < classes; c++)
      most = fmax(most, logits[c]);
    double right_logit = logits[right] - most;
    for (size_t c = 0; c < classes; c++)
      sum += logits[c] = exp(logits[c] - most);
    for (size_t c = 0; c < classes; c++)
      logits[c] *= worth / sum;
    logits[right] -= worth;
    loss += worth * (log(sum) - right_logit);
  }
  return loss;
}

/* Loss and gradient of one shard of the rows. */
static koe_status run_shard(void *context, size_t index, koe_error *err) {
  const problem *p = context;
  size_t classes = p->data->class_count;
  double *gradient = p->gradients + index * parameter_count(p);
  double *x = p->work + index * BLOCK_ROWS * (p->width + classes),
         *logits = x + BLOCK_ROWS * p->width;
  size_t end = p->rows * (index + 1) / p->shards;
  (void)err;
  memset(gradient, 0, parameter_count(p) * sizeof *gradient);
  p->losses[index] = 0;
  for (size_t i = p->rows * index / p->shards; i < end; i += BLOCK_ROWS) {
    size_t count = end - i < BLOCK_ROWS ? end - i : BLOCK_ROWS;
    p->losses[index] += block_loss(p, p->order + i, count, x, logits);
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)classes, (blasint)p->width,
                (blasint)count, 1, logits, (blasint)classes, x, (blasint)p->width, 1, gradient,
                (blasint)p->width);
  }
  return KOE_OK;
}

/* ── the minimum ────────────────────────────────────────────────────────────────────────────────
 */

/* LAPACK's Cholesky factorisation, which OpenBLAS brings without a header. */
void dpotrf_(const char *uplo, const blasint *n, double *a, const blasint *lda, blasint *info);

/* gram = Σ x · xᵀ over the rows, divided by their number. */
static void sum_gram(const problem *p) {
  blasint width = (blasint)p->width;
  memset(p->gram, 0, p->width * p->width * sizeof *p->gram);
  for (size_t i = 0; i < p->rows; i += BLOCK_ROWS) {
    size_t count = p->rows - i < BLOCK_ROWS ? p->rows - i : BLOCK_ROWS;
    gather(p, p->order + i, count, p->work);
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, width, (blasint)count, 1 / (double)p->rows,
                p->work, width, 1, p->gram, width);
  }
}

/* factor = the Cholesky factor L of what the Hessian of one class's weights is where all classes
 * are as probable: gram · (K − 1) / K² + l2.  The search runs over V = W · L, in which the
 * curvature is about the same in all directions; embeddings are far from that, and without it the
 * search takes ten times as many steps and more.  False if rounding leaves no factor. */
static bool precondition(const problem *p) {
  double classes = (double)p->data->class_count, curvature = (classes - 1) / (classes * classes);
  blasint width = (blasint)p->width, info;
  memcpy(p->factor, p->gram, p->width * p->width * sizeof *p->factor);
  cblas_dscal(width * width, curvature, p->factor, 1);
  for (size_t j = 0; j < p->data->dimension; j++)
    p->factor[j * p->width + j] += p->l2 / p->total_worth;
  /* What is lower by rows is upper by columns. */
  dpotrf_("U", &width, p->factor, &width, &info);
  return info == 0;
}

/* x [class_count, width] = x · L, x · L⁻¹ or x · L⁻ᵀ in place. */
static void multiply(const problem *p, double *x) {
  cblas_dtrmm(CblasRowMajor, CblasRight, CblasLower, CblasNoTrans, CblasNonUnit,
              (blasint)p->data->class_count, (blasint)p->width, 1, p->factor, (blasint)p->width, x,
              (blasint)p->width);
}

static void divide(const problem *p, CBLAS_TRANSPOSE transpose, double *x) {
  cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, transpose, CblasNonUnit,
              (blasint)p->data->class_count, (blasint)p->width, 1, p->factor, (blasint)p->width, x,
              (blasint)p->width);
}

/* A koe_objective of V [class_count, width]. */
static koe_status evaluate(void *context, const double *x, double *value, double *gradient,
                           koe_error *err) {
  const problem *p = context;
  size_t n = parameter_count(p), dimension = p->data->dimension;
  memcpy(p->weights, x, n * sizeof *x);
  divide(p, CblasNoTrans, p->weights);
  koe_status status = koe_parallel(p->shards, p->threads, run_shard, context, err);
  if (status != KOE_OK) return status;
  *value = 0;
  memset(gradient, 0, n * sizeof *gradient);
  for (size_t s = 0; s < p->shards; s++) {
    *value += p->losses[s];
    cblas_daxpy((blasint)n, 1, p->gradients + s * n, 1, gradient, 1);
  }
  for (size_t c = 0; c < p->data->class_count; c++) {
    const double *weights = p->weights + c * p->width;
    *value += p->l2 / 2 * cblas_ddot((blasint)dimension, weights, 1, weights, 1);
    cblas_daxpy((blasint)dimension, p->l2, weights, 1, gradient + c * p->width, 1);
  }
  *value /= p->total_worth;
  cblas_dscal((blasint)n, 1 / p->total_worth, gradient, 1);
  divide(p, CblasTrans, gradient);
  return KOE_OK;
}

static koe_status alloc_work(problem *p, koe_error *err) {
  size_t by_rows = (p->rows + SHARD_ROWS - 1) / SHARD_ROWS;
  size_t by_size = shard_parameters / parameter_count(p);
  p->shards = by_rows < by_size ? by_rows : by_size;
  if (p->shards > MOST_SHARDS) p->shards = MOST_SHARDS;
  if (p->shards == 0) p->shards = 1;
  p->gram = koe_alloc_aligned(2 * p->width, p->width * sizeof *p->gram);
  p->weights = koe_alloc_aligned(parameter_count(p), sizeof *p->weights);
  p->gradients = koe_alloc_aligned(p->shards * parameter_count(p), sizeof *p->gradients);
  p->losses = koe_alloc(p->shards, sizeof *p->losses);
  p->work = koe_alloc_aligned(p->shards * BLOCK_ROWS,
                              (p->width + p->data->class_count) * sizeof *p->work);
  if (p->gram == NULL || p->weights == NULL || p->gradients == NULL || p->losses == NULL ||
      p->work == NULL) {
    return koe_fail_nomem(err);
  }
  p->factor = p->gram + p->width * p->width;
  sum_gram(p);
  return KOE_OK;
}

static void free_work(problem *p) {
  koe_free(p->gram);
  koe_free(p->weights);
  koe_free(p->gradients);
  koe_free(p->losses);
  koe_free(p->work);
}

/* Minimises from `parameters` [class_count, width] on; they are the result. */
static koe_status minimise(problem *p, double tolerance, double *parameters,
                           koe_lbfgs_result *result, koe_error *err) {
  double affordable = fit_work / ((double)parameter_count(p) * (double)p->rows * 2);
  koe_lbfgs_options options = {
      .tolerance = tolerance,
      .max_iterations = (int)fmin(1000, fmax(10, affordable)),
      .history = parameter_count(p) > many_parameters ? 5 : 10,
  };
  if (!precondition(p)) return koe_fail(err, KOE_INVALID, "l2 is too small for these rows");
  multiply(p, parameters);
  koe_status status = koe_lbfgs(evaluate, p, parameter_count(p), parameters, &options, result, err);
  divide(p, CblasNoTrans, parameters);
  return status;
}

/* ── the choice of l2 ───────────────────────────────────────────────────────────────────────────
 */

/* What the threads of the choice share. */
typedef struct choice {
  const problem *whole;
  const uint32_t *order;      /* [rows] the sample */
  const unsigned char *folds; /* [rows] the fold that holds the row out; FOLDS: none does */
  size_t rows;
  double losses[FOLDS][STRENGTHS]; /* summed over the rows held out */
} choice;

/* Rows held out of a fold, and the others. */
static void split(const choice *c, size_t fold, uint32_t *kept, size_t *kept_count, uint32_t *held,
                  size_t *held_count) {
  *kept_count = *held_count = 0;
  for (size_t i = 0; i < c->rows; i++) {
    if (c->folds[i] == fold) {
      held[(*held_count)++] = c->order[i];
    } else {
      kept[(*kept_count)++] = c->order[i];
    }
  }
}

static double total_worth(const problem *p) {
  double total = 0;
  for (size_t i = 0; i < p->rows; i++)
    total += p->worth[p->data->classes[p->order[i]]];
  return total;
}

/* The loss of rows that were held out, under the parameters [class_count, width]. */
static double held_out_loss(const problem *p, const double *parameters, const uint32_t *held,
                            size_t count) {
  double loss = 0;
  memcpy(p->weights, parameters, parameter_count(p) * sizeof *parameters);
  for (size_t i = 0; i < count; i += BLOCK_ROWS) {
    size_t block = count - i < BLOCK_ROWS ? count - i : BLOCK_ROWS;
    loss += block_loss(p, held + i, block, p->work, p->work + BLOCK_ROWS * p->width);
  }
  return loss;
}

/* Fits with each strength without the rows of a fold, and sums the losses of those. */
static koe_status run_fold(void *context, size_t fold, koe_error *err) {
  choice *c = context;
  problem p = *c->whole;
  koe_lbfgs_result result;
  size_t held_count;
  uint32_t *rows = koe_alloc(2 * c->rows, sizeof *rows);
  double *parameters = koe_alloc_zero(parameter_count(&p), sizeof *parameters);
  koe_status status = KOE_OK;
  if (rows == NULL || parameters == NULL) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  uint32_t *held = rows + c->rows;
  split(c, fold, rows, &p.rows, held, &held_count);
  p.order = rows;
  p.threads = 1;
  p.total_worth = total_worth(&p);
  status = alloc_work(&p, err);
  for (size_t s = 0; status == KOE_OK && s < STRENGTHS; s++) {
    p.l2 = strengths[s];
    status = minimise(&p, 1e-3, parameters, &result, err);
    if (status == KOE_OK) c->losses[fold][s] = held_out_loss(&p, parameters, held, held_count);
  }

cleanup:
  free_work(&p);
  koe_free(parameters);
  koe_free(rows);
  return status;
}

/* Deals the rows of each class out to the folds, those of a class with one row to none: every class
 * is then known to every fit.  Returns how many rows are dealt out. */
static size_t deal_out(const koe_labelled_rows *data, const uint32_t *order, size_t rows,
                       unsigned char *folds) {
  size_t dealt = 0;
  for (size_t begin = 0, end; begin < rows; begin = end) {
    uint32_t class = data->classes[order[begin]];
    for (end = begin + 1; end < rows && data->classes[order[end]] == class;)
      end++;
    for (size_t i = begin; i < end; i++)
      folds[i] = (unsigned char)(end - begin > 1 ? (i - begin + class) % FOLDS : FOLDS);
    if (end - begin > 1) dealt += end - begin;
  }
  return dealt;
}

static double least_loss(const choice *c) {
  double least = INFINITY, best = unchosen_strength;
  for (size_t s = 0; s < STRENGTHS; s++) {
    double loss = 0;
    for (size_t fold = 0; fold < FOLDS; fold++)
      loss += c->losses[fold][s];
    if (loss < least) {
      least = loss;
      best = strengths[s];
    }
  }
  return best;
}

static koe_status choose_strength(const problem *p, double *l2, koe_error *err) {
  size_t classes = p->data->class_count, affordable = choice_work / parameter_count(p);
  size_t rows = p->rows < affordable ? p->rows : affordable;
  *l2 = unchosen_strength;
  if (rows < 3 * classes && rows < p->rows) return KOE_OK;
  choice c = {.whole = p, .rows = rows};
  uint32_t *order = koe_alloc(rows, sizeof *order);
  unsigned char *folds = koe_alloc(rows, 1);
  koe_status status = KOE_OK;
  if (order == NULL || folds == NULL) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  /* Every so many rows of an order by class: each class keeps its share. */
  for (size_t i = 0; i < rows; i++)
    order[i] = p->order[(size_t)((double)i * (double)p->rows / (double)rows)];
  c.order = order;
  c.folds = folds;
  if (deal_out(p->data, order, rows, folds) == 0) goto cleanup;
  status = koe_parallel(FOLDS, p->threads, run_fold, &c, err);
  if (status == KOE_OK) *l2 = least_loss(&c);

cleanup:
  koe_free(order);
  koe_free(folds);
  return status;
}

/* ── the fit ────────────────────────────────────────────────────────────────────────────────────
 */

/* Mean of each feature [dimension], and the scale that makes their variances 1 on average. */
static void standardise(const koe_labelled_rows *data, double *mean, double *scale) {
  double variance = 0;
  memset(mean, 0, data->dimension * sizeof *mean);
  for (size_t i = 0; i < data->rows; i++) {
    const float *row = data->features + data->order[i] * data->dimension;
    for (size_t j = 0; j < data->dimension; j++)
      mean[j] += row[j];
  }
  for (size_t j = 0; j < data->dimension; j++)
    mean[j] /= (double)data->rows;
  for (size_t i = 0; i < data->rows; i++) {
    const float *row = data->features + data->order[i] * data->dimension;
    for (size_t j = 0; j < data->dimension; j++)
      variance += (row[j] - mean[j]) * (row[j] - mean[j]);
  }
  variance /= (double)data->rows * (double)data->dimension;
  /* Rows that are all the same tell nothing: any scale does. */
  *scale = variance > 1e-16 ? 1 / sqrt(variance) : 1;
}

static void weigh_classes(const koe_labelled_rows *data, bool balanced, double *worth) {
  size_t classes = data->class_count;
  for (size_t c = 0; c < classes; c++)
    worth[c] = balanced ? 0 : 1;
  if (!balanced) return;
  for (size_t i = 0; i < data->rows; i++)
    worth[data->classes[i]]++;
  for (size_t c = 0; c < classes; c++)
    worth[c] = (double)data->rows / ((double)classes * worth[c]);
}

/* Weights and bias of features as they are: W · (x − mean) · scale + b. */
static void unscale(const problem *p, const double *parameters, float *weight, float *bias) {
  size_t dimension = p->data->dimension;
  for (size_t c = 0; c < p->data->class_count; c++, parameters += p->width, weight += dimension) {
    double constant = parameters[dimension];
    for (size_t j = 0; j < dimension; j++) {
      weight[j] = (float)(parameters[j] * p->scale);
      /* Of the rounded weight, so that rounding does not add up where the mean is large. */
      constant -= weight[j] * p->mean[j];
    }
    bias[c] = (float)constant;
  }
}

koe_status koe_softmax_fit(const koe_labelled_rows *rows, const koe_softmax_options *options,
                           float *weight, float *bias, koe_softmax_report *report, koe_error *err) {
  problem p = {.data = rows,
               .order = rows->order,
               .rows = rows->rows,
               .width = rows->dimension + 1,
               .threads = options->threads};
  koe_lbfgs_result result;
  double *mean = koe_alloc(rows->dimension + rows->class_count, sizeof *mean);
  double *parameters = koe_alloc_zero(rows->class_count, p.width * sizeof *parameters);
  koe_status status = KOE_OK;
  if (mean == NULL || parameters == NULL) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  double *worth = mean + rows->dimension;
  standardise(rows, mean, &p.scale);
  weigh_classes(rows, options->balanced, worth);
  p.mean = mean;
  p.worth = worth;
  p.total_worth = total_worth(&p);
  p.l2 = options->l2;
  if (p.l2 == 0) status = choose_strength(&p, &p.l2, err);
  if (status == KOE_OK) status = alloc_work(&p, err);
  if (status == KOE_OK) status = minimise(&p, 1e-6, parameters, &result, err);
  if (status != KOE_OK) goto cleanup;
  unscale(&p, parameters, weight, bias);
  *report = (koe_softmax_report){p.l2, result.value, result.iterations};

cleanup:
  free_work(&p);
  koe_free(parameters);
  koe_free(mean);
  return status;
}
