/* A checkpoint of TensorFlow 1, as google-research/electra leaves it: a "tensor bundle".
 *
 *   PREFIX.index                    a table (tf_table.h) of Protocol Buffers messages
 *     ""                            BundleHeaderProto: number of shards, byte order
 *     NAME                          BundleEntryProto: type, shape, shard, offset, size, checksum
 *   PREFIX.data-00000-of-00001 …    the shards: elements, row-major
 *
 * Discriminator, generator, the optimizer's state and a step counter are in one checkpoint.  The
 * reader takes the parameters of one model, under Hugging Face's names (tf_names.h).
 *
 * Source: TensorFlow, tensorflow/core/protobuf/tensor_bundle.proto and
 * tensorflow/core/util/tensor_bundle/tensor_bundle.cc. */
#ifndef KOE_TF_BUNDLE_H
#define KOE_TF_BUNDLE_H

#include "tensor_list.h"
#include "tf_names.h"
#include "weight_file.h"

enum { KOE_BUNDLE_MAX_SHARDS = 1000 };

/* How many shards an index says that there are, from 1 to KOE_BUNDLE_MAX_SHARDS.  Fails with
 * KOE_FORMAT, KOE_NOMEM. */
koe_status koe_bundle_shard_count(const koe_weight_file *index, size_t *out, koe_error *err);

/* Appends the parameters of `part`, their data pointing into `shards` [shard_count].
 * Checksums of the index and of what is appended are verified, which reads it once.  Fails with
 * KOE_FORMAT (damaged, another number of shards, tensors that overlap or lie outside their shard,
 * no such model inside), KOE_UNSUPPORTED (a parameter stored in slices, or not of a floating type),
 * KOE_NOMEM. */
koe_status koe_bundle_read(const koe_weight_file *index, const koe_weight_file *shards,
                           size_t shard_count, koe_electra_part part, koe_tensor_list *list,
                           koe_error *err);

#endif
