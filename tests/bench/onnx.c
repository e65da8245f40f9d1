#include "onnx.h"

#include <stdio.h>
#include <string.h>

/* Field numbers of onnx.proto. */
enum model_field { MODEL_IR_VERSION = 1, MODEL_PRODUCER = 2, MODEL_GRAPH = 7, MODEL_OPSET = 8 };
enum opset_field { OPSET_DOMAIN = 1, OPSET_VERSION = 2 };
enum graph_field {
  GRAPH_NODE = 1,
  GRAPH_NAME = 2,
  GRAPH_INITIALIZER = 5,
  GRAPH_INPUT = 11,
  GRAPH_OUTPUT = 12
};
enum node_field {
  NODE_INPUT = 1,
  NODE_OUTPUT = 2,
  NODE_OPERATOR = 4,
  NODE_ATTRIBUTE = 5,
  NODE_DOMAIN = 7
};
enum attribute_field {
  ATTRIBUTE_NAME = 1,
  ATTRIBUTE_FLOAT = 2,
  ATTRIBUTE_INTEGER = 3,
  ATTRIBUTE_TYPE = 20
};
enum attribute_type { TYPE_FLOAT = 1, TYPE_INTEGER = 2 };
enum tensor_field { TENSOR_DIMENSION = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW = 9 };
enum value_field { VALUE_NAME = 1, VALUE_TYPE = 2 };
enum type_field { TYPE_TENSOR = 1 };
enum tensor_type_field { TENSOR_TYPE_ELEMENT = 1, TENSOR_TYPE_SHAPE = 2 };
enum shape_field { SHAPE_DIMENSION = 1 };
enum dimension_field { DIMENSION_VALUE = 1, DIMENSION_NAME = 2 };

enum { IR_VERSION = 8, OPSET = 17 };

static const char microsoft_domain[] = "com.microsoft";

static void finish_node(koe_onnx *onnx) {
  if (onnx->node.length > 0) koe_put_message(&onnx->graph, GRAPH_NODE, &onnx->node);
}

static void put_names(koe_onnx *onnx, int field, const char *names) {
  while (*names != '\0') {
    size_t length = strcspn(names, " ");
    bool absent = length == 1 && names[0] == '-';
    koe_put_bytes(&onnx->node, field, names, absent ? 0 : length);
    names += length;
    if (*names == ' ') names++;
  }
}

void koe_onnx_node(koe_onnx *onnx, bool microsoft, const char *operator, const char * inputs,
                   const char *outputs) {
  finish_node(onnx);
  put_names(onnx, NODE_INPUT, inputs);
  put_names(onnx, NODE_OUTPUT, outputs);
  koe_put_string(&onnx->node, NODE_OPERATOR, operator);
  if (microsoft) koe_put_string(&onnx->node, NODE_DOMAIN, microsoft_domain);
}

void koe_onnx_integer(koe_onnx *onnx, const char *name, int64_t value) {
  koe_put_string(&onnx->part, ATTRIBUTE_NAME, name);
  koe_put_integer(&onnx->part, ATTRIBUTE_INTEGER, (uint64_t)value);
  koe_put_integer(&onnx->part, ATTRIBUTE_TYPE, TYPE_INTEGER);
  koe_put_message(&onnx->node, NODE_ATTRIBUTE, &onnx->part);
}

void koe_onnx_float(koe_onnx *onnx, const char *name, float value) {
  koe_put_string(&onnx->part, ATTRIBUTE_NAME, name);
  koe_put_float(&onnx->part, ATTRIBUTE_FLOAT, value);
  koe_put_integer(&onnx->part, ATTRIBUTE_TYPE, TYPE_FLOAT);
  koe_put_message(&onnx->node, NODE_ATTRIBUTE, &onnx->part);
}

void koe_onnx_constant(koe_onnx *onnx, const char *name, enum koe_onnx_type type, size_t rows,
                       size_t columns, const void *elements) {
  size_t size = type == KOE_ONNX_INT8 ? 1 : type == KOE_ONNX_INT64 ? 8 : 4;
  koe_put_integer(&onnx->part, TENSOR_DIMENSION, rows);
  if (columns > 0) koe_put_integer(&onnx->part, TENSOR_DIMENSION, columns);
  koe_put_integer(&onnx->part, TENSOR_TYPE, type);
  koe_put_string(&onnx->part, TENSOR_NAME, name);
  koe_put_bytes(&onnx->part, TENSOR_RAW, elements, rows * (columns > 0 ? columns : 1) * size);
  koe_put_message(&onnx->graph, GRAPH_INITIALIZER, &onnx->part);
}

/* Appends a dimension, of a length or of a name, to a shape. */
static void put_dimension(koe_message *shape, size_t value, const char *name) {
  koe_message dimension = {0};
  if (name != NULL)
    koe_put_string(&dimension, DIMENSION_NAME, name);
  else
    koe_put_integer(&dimension, DIMENSION_VALUE, value);
  koe_put_message(shape, SHAPE_DIMENSION, &dimension);
  koe_message_clear(&dimension);
}

static void put_value(koe_onnx *onnx, int field, const char *name, enum koe_onnx_type element,
                      koe_message *shape) {
  koe_message tensor = {0}, type = {0};
  koe_put_integer(&tensor, TENSOR_TYPE_ELEMENT, element);
  koe_put_message(&tensor, TENSOR_TYPE_SHAPE, shape);
  koe_put_message(&type, TYPE_TENSOR, &tensor);
  koe_put_string(&onnx->part, VALUE_NAME, name);
  koe_put_message(&onnx->part, VALUE_TYPE, &type);
  koe_put_message(&onnx->graph, field, &onnx->part);
  koe_message_clear(&tensor);
  koe_message_clear(&type);
  koe_message_clear(shape);
}

void koe_onnx_input(koe_onnx *onnx, const char *name, enum koe_onnx_type type) {
  koe_message shape = {0};
  put_dimension(&shape, 0, "batch");
  put_dimension(&shape, 0, "sequence");
  put_value(onnx, GRAPH_INPUT, name, type, &shape);
}

void koe_onnx_output(koe_onnx *onnx, const char *name, enum koe_onnx_type type, size_t columns) {
  koe_message shape = {0};
  put_dimension(&shape, 0, "batch");
  put_dimension(&shape, 1, NULL);
  put_dimension(&shape, columns, NULL);
  put_value(onnx, GRAPH_OUTPUT, name, type, &shape);
}

static void put_opset(koe_message *model, const char *domain, uint64_t version) {
  koe_message opset = {0};
  koe_put_string(&opset, OPSET_DOMAIN, domain);
  koe_put_integer(&opset, OPSET_VERSION, version);
  koe_put_message(model, MODEL_OPSET, &opset);
  koe_message_clear(&opset);
}

bool koe_onnx_write(koe_onnx *onnx, const char *path) {
  koe_message model = {0};
  finish_node(onnx);
  koe_put_string(&onnx->graph, GRAPH_NAME, "electra");
  koe_put_integer(&model, MODEL_IR_VERSION, IR_VERSION);
  koe_put_string(&model, MODEL_PRODUCER, "sqlite-koelectra bench");
  put_opset(&model, "", OPSET);
  put_opset(&model, microsoft_domain, 1);
  koe_put_message(&model, MODEL_GRAPH, &onnx->graph);
  FILE *file = fopen(path, "wb");
  bool written = file != NULL && fwrite(model.bytes, 1, model.length, file) == model.length;
  if (file != NULL && fclose(file) != 0) written = false;
  koe_message_clear(&model);
  koe_message_clear(&onnx->graph);
  koe_message_clear(&onnx->node);
  koe_message_clear(&onnx->part);
  return written;
}
