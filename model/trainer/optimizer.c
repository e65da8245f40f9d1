#include "optimizer.h"

#include "../memory.h"
#include "../parallel.h"

#include <math.h>
#include <string.h>

/* Floats of one piece of work: small enough for a cache with its gradients and moments. */
enum { PIECE = 1 << 14 };

koe_optimizer_options koe_optimizer_options_default(void) {
  return (koe_optimizer_options){
      .rate = 5e-5f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-8f, .clip = 1, .steps = 1};
}

float koe_learning_rate(const koe_optimizer_options *options, size_t step) {
  if (step < options->warmup) return options->rate * (float)(step + 1) / (float)options->warmup;
  if (step >= options->steps) return 0;
  return options->rate * (float)(options->steps - step) / (float)(options->steps - options->warmup);
}

/* Part of one parameter, so that all of it decays or none. */
typedef struct piece {
  size_t offset, count;
  bool decays;
  double square; /* of its summed gradient */
} piece;

typedef struct update {
  const koe_loops *loops;
  koe_parameters *parameters;
  float *const *gradients;
  size_t workers;
  koe_adamw_step step;
  float decay;
  piece *pieces;
} update;

static size_t cut(const koe_parameters *parameters, piece *pieces) {
  size_t count = 0;
  for (size_t i = 0; i < parameters->count; i++) {
    const koe_parameter *parameter = &parameters->items[i];
    size_t size = koe_parameter_size(parameter);
    for (size_t first = 0; first < size; first += PIECE, count++) {
      if (pieces == NULL) continue;
      pieces[count] = (piece){.offset = parameter->offset + first,
                              .count = size - first < PIECE ? size - first : PIECE,
                              .decays = parameter->decays};
    }
  }
  return count;
}

/* Sums the workers' gradients into those of the first. */
static koe_status sum_piece(void *context, size_t index, koe_error *err) {
  const update *u = context;
  piece *p = &u->pieces[index];
  float *sum = u->gradients[0] + p->offset;
  (void)err;
  for (size_t w = 1; w < u->workers; w++) {
    u->loops->add(u->gradients[w] + p->offset, 1, p->count, sum);
    memset(u->gradients[w] + p->offset, 0, p->count * sizeof *sum);
  }
  p->square = u->loops->dot(sum, sum, p->count);
  return KOE_OK;
}

static koe_status update_piece(void *context, size_t index, koe_error *err) {
  const update *u = context;
  const piece *p = &u->pieces[index];
  koe_parameters *parameters = u->parameters;
  koe_adamw_step step = u->step;
  (void)err;
  step.decay = p->decays ? u->decay : 0;
  u->loops->adamw(&step, u->gradients[0] + p->offset, p->count, parameters->values + p->offset,
                  parameters->first_moments + p->offset, parameters->second_moments + p->offset);
  memset(u->gradients[0] + p->offset, 0, p->count * sizeof *u->gradients[0]);
  return KOE_OK;
}

static double norm_of(const piece *pieces, size_t count) {
  double square = 0;
  for (size_t i = 0; i < count; i++)
    square += pieces[i].square;
  return sqrt(square);
}

koe_status koe_optimizer_update(const koe_optimizer_options *options, const koe_loops *loops,
                                koe_parameters *parameters, float *const *gradients, size_t workers,
                                size_t threads, size_t step, double *norm, koe_error *err) {
  update u = {.loops = loops,
              .parameters = parameters,
              .gradients = gradients,
              .workers = workers,
              .decay = options->decay,
              .step = {.rate = koe_learning_rate(options, step),
                       .beta1 = options->beta1,
                       .beta2 = options->beta2,
                       .epsilon = options->epsilon,
                       .correction1 = (float)(1 - pow(options->beta1, (double)step + 1)),
                       .correction2 = (float)(1 - pow(options->beta2, (double)step + 1)),
                       .clip = 1}};
  size_t count = cut(parameters, NULL);
  u.pieces = koe_alloc(count, sizeof *u.pieces);
  if (u.pieces == NULL) return koe_fail_nomem(err);
  cut(parameters, u.pieces);
  koe_status status = koe_parallel(count, threads, sum_piece, &u, err);
  *norm = norm_of(u.pieces, count);
  if (status == KOE_OK && !isfinite(*norm)) {
    memset(gradients[0], 0, parameters->total * sizeof *gradients[0]);
    status = koe_fail(err, KOE_INVALID, "step %zu: the gradient is not finite; use a smaller rate",
                      step);
  }
  if (options->clip > 0 && *norm > options->clip) u.step.clip = (float)(options->clip / *norm);
  if (status == KOE_OK) status = koe_parallel(count, threads, update_piece, &u, err);
  koe_free(u.pieces);
  return status;
}
