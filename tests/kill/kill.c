/* Kills a process with SIGKILL at random points of what it does to an index, and looks at what it
 * leaves: 'integrity-check' finds nothing, every transaction that was committed is there as a
 * whole, no other is there at all, and a rebuild goes on where it was.
 *
 *   kill DIRECTORY [rounds [seed]]     databases are made in the directory, one a scenario; they
 *                                      are used again by later rounds
 *   kill child DATABASE scenario seed  the process that is killed
 *
 * Beside the index, a plain table `truth` sees the same changes in the same transactions, and
 * `meta` counts these; the child tells of each after its COMMIT, before it goes on. */
#define SQLITE_CORE /* the headers of ext/ are read as this is linked */
#include "../../ext/index/rebuild_texts.h"
#include "../../ext/koelectra.h"

#include <sqlite3.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SCENARIOS = 5, MOST_DELAY = 300, REBUILT_ROWS = 2500 };

static const struct {
  const char *name;
  bool external; /* the index is told of changes by triggers of `truth` */
  bool vectors;  /* some bodies are ready vectors */
  bool texts;
  bool wal;
  bool rebuilds; /* nothing else */
} scenarios[SCENARIOS] = {
    {.name = "ready vectors", .vectors = true},
    {.name = "texts", .texts = true},
    {.name = "content table", .external = true, .vectors = true, .texts = true},
    {.name = "rebuild", .external = true, .texts = true, .rebuilds = true},
    {.name = "both, WAL", .vectors = true, .texts = true, .wal = true},
};

static void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  exit(EXIT_FAILURE);
}

/* Runs SQL that sqlite3_mprintf formats. */
static void run(sqlite3 *db, const char *format, ...) {
  va_list args;
  va_start(args, format);
  char *message = NULL, *sql = sqlite3_vmprintf(format, args);
  va_end(args);
  if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) fail("%s: %s", sql, message);
  sqlite3_free(sql);
}

static sqlite3_int64 query(sqlite3 *db, const char *sql) {
  sqlite3_stmt *statement;
  if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK ||
      sqlite3_step(statement) != SQLITE_ROW) {
    fail("%s: %s", sql, sqlite3_errmsg(db));
  }
  sqlite3_int64 value = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return value;
}

static sqlite3 *open_index(const char *path) {
  sqlite3 *db;
  char *message = NULL;
  if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_koelectra_init(db, &message, NULL)) {
    fail("%s: %s", path, message != NULL ? message : sqlite3_errmsg(db));
  }
  sqlite3_busy_timeout(db, 10000);
  run(db, "SELECT koelectra_load('default', 'tests/reference/tiny')");
  koe_rebuild_texts_set_delay(0.02);
  return db;
}

static void make(const char *path, int scenario) {
  sqlite3 *db = open_index(path);
  if (scenarios[scenario].wal) run(db, "PRAGMA journal_mode = WAL");
  run(db, "CREATE TABLE meta(n INTEGER); INSERT INTO meta VALUES(0);"
          "CREATE TABLE truth(id INTEGER PRIMARY KEY, body);"
          "CREATE TABLE ready(id INTEGER PRIMARY KEY, v BLOB);"
          "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 40) "
          "INSERT INTO ready SELECT i, koelectra_embed('준비된 ' || i) FROM n");
  if (!scenarios[scenario].external) {
    run(db, "CREATE VIRTUAL TABLE s USING koelectra_index(body)");
  } else if (scenarios[scenario].rebuilds) {
    run(db,
        "CREATE VIRTUAL TABLE s USING koelectra_index(body, content=truth, content_rowid=id);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) INSERT INTO truth "
        "SELECT i, replace(printf('%%030d', i), '0', '배우 연기가 좋았어요 ') FROM n;"
        "INSERT INTO s(s) VALUES('rebuild')",
        REBUILT_ROWS);
  } else {
    run(db, "CREATE VIRTUAL TABLE s USING koelectra_index(body, content=truth, content_rowid=id);"
            "CREATE TRIGGER truth_insert AFTER INSERT ON truth BEGIN"
            "  INSERT INTO s(rowid, body) VALUES(new.id, new.body); END;"
            "CREATE TRIGGER truth_delete AFTER DELETE ON truth BEGIN"
            "  DELETE FROM s WHERE rowid = old.id; END;"
            "CREATE TRIGGER truth_update AFTER UPDATE ON truth BEGIN"
            "  DELETE FROM s WHERE rowid = old.id;"
            "  INSERT INTO s(rowid, body) VALUES(new.id, new.body); END");
  }
  sqlite3_close(db);
}

/* ── the process that is killed ─────────────────────────────────────────────────────────────────
 */

static unsigned seed;

static int below(int n) {
  return (int)((unsigned)rand_r(&seed) % (unsigned)n);
}

/* The body of row `id`, as SQL. */
static const char *body_of(int scenario, const char *id) {
  static char sql[256];
  static const char vector[] = "(SELECT v FROM ready WHERE ready.id = %s %% 40)";
  static const char text[] = "'글 ' || %s || ' 번 %d'";
  char both[200];
  if (!scenarios[scenario].vectors) {
    snprintf(sql, sizeof sql, text, id, below(10));
  } else if (!scenarios[scenario].texts) {
    snprintf(sql, sizeof sql, vector, id);
  } else {
    snprintf(both, sizeof both, "CASE %%s %%%% 3 WHEN 0 THEN %s WHEN 1 THEN %s END", vector, text);
    snprintf(sql, sizeof sql, both, id, id, id, below(10));
  }
  return sql;
}

static void change(sqlite3 *db, int scenario) {
  bool own = !scenarios[scenario].external;
  int last = (int)query(db, "SELECT ifnull(max(id), 0) FROM truth");
  int first = below(last + 1), end = first + below(300);
  switch (below(5)) {
  default: /* one row, or many */
    end = last + 1 + (below(2) ? below(2000) : 0);
    run(db,
        "WITH RECURSIVE n(i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
        "INSERT INTO truth SELECT i, %s FROM n",
        last + 1, end, body_of(scenario, "i"));
    if (own) run(db, "INSERT INTO s(rowid, body) SELECT id, body FROM truth WHERE id > %d", last);
    break;
  case 0:
    run(db, "UPDATE truth SET body = %s WHERE id BETWEEN %d AND %d", body_of(scenario, "(id + 1)"),
        first, end);
    if (own) {
      run(db,
          "UPDATE s SET body = (SELECT body FROM truth WHERE id = s.rowid) "
          "WHERE rowid BETWEEN %d AND %d",
          first, end);
    }
    break;
  case 1:
    run(db, "DELETE FROM truth WHERE id BETWEEN %d AND %d", first, end);
    if (own) run(db, "DELETE FROM s WHERE rowid BETWEEN %d AND %d", first, end);
  }
}

static void transact(sqlite3 *db, int scenario, int number) {
  run(db, "BEGIN");
  if (scenarios[scenario].rebuilds) {
    /* The texts are others each time, as is what the index has until it is rebuilt again. */
    run(db, "UPDATE truth SET body = body || '%d' WHERE id %% 2 = %d", below(10), number % 2);
    run(db, "INSERT INTO s(s) VALUES('rebuild')");
  } else {
    for (int i = below(4); i >= 0; i--)
      change(db, scenario);
    if (below(6) == 0) run(db, "INSERT INTO s(s) VALUES('optimize')");
    if (below(20) == 0) run(db, "INSERT INTO s(s) VALUES('rebuild')");
  }
  run(db, "UPDATE meta SET n = %d; COMMIT", number);
}

static void tell(int number) {
  if (write(STDOUT_FILENO, &number, sizeof number) != sizeof number) exit(EXIT_FAILURE);
}

__attribute__((noreturn)) static void be_child(const char *path, int scenario,
                                               unsigned first_seed) {
  sqlite3 *db = open_index(path);
  int number = (int)query(db, "SELECT n FROM meta");
  seed = first_seed;
  tell(number);
  for (;;) {
    transact(db, scenario, ++number);
    tell(number);
  }
}

/* ── what is left ───────────────────────────────────────────────────────────────────────────────
 */

static void verify(sqlite3 *db, int told) {
  static const char differs[] =
      "SELECT count(*) FROM truth LEFT JOIN s ON s.rowid = truth.id WHERE s.rowid IS NULL OR "
      "CASE typeof(truth.body) WHEN 'blob' THEN koelectra_cosine(s.body, truth.body) < 0.9999 "
      "ELSE s.body IS NOT truth.body END";
  int kept = (int)query(db, "SELECT n FROM meta");
  if (kept != told && kept != told + 1) {
    fail("%d transactions were committed, but %d are there", told, kept);
  }
  if (query(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'") > 0) {
    fail("the file is damaged");
  }
  run(db, "INSERT INTO s(s) VALUES('integrity-check')");
  if (query(db, "SELECT count(*) FROM s") != query(db, "SELECT count(*) FROM truth")) {
    fail("there are other rows than there should be");
  }
  if (query(db, differs) != 0) fail("rows are missing, or not as they should be");
  /* Vectors are those of the texts. */
  run(db, "CREATE TEMP TABLE q AS SELECT id, body FROM truth WHERE body IS NOT NULL "
          "AND id %% 97 = abs(random() %% 97)");
  sqlite3_int64 wrong = query(db, "SELECT count(*) FROM q WHERE ifnull((SELECT similarity FROM s "
                                  "WHERE s MATCH q.body AND s.rowid = q.id), 0) < 0.9999");
  if (wrong > 0) fail("%lld vectors are of another text", wrong);
  run(db, "DROP TABLE q");
}

/* The most that koelectra_progress has told of texts an earlier run had done. */
static int resumed;

static int watch(void *other) {
  int seen = (int)query(other, "SELECT ifnull(max(resumed), 0) FROM koelectra_progress");
  if (seen > resumed) resumed = seen;
  return 0;
}

static int saved_by(const char *path) {
  char journal[1100];
  koe_operation_state state;
  bool running = false;
  snprintf(journal, sizeof journal, "%s-s-rebuild", path);
  if (!koe_journal_peek(journal, &state, &running)) return 0;
  return (int)state.done;
}

/* Rebuilds what a killed rebuild has left, half of whose texts are undone; how many texts that did
 * not embed again. */
static int resume(sqlite3 *db, const char *path) {
  int saved = saved_by(path);
  sqlite3 *other = open_index(":memory:");
  sqlite3_progress_handler(db, 1000, watch, other);
  resumed = 0;
  run(db, "INSERT INTO s(s) VALUES('rebuild')");
  sqlite3_progress_handler(db, 0, NULL, NULL);
  sqlite3_close(other);
  if (saved_by(path) > 0) fail("the file of the rebuild is still there");
  if (saved > 0 && resumed == 0) fail("%d texts were saved, but none was resumed", saved);
  return resumed;
}

/* ── rounds ─────────────────────────────────────────────────────────────────────────────────────
 */

static pid_t start(const char *path, int scenario, unsigned of_child, int *out) {
  int pipes[2];
  char number[16], seeds[16];
  snprintf(number, sizeof number, "%d", scenario);
  snprintf(seeds, sizeof seeds, "%u", of_child);
  if (pipe(pipes) != 0) fail("no pipe");
  pid_t child = fork();
  if (child == 0) {
    dup2(pipes[1], STDOUT_FILENO);
    close(pipes[0]);
    close(pipes[1]);
    execl("/proc/self/exe", "kill", "child", path, number, seeds, (char *)NULL);
    _exit(127);
  }
  close(pipes[1]);
  *out = pipes[0];
  return child;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Reads what the child tells until then; the last of it. */
static void listen_until(int from, double end, int *told) {
  struct pollfd readable = {.fd = from, .events = POLLIN};
  for (;;) {
    double rest = end - now();
    if (rest <= 0) return;
    if (poll(&readable, 1, (int)(rest * 1000) + 1) <= 0) continue;
    if (read(from, told, sizeof *told) != sizeof *told) fail("the child has ended by itself");
  }
}

typedef struct totals {
  int transactions, rebuilds, texts;
} totals;

static void run_round(const char *directory, int round, totals *sum) {
  char path[1024];
  int scenario = round % SCENARIOS, from, told = -1, was, status;
  snprintf(path, sizeof path, "%s/%d.db", directory, scenario);
  if (round < SCENARIOS) make(path, scenario);
  int delay = below(MOST_DELAY);
  pid_t child = start(path, scenario, (unsigned)below(1 << 30), &from);
  if (read(from, &told, sizeof told) != sizeof told) fail("the child does not start");
  was = told;
  /* A rebuild is let to begin to save. */
  for (double end = now() + 60; scenarios[scenario].rebuilds && saved_by(path) == 0 && now() < end;)
    listen_until(from, now() + 0.005, &told);
  listen_until(from, now() + delay / 1000.0, &told);
  kill(child, SIGKILL);
  while (read(from, &status, sizeof status) == sizeof status)
    told = status;
  close(from);
  waitpid(child, &status, 0);
  if (!WIFSIGNALED(status)) fail("the child has ended by itself");

  sqlite3 *db = open_index(path);
  verify(db, told);
  printf("round %d: %s, killed after %d ms: %d transactions kept", round + 1,
         scenarios[scenario].name, delay, told - was);
  sum->transactions += told - was;
  if (scenarios[scenario].rebuilds) {
    printf(", %d texts saved", saved_by(path));
    /* The next of this scenario may be killed once more. */
    if (round < SCENARIOS || below(3) > 0) {
      int texts = resume(db, path);
      printf(", %d of them resumed", texts);
      sum->rebuilds += texts > 0;
      sum->texts += texts;
      verify(db, (int)query(db, "SELECT n FROM meta"));
    }
  }
  printf("\n");
  sqlite3_close(db);
}

int main(int argc, char **argv) {
  if (argc == 5 && strcmp(argv[1], "child") == 0) {
    be_child(argv[2], atoi(argv[3]), (unsigned)strtoul(argv[4], NULL, 10));
  }
  if (argc < 2) fail("kill DIRECTORY [rounds [seed]]");
  int rounds = argc > 2 ? atoi(argv[2]) : SCENARIOS;
  unsigned first = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : (unsigned)time(NULL);
  totals sum = {0, 0, 0};
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("seed %u\n", first);
  seed = first;
  for (int round = 0; round < rounds; round++)
    run_round(argv[1], round, &sum);
  printf("kill: %d times, 'integrity-check' clean each time, %d transactions committed and none "
         "lost, %d rebuilds resumed with %d texts\n",
         rounds, sum.transactions, sum.rebuilds, sum.texts);
  return EXIT_SUCCESS;
}
