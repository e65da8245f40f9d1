/* A training that was interrupted, in one file: parameters, moments of the optimizer and the number
 * of steps done.  Everything random is a function of seed and step, so a training that resumes
 * gives the same model as one that was not interrupted.
 *
 *   "KOETRAIN"  u32 version  u32 0  u64 identity  u64 steps  f64 best score  u64 floats
 *   f32 values [floats]  f32 first moments [floats]  f32 second moments [floats]
 *   u64 FNV-1a of all before it
 *
 * in the byte order of the machine, which trains on. */
#ifndef KOE_TRAINING_STATE_H
#define KOE_TRAINING_STATE_H

#include "parameters.h"

/* Writes `path` by way of a temporary file that is flushed and renamed.  `identity` stands for all
 * that must be the same on resuming: options and data.  Fails with KOE_IO. */
koe_status koe_training_state_write(const char *path, const koe_parameters *parameters,
                                    uint64_t identity, size_t steps, double best, koe_error *err);

/* Reads it; `*steps` is 0 if there is no such file, `*best` is then left.  Fails with KOE_FORMAT
 * (damaged), KOE_INVALID (another identity), KOE_IO; parameters are then undefined. */
koe_status koe_training_state_read(const char *path, koe_parameters *parameters, uint64_t identity,
                                   size_t *steps, double *best, koe_error *err);

#endif
