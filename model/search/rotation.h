/* A fixed rotation of vectors that looks random: signs and Hadamard transforms in turn.
 *
 * Afterwards a vector's length is spread over all elements nearly alike, whatever it was before.
 * For a dimension that is no power of two, transforms of the largest one that fits take turns at
 * the first and at the last elements.  The same on every machine up to rounding.
 * Source: Ailon & Chazelle 2009; Andoni et al. 2015 (several rounds). */
#ifndef KOE_ROTATION_H
#define KOE_ROTATION_H

#include <stddef.h>

enum { KOE_ROTATION_LANES = 16 };

/* Rotates x [dimension] in place. */
void koe_rotate(float *x, size_t dimension);

/* The same for KOE_ROTATION_LANES vectors side by side: x [dimension, lanes]. */
void koe_rotate_lanes(float *x, size_t dimension);

/* What rounding adds to a vector of length 1, at most: a length. */
float koe_rotation_error(size_t dimension);

#endif
