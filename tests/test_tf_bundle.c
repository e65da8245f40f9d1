/* The parts of a TensorFlow checkpoint that a stranger may have made: tables, compressed blocks,
 * messages, places of tensors. */
#include "../model/checkpoint/crc32c.h"
#include "../model/checkpoint/snappy.h"
#include "support.h"
#include "table_file.h"

#include <stdlib.h>
#include <string.h>

/* ── checksums and compression ──────────────────────────────────────────────────────────────────
 */

START_TEST(checksums) {
  uint8_t zeros[32] = {0}, ones[32], rising[32]; /* the vectors of RFC 3720, B.4 */
  memset(ones, 0xFF, sizeof ones);
  for (size_t i = 0; i < sizeof rising; i++)
    rising[i] = (uint8_t)i;
  ck_assert_uint_eq(koe_crc32c(0, zeros, 32), 0x8A9136AA);
  ck_assert_uint_eq(koe_crc32c(0, ones, 32), 0x62A8AB43);
  ck_assert_uint_eq(koe_crc32c(0, rising, 32), 0x46DD794E);
  ck_assert_uint_eq(koe_crc32c(0, (const uint8_t *)"123456789", 9), 0xE3069283);
  for (size_t cut = 0; cut <= 32; cut++) {
    uint32_t first = koe_crc32c(0, rising, cut);
    ck_assert_uint_eq(koe_crc32c(first, rising + cut, 32 - cut), 0x46DD794E);
  }
  ck_assert_uint_eq(koe_crc32c_unmask(masked_checksum(rising, 32)), 0x46DD794E);
}
END_TEST

/* Decompresses a block of exactly that size, so that a read beyond it is seen. */
static bool decompress(const char *bytes, size_t size, const char *expected) {
  size_t length;
  uint8_t *block = malloc(size > 0 ? size : 1);
  memcpy(block, bytes, size);
  bool ok = koe_snappy_length(block, size, &length) && length < 1000;
  uint8_t *out = malloc(ok && length > 0 ? length : 1);
  ok = ok && koe_snappy_decompress(block, size, out, length);
  if (ok && expected != NULL) {
    ck_assert_uint_eq(length, strlen(expected));
    ck_assert_mem_eq(out, expected, length);
  }
  free(block);
  free(out);
  return ok;
}

START_TEST(snappy_blocks) {
#define BLOCK(literal) literal, sizeof(literal) - 1
  ck_assert(decompress(BLOCK("\0"), ""));
  ck_assert(decompress(BLOCK("\3\010abc"), "abc"));
  ck_assert(decompress(BLOCK("\3\360\2abc"), "abc"));         /* length in a byte behind the tag */
  ck_assert(decompress(BLOCK("\3\374\2\0\0\0abc"), "abc"));   /* in four */
  ck_assert(decompress(BLOCK("\7\010abc\1\3"), "abcabca"));   /* 4 bytes from 3 before */
  ck_assert(decompress(BLOCK("\5\0a\016\1\0"), "aaaaa"));     /* offset in two bytes */
  ck_assert(decompress(BLOCK("\5\0a\017\1\0\0\0"), "aaaaa")); /* in four */
  static const struct {
    const char *bytes;
    size_t size;
  } malformed[] = {
      {BLOCK("")},                                           /* no length */
      {BLOCK("\200\200\200\200\200\200\200\200\200\200\1")}, /* one of more than 64 bits */
      {BLOCK("\3\010ab")},                                   /* a literal beyond the end */
      {BLOCK("\3\360")},                                     /* its length */
      {BLOCK("\3\374\377\377\377\377abc")},                  /* of 4 GB */
      {BLOCK("\2\010abc")},                                  /* more than was said */
      {BLOCK("\4\010abc")},                                  /* less */
      {BLOCK("\7\010abc\1\4")},                              /* a copy from before the start */
      {BLOCK("\7\010abc\1\0")},                              /* from itself */
      {BLOCK("\6\010abc\1\3")},                              /* beyond the end */
      {BLOCK("\7\010abc\1")},                                /* without offset */
      {BLOCK("\5\0a\016\1")},                                /* with half of one */
      {BLOCK("\7\1\3")},                                     /* of nothing */
  };
  for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
    ck_assert_msg(!decompress(malformed[i].bytes, malformed[i].size, NULL), "case %zu", i);
#undef BLOCK
}
END_TEST

/* ── hostile files ──────────────────────────────────────────────────────────────────────────────
 */

/* A table with one parameter of 12 floats and what `change` makes of its entry. */
static const float floats[12] = {1, 2, 3};
static const char kernel_name[] = "electra/encoder/layer_0/output/dense/kernel";

static bundle_entry good_entry(void) {
  return (bundle_entry){.dtype = 1,
                        .dims = 2,
                        .shape = {3, 4},
                        .size = sizeof floats,
                        .checksum = masked_checksum(floats, sizeof floats)};
}

/* Fails unless the checkpoint is refused with a message that has `fragment`; NULL: it opens. */
static void check_table(table_writer *table, const char *fragment) {
  koe_error err;
  table_finish(table);
  koe_status status = open_bundle(table->file.bytes, table->file.size, floats, sizeof floats, &err);
  table_clear(table);
  if (fragment == NULL) {
    ck_assert_msg(status == KOE_OK, "%s", err.message);
  } else {
    ck_assert_msg(status == KOE_FORMAT || status == KOE_UNSUPPORTED || status == KOE_IO,
                  "status %d for %s", status, fragment);
    ck_assert_msg(strstr(err.message, fragment) != NULL, "\"%s\" lacks \"%s\"", err.message,
                  fragment);
  }
}

static void check_entry(const bundle_entry *entry, const char *fragment) {
  table_writer table = {0};
  table_add_header(&table, 1);
  table_add_entry(&table, kernel_name, entry);
  check_table(&table, fragment);
}

START_TEST(hostile_entries) {
  static const struct {
    bundle_entry entry; /* without dtype: float32 */
    const char *message;
  } cases[] = {
      {{.dims = 2, .shape = {3, 4}, .size = 48}, NULL},
      {{.dims = 2, .shape = {3, 5}, .size = 48}, "48 bytes of data for a shape of 60"},
      {{.dims = 2, .shape = {3, 4}, .size = 44}, "44 bytes of data"},
      {{.dims = 2, .shape = {3, 4}, .size = 52}, "dense/kernel\" lies outside the file"},
      {{.dims = 2, .shape = {3, 4}, .size = 48, .offset = 4}, "lies outside the file"},
      {{.dims = 2, .shape = {3, 4}, .size = 48, .offset = UINT64_MAX - 3}, "lies outside"},
      {{.dims = 2, .shape = {3, 4}, .size = UINT64_MAX}, "lies outside the file"},
      {{.dims = 2, .shape = {3, 4}, .size = INT64_MAX, .offset = INT64_MAX}, "lies outside"},
      {{.dims = 2, .shape = {3, 4}, .size = 48, .shard = 1}, "in a shard that is not there"},
      {{.dims = 2, .shape = {3, 4}, .size = 48, .shard = UINT64_MAX}, "shard that is not there"},
      {{.dims = 2, .shape = {-3, -4}, .size = 48}, "has an impossible shape"},
      {{.dims = 3, .shape = {INT64_MAX, INT64_MAX, 4}, .size = 48}, "impossible shape"},
      {{.dims = 2, .shape = {INT64_MAX / 2, 1}, .size = 48}, "48 bytes of data for"},
      {{.dims = 9, .shape = {1, 1, 1, 1, 1, 1, 1, 1, 12}, .size = 48}, "has 9 dimensions"},
      {{.dims = 2, .shape = {3, 4}, .size = 48, .dtype = 3}, "TensorFlow's type 3"},
      {{.dims = 2, .shape = {3, 4}, .size = 48, .dtype = 7}, "TensorFlow's type 7"},
      {{.dims = 2, .shape = {3, 4}, .size = 48, .dtype = UINT64_MAX}, "which is no floating type"},
      {{.dims = 0, .size = 4}, "the checksum of tensor"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    bundle_entry entry = cases[i].entry;
    if (entry.dtype == 0) entry.dtype = 1;
    entry.checksum = good_entry().checksum;
    check_entry(&entry, cases[i].message);
  }
  bundle_entry wrong = good_entry();
  wrong.checksum ^= 1;
  check_entry(&wrong, "the checksum of tensor \"electra/encoder/layer_0/output/dense/kernel\"");
}
END_TEST

/* One entry with the given bytes for its value. */
static void check_value(const char *bytes, size_t size, const char *fragment) {
  table_writer table = {0};
  table_add_header(&table, 1);
  table_add_shared(&table, 0, kernel_name, strlen(kernel_name), bytes, size);
  check_table(&table, fragment);
}

START_TEST(hostile_messages) {
#define VALUE(literal) literal, sizeof(literal) - 1
  check_value(VALUE("\010"), "entry 1 is malformed");                            /* no value */
  check_value(VALUE("\010\200\200\200\200\200\200\200\200\200\2"), "malformed"); /* 65 bits */
  check_value(VALUE("\010\200\200\200\200\200\200\200\200\200\200\200\1"), "malformed");
  check_value(VALUE("\022\005"), "malformed"); /* 5 bytes that are not there */
  check_value(VALUE("\022\377\377\377\377\377\377\377\377\377\1"), "malformed");
  check_value(VALUE("\022\2\022\5"), "malformed");         /* within the shape */
  check_value(VALUE("\022\4\022\2\010\200"), "malformed"); /* within a dimension */
  check_value(VALUE("\065\1\2\3"), "malformed");           /* 4 bytes, of which 3 are */
  check_value(VALUE("\013\014"), "malformed");             /* a group */
  check_value(VALUE("\0\0"), "malformed");                 /* field 0 */
  check_value(VALUE("\010\1\022\2\030\1"), "its shape is not known");
  check_value(VALUE("\010\1\072\0"), "is stored in slices");
  check_value(VALUE("\010\1\x92\x3f\3abc\x99\x3f"
                    "12345678\050\0"),
              "0 bytes of data for a shape of 4"); /* skips */
#undef VALUE
}
END_TEST

START_TEST(hostile_tables) {
  table_writer table = {0};
  bundle_entry entry = good_entry();
  check_table(&table, "empty");

  table = (table_writer){0};
  table_add_entry(&table, kernel_name, &entry);
  check_table(&table, "without the header");

  static const uint64_t shards[] = {0, 1001, UINT64_MAX};
  for (size_t i = 0; i < 3; i++) {
    table = (table_writer){0};
    table_add_header(&table, shards[i]);
    check_table(&table, "shards; expected 1 to 1000");
  }
  table = (table_writer){0};
  table_add_header(&table, 2);
  check_table(&table, "model.ckpt-40.data-00000-of-00002, which is not there");

  table = (table_writer){0};
  table_add_shared(&table, 0, "", 0, "\010\1\020\1", 4);
  check_table(&table, "big-endian");
  table = (table_writer){0};
  table_add_shared(&table, 0, "", 0, "\010", 1);
  check_table(&table, "its header is malformed");

  table = (table_writer){0};
  table_add_header(&table, 1);
  check_table(&table, "no discriminator under the names");
  table = (table_writer){0};
  table_add_header(&table, 1);
  table_add_shared(&table, 0, "_CHECKPOINTABLE_OBJECT_GRAPH", 28, "", 0);
  check_table(&table, "TensorFlow 2's objects");

  /* The same name twice, names that fall, also from one block to the next. */
  for (int blocks = 0; blocks < 2; blocks++) {
    static const char *const names[][2] = {{kernel_name, kernel_name}, {"b", "a"}, {"ab", "a"}};
    for (size_t i = 0; i < 3; i++) {
      table = (table_writer){0};
      table_add_header(&table, 1);
      table_add_entry(&table, names[i][0], &entry);
      if (blocks) table_end_block(&table, 0);
      table_add_entry(&table, names[i][1], &entry);
      check_table(&table, "keys are not in order");
    }
  }
  table = (table_writer){0};
  table_add_header(&table, 1);
  entry.size = 44;
  table_add_entry(&table, "a", &entry);
  entry.offset = 43;
  entry.size = 5;
  table_add_entry(&table, "b", &entry);
  check_table(&table, "tensor \"b\": its data overlap another tensor's");

  table = (table_writer){0};
  table_add_header(&table, 1);
  table_end_block(&table, 2);
  check_table(&table, "in a way other than Snappy");
  table = (table_writer){0};
  table_add_header(&table, 1);
  table_end_block(&table, 1);
  check_table(&table, "not what Snappy compresses");
}
END_TEST

START_TEST(hostile_blocks) {
  table_writer table = {0};
  table_add_shared(&table, 1, "", 0, "", 0); /* shares what there is not */
  check_table(&table, "reaches beyond its block");
  table = (table_writer){0};
  PUT(&table.block, "\0\377\377\377\377\377\377\377\377\177\0");
  check_table(&table, "reaches beyond its block");
  table = (table_writer){0};
  PUT(&table.block, "\0\0\377\377\377\377\377\377\377\377\377\1");
  check_table(&table, "reaches beyond its block");
  table = (table_writer){0};
  PUT(&table.block, "\0\0\377\377\377\377\377\377\377\377\377\377\377");
  check_table(&table, "an entry is truncated");

  /* Keys that grow by what they share. */
  table = (table_writer){0};
  char part[3000];
  memset(part, 'x', sizeof part);
  table_add_header(&table, 1);
  table_add_shared(&table, 0, part, sizeof part, "", 0);
  table_add_shared(&table, sizeof part, part, sizeof part, "", 0);
  check_table(&table, "a key of 6000 bytes");

  /* A data block twice: the second use lies before the end of the first. */
  table = (table_writer){0};
  table_add_header(&table, 1);
  table_end_block(&table, 0);
  size_t length = table.index.size;
  put(&table.index, table.index.bytes, length);
  table.index.bytes[length + 4] = 2; /* the second key, after the first */
  check_table(&table, "blocks overlap");
}
END_TEST

/* An index that is its own data block, and others that lead astray. */
START_TEST(hostile_footers) {
  koe_error err;
  static const struct {
    const char *handles; /* of metaindex and index */
    const char *message;
  } cases[] = {
      {"\0\0\200\200\200\200\1\0", "lies outside the file"},
      {"\0\0\0\377\377\377\377\377\377\377\377\377\1", "lies outside the file"},
      {"\0\0\377\377\377\377\377\377\377\377\377\1\0", "lies outside the file"},
      {"\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377", "names no index block"},
      {"\0\0\0\1", "checksum of the block at byte 0 is wrong"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    buffer file = {0};
    uint8_t footer[40] = {0};
    table_put_block(&file, "\0\0\0\0\1\0\0\0", 8, 0);
    memcpy(footer, cases[i].handles, i == 0 ? 8 : i == 4 ? 4 : 14);
    put(&file, footer, sizeof footer);
    put64(&file, UINT64_C(0xdb4775248b80fb57));
    assert_fails(open_bundle(file.bytes, file.size, floats, sizeof floats, &err), KOE_FORMAT,
                 cases[i].message);
    buffer_clear(&file);
  }
  /* The index block names itself. */
  buffer file = {0}, block = {0};
  put_varint(&block, 0);
  put_varint(&block, 1);
  put_varint(&block, 2);
  PUT(&block, "k\0\016"
              "\0\0\0\0\1\0\0\0");
  table_put_block(&file, block.bytes, block.size, 0);
  uint8_t footer[40] = {0, 0, 0, (uint8_t)block.size};
  put(&file, footer, sizeof footer);
  put64(&file, UINT64_C(0xdb4775248b80fb57));
  assert_fails(open_bundle(file.bytes, file.size, floats, sizeof floats, &err), KOE_FORMAT,
               "without the header");
  buffer_clear(&file);
  buffer_clear(&block);
}
END_TEST

Suite *tf_bundle_suite(void);

Suite *tf_bundle_suite(void) {
  Suite *suite = suite_create("tf_bundle");
  TCase *tc = tcase_create("tf_bundle");
  tcase_add_test(tc, checksums);
  tcase_add_test(tc, snappy_blocks);
  tcase_add_test(tc, hostile_entries);
  tcase_add_test(tc, hostile_messages);
  tcase_add_test(tc, hostile_tables);
  tcase_add_test(tc, hostile_blocks);
  tcase_add_test(tc, hostile_footers);
  suite_add_tcase(suite, tc);
  return suite;
}
