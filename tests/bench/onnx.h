/* Writes an ONNX model: a graph of nodes over named values, and the constants among them.
 * Source: onnx.proto of github.com/onnx/onnx; com.microsoft's operators: ContribOperators.md of
 * github.com/microsoft/onnxruntime. */
#ifndef KOE_BENCH_ONNX_H
#define KOE_BENCH_ONNX_H

#include "protobuf.h"

#include <stdbool.h>

/* TensorProto.DataType. */
enum koe_onnx_type {
  KOE_ONNX_FLOAT = 1,
  KOE_ONNX_INT8 = 3,
  KOE_ONNX_INT32 = 6,
  KOE_ONNX_INT64 = 7
};

/* A graph being written, all zero to begin with. */
typedef struct koe_onnx {
  koe_message graph;
  koe_message node; /* begun by koe_onnx_node, not yet in the graph */
  koe_message part;
} koe_onnx;

/* Begins a node: operator, its inputs and outputs by name, separated by one space; "-" is an
 * optional input that is not given.  `microsoft` tells whose operator it is: com.microsoft's or
 * ONNX's.  Attributes that follow belong to it. */
void koe_onnx_node(koe_onnx *onnx, bool microsoft, const char *operator, const char * inputs,
                   const char *outputs);
void koe_onnx_integer(koe_onnx *onnx, const char *name, int64_t value);
void koe_onnx_float(koe_onnx *onnx, const char *name, float value);

/* A constant of one or two dimensions, [rows] or [rows, columns] (columns 0: one), in the machine's
 * byte order, which is to be little-endian. */
void koe_onnx_constant(koe_onnx *onnx, const char *name, enum koe_onnx_type type, size_t rows,
                       size_t columns, const void *elements);

/* Inputs [batch, sequence] and outputs [batch, 1, columns] of the graph. */
void koe_onnx_input(koe_onnx *onnx, const char *name, enum koe_onnx_type type);
void koe_onnx_output(koe_onnx *onnx, const char *name, enum koe_onnx_type type, size_t columns);

/* Writes the file and frees the graph's memory.  False, with errno set, if that fails. */
bool koe_onnx_write(koe_onnx *onnx, const char *path);

#endif
