#include "golden.h"

#include "registry_support.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>

json_t *load_cases(const char *directory) {
  const char *path = file_in(directory, "expected.json");
  json_t *file = load_json(path);
  json_t *cases = json_incref(json_object_get(file, "cases"));
  json_decref(file);
  ck_assert_msg(json_array_size(cases) > 0, "%s has no cases", path);
  return cases;
}

void append_case(koe_batch *batch, const json_t *item) {
  koe_error err;
  koe_token tokens[512];
  const json_t *ids = json_object_get(item, "input_ids");
  const json_t *types = json_object_get(item, "token_type_ids");
  size_t count = json_array_size(ids);
  ck_assert_uint_le(count, 512);
  for (size_t i = 0; i < count; i++) {
    tokens[i] = (koe_token){.id = (int32_t)json_integer_value(json_array_get(ids, i)),
                            .segment = (int32_t)json_integer_value(json_array_get(types, i))};
  }
  assert_ok(koe_batch_append(batch, tokens, count, &err));
}

void report_difference(const char *what, double largest) {
  if (getenv("KOELECTRA_DIFFERENCES") == NULL) return;
  printf("difference: %-40s %.1e\n", what, largest);
  fflush(stdout);
}
