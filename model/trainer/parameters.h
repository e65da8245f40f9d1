/* The trainable parameters of one or more models in one array, each with a name, and beside them
 * the moments that the optimizer keeps.
 *
 * A parameter is spoken of by its offset in floats, which is the same in the array of values, in
 * that of moments and in every array of gradients: layers take a `const float *values` to read from
 * and a `float *gradients` to add to. */
#ifndef KOE_PARAMETERS_H
#define KOE_PARAMETERS_H

#include "../checkpoint/checkpoint.h"
#include "../status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum koe_initial {
  KOE_INITIAL_TABLE, /* normal, standard deviation 0.02, cut off at two of them (BERT) */
  KOE_INITIAL_WEIGHT, /* the same, standard deviation √(2 / (rows + columns)) (Glorot and Bengio) */
  KOE_INITIAL_ZERO,
  KOE_INITIAL_ONE
} koe_initial;

enum { KOE_PARAMETER_NAME = 112 };

typedef struct koe_parameter {
  char name[KOE_PARAMETER_NAME]; /* Hugging Face's */
  size_t rows;
  size_t columns; /* 0 for a vector */
  size_t offset;  /* floats */
  koe_initial initial;
  bool decays; /* under weight decay: not biases, not LayerNorm */
} koe_parameter;

typedef struct koe_parameters {
  koe_parameter *items; /* [count], offsets ascending without gaps */
  size_t count;
  size_t capacity;
  size_t total;         /* floats */
  float *values;        /* [total]; NULL before koe_parameters_allocate, as the moments */
  float *first_moments; /* [total] */
  float *second_moments;
} koe_parameters; /* all zero is empty */

/* Floats of one parameter. */
static inline size_t koe_parameter_size(const koe_parameter *parameter) {
  return parameter->rows * (parameter->columns == 0 ? 1 : parameter->columns);
}

/* Declares a parameter [rows, columns], or [rows] where columns is 0, right behind the last one and
 * gives its offset.  Fails with KOE_INVALID (name too long, or there already),
 * KOE_NOMEM. */
koe_status koe_parameters_add(koe_parameters *parameters, const char *name, size_t rows,
                              size_t columns, koe_initial initial, size_t *offset, koe_error *err);

/* The parameter of that name, or NULL. */
const koe_parameter *koe_parameters_find(const koe_parameters *parameters, const char *name);

/* Allocates values and moments of all that was declared; moments are zero, values are initialised
 * from `seed`, each parameter by its name, so that adding one leaves the others as they were.
 * Fails with KOE_NOMEM.  Sources of the initialisation: Devlin et al. 2019 for tables;
 * Glorot and Bengio 2010 for weights, since 0.02 is made for hidden sizes about 1000: at 192 what
 * attention adds is then a fiftieth of what it is added to, and a model trained from scratch may
 * never begin to learn. */
koe_status koe_parameters_allocate(koe_parameters *parameters, uint64_t seed, koe_error *err);

/* Reads the values of parameters whose names begin with `prefix` from a checkpoint, where names
 * lack the prefix; "electra." in front may lack too.  Parameters that the checkpoint does not have,
 * or has in another shape, keep their values (a head with other labels) unless they are the
 * encoder's ("electra.…").  `*read` is their number.  Fails
 * with KOE_FORMAT (a shape differs, an encoder's tensor is missing), KOE_UNSUPPORTED, KOE_NOMEM. */
koe_status koe_parameters_load(koe_parameters *parameters, const char *prefix,
                               koe_checkpoint *checkpoint, size_t *read, koe_error *err);

/* Frees all and leaves `parameters` empty. */
void koe_parameters_clear(koe_parameters *parameters);

#endif
