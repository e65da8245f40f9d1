/* Runs every suite, or those named on the command line. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int *koe_test_skips;

static bool wanted(const char *name, int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], name) == 0) return true;
  }
  return argc == 1;
}

int main(int argc, char **argv) {
  koe_test_skips =
      mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (koe_test_skips == MAP_FAILED) return EXIT_FAILURE;

  SRunner *runner = srunner_create(NULL);
  for (int i = 0; koe_suites[i].name != NULL; i++) {
    if (wanted(koe_suites[i].name, argc, argv)) srunner_add_suite(runner, koe_suites[i].create());
  }
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  int passed = srunner_ntests_run(runner) - failed - *koe_test_skips;
  srunner_free(runner);
  printf("suites: %d passed, %d failed, %d skipped\n", passed, failed, *koe_test_skips);
  return failed == 0 && passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
