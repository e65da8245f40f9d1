/* Runs every suite, or those named on the command line, each in a process of its own, as many at a
 * time as there are processors ($KOELECTRA_TEST_JOBS says otherwise).
 *
 * Check forks for each test.  One process for all suites would grow with what their fixtures leave
 * behind in AddressSanitizer's quarantine, and every fork of it would be slower.
 *
 * A suite that is named alone runs in this process, for debuggers (CK_FORK=no). */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_SUITES = 256, MAX_JOBS = 16 };

/* A suite that runs, or has run; in memory that the processes share. */
struct suite_run {
  const struct koe_suite *suite;
  FILE *output;
  pid_t process;
  double seconds; /* when it began, then how long it took */
  bool done;
  int passed, failed, skipped;
};

int *koe_test_skips;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The exit status of the suite's process. */
static int run_suite(struct suite_run *run) {
  koe_test_skips = &run->skipped;
  SRunner *runner = srunner_create(run->suite->create());
  srunner_run_all(runner, CK_NORMAL);
  run->failed = srunner_ntests_failed(runner);
  run->passed = srunner_ntests_run(runner) - run->failed - run->skipped;
  srunner_free(runner);
  return run->failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void start(struct suite_run *run) {
  run->seconds = now();
  run->output = tmpfile();
  if (run->output == NULL) {
    perror("no temporary file for the output of a suite");
    exit(EXIT_FAILURE);
  }
  fflush(NULL);
  pid_t process = fork();
  if (process == 0) {
    dup2(fileno(run->output), STDOUT_FILENO);
    dup2(fileno(run->output), STDERR_FILENO);
    exit(run_suite(run));
  }
  if (process < 0) {
    perror("fork");
    exit(EXIT_FAILURE);
  }
  run->process = process;
}

/* Waits until one of the suites ends. */
static void wait_for_any(struct suite_run *runs, int count) {
  int status;
  pid_t process = waitpid(-1, &status, 0);
  if (process < 0) {
    perror("waitpid");
    exit(EXIT_FAILURE);
  }
  for (int i = 0; i < count; i++) {
    struct suite_run *run = &runs[i];
    if (run->process != process || run->done) continue;
    run->done = true;
    run->seconds = now() - run->seconds;
    /* Also where the process crashed, or its leaks were found, outside of a test. */
    if (status != 0 && run->failed == 0) run->failed = 1;
  }
}

/* One line a suite, and all that it said where that is more than "passed". */
static void report(struct suite_run *run) {
  printf("%s: %d passed", run->suite->name, run->passed);
  if (run->failed > 0) printf(", %d FAILED", run->failed);
  if (run->skipped > 0) printf(", %d skipped", run->skipped);
  printf(" (%.1f s)\n", run->seconds);
  if (run->failed > 0 || run->skipped > 0) {
    rewind(run->output);
    char piece[4096];
    size_t length;
    while ((length = fread(piece, 1, sizeof piece, run->output)) > 0)
      fwrite(piece, 1, length, stdout);
  }
  fclose(run->output);
  fflush(stdout);
}

static int processes(void) {
  const char *jobs = getenv("KOELECTRA_TEST_JOBS");
  long count = jobs != NULL ? atol(jobs) : sysconf(_SC_NPROCESSORS_ONLN);
  if (count > MAX_JOBS) return MAX_JOBS;
  return count < 1 ? 1 : (int)count;
}

/* Reports in the order of the list, each as soon as those before it are done. */
static void run_all(struct suite_run *runs, int count) {
  int jobs = processes(), started = 0, ended = 0, reported = 0;
  while (reported < count) {
    while (started < count && started - ended < jobs)
      start(&runs[started++]);
    wait_for_any(runs, started);
    ended++;
    while (reported < started && runs[reported].done)
      report(&runs[reported++]);
  }
}

static const struct koe_suite *find_suite(const char *name) {
  for (int i = 0; koe_suites[i].name != NULL; i++) {
    if (strcmp(koe_suites[i].name, name) == 0) return &koe_suites[i];
  }
  fprintf(stderr, "there is no suite %s\n", name);
  exit(EXIT_FAILURE);
}

static int choose_suites(struct suite_run *runs, int argc, char **argv) {
  int count = 0;
  if (argc == 1) {
    while (count < MAX_SUITES && koe_suites[count].name != NULL) {
      runs[count].suite = &koe_suites[count];
      count++;
    }
  }
  for (int i = 1; i < argc && count < MAX_SUITES; i++)
    runs[count++].suite = find_suite(argv[i]);
  return count;
}

int main(int argc, char **argv) {
  struct suite_run *runs = mmap(NULL, MAX_SUITES * sizeof *runs, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (runs == MAP_FAILED) return EXIT_FAILURE;
  /* Seconds for a test: far more than any takes, so that only one that hangs is ended. */
  setenv("CK_DEFAULT_TIMEOUT", "300", 0);
  int count = choose_suites(runs, argc, argv);
  if (count == 1)
    run_suite(&runs[0]);
  else
    run_all(runs, count);

  int passed = 0, failed = 0, skipped = 0;
  for (int i = 0; i < count; i++) {
    passed += runs[i].passed;
    failed += runs[i].failed;
    skipped += runs[i].skipped;
  }
  printf("suites: %d passed, %d failed, %d skipped\n", passed, failed, skipped);
  return failed == 0 && passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
