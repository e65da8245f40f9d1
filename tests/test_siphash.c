#include "../model/siphash.h"
#include "support.h"

#include <string.h>

/* From vectors_sip128 of the reference implementation: key 00 … 0f, input 00, 01, 02, … */
START_TEST(reference_vectors) {
  static const struct {
    size_t length;
    const unsigned char bytes[16];
  } expected[] = {{0,
                   {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7,
                    0x55, 0x02, 0x93}},
                  {1,
                   {0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b,
                    0x22, 0xfc, 0x45}}};
  static const uint64_t key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
  unsigned char input[1] = {0};
  for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
    uint64_t out[2];
    koe_siphash(key, input, expected[i].length, out);
    for (int byte = 0; byte < 16; byte++)
      ck_assert_uint_eq(out[byte / 8] >> byte % 8 * 8 & 0xff, expected[i].bytes[byte]);
  }
}
END_TEST

/* Every byte counts, and so does the length, wherever the input begins. */
START_TEST(all_bytes_count) {
  static const uint64_t key[2] = {1, 2};
  enum { LONGEST = 40 };
  char bytes[LONGEST + 2] = {0};
  uint64_t of_zeros[LONGEST + 1][2], out[2];
  for (size_t length = 0; length <= LONGEST; length++) {
    koe_siphash(key, bytes, length, of_zeros[length]);
    for (size_t other = 0; other < length; other++)
      ck_assert_int_ne(memcmp(of_zeros[length], of_zeros[other], sizeof out), 0);
    for (size_t i = 0; i < length; i++) {
      bytes[1 + i] = 1;
      koe_siphash(key, bytes + 1, length, out);
      bytes[1 + i] = 0;
      ck_assert_int_ne(memcmp(out, of_zeros[length], sizeof out), 0);
    }
  }
}
END_TEST

Suite *siphash_suite(void);

Suite *siphash_suite(void) {
  Suite *suite = suite_create("siphash");
  TCase *tests = tcase_create("siphash");
  tcase_add_test(tests, reference_vectors);
  tcase_add_test(tests, all_bytes_count);
  suite_add_tcase(suite, tests);
  return suite;
}
