#!/bin/sh
# Runs each session tests/sql/NAME.sql in the sqlite3 shell, with the extension loaded, and compares
# what it prints with tests/sql/NAME.out.
#
#   tests/run_sql.sh EXTENSION [asan]
#
# EXTENSION is a path without .so.  A session runs in the repository's root over a database in memory.
# A recipe sql/NAME.sql is run by a session recipe_NAME.sql that reads it; one without is a failure.
# A session with a line "-- needs FILE" is skipped where there is no such file.
# `asan`: the extension is built with AddressSanitizer, whose runtime the shell has to load first.
# With KOELECTRA_UPDATE=1 the expected output is written instead of compared.
set -u

extension=$1
asan=${2:-}
root=$(pwd -P)
passed=0 failed=0 skipped=0
export LC_ALL=C.UTF-8
output=$(mktemp)
raw=$(mktemp)
trap 'rm -f "$output" "$raw"' EXIT

finish() {
  echo "sql: $passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ]
  exit
}

skip_all() {
  skipped=$(find tests/sql -name '*.sql' | wc -l)
  echo "skipped: all SQL sessions: $1"
  finish
}

# The runtime that the extension was built for: gcc's is a library it needs, clang's is not named.
find_asan_runtime() {
  runtime=$(ldd "$extension.so" 2>/dev/null | sed -n 's/.*libasan[^ ]* => \([^ ]*\).*/\1/p')
  if [ -z "$runtime" ]; then
    runtime=$(clang -print-file-name="libclang_rt.asan-$(uname -m).so" 2>/dev/null)
  fi
  if [ -r "$runtime" ]; then echo "$runtime"; fi
}

# Versions of the shell differ in how they begin and end an error, clones in where they are.
normalize() {
  sed -e 's/^Error: near line [0-9]*[^:]*: /Error: /' \
    -e 's/^\(Parse error\|Runtime error\)[^:]*: /Error: /' \
    -e '/^Error: /s/ ([0-9]*)$//' -e "s,$root/,,g" "$raw" >"$output"
}

# The shell ends with status 1 where a session shows an error; with more after a crash, a leak or too
# long a time.
run_session() {
  name=$(basename "$1" .sql)
  expected=tests/sql/$name.out
  needed=$(sed -n 's/^-- needs //p' "$1")
  if [ -n "$needed" ] && [ ! -e "$needed" ]; then
    skipped=$((skipped + 1))
    echo "skipped: tests/sql/$name.sql: no $needed"
    return
  fi
  # shellcheck disable=SC2086 # preload is empty or one assignment
  env $preload timeout 300 sqlite3 -batch -init /dev/null -cmd ".load $extension" :memory: \
    <"$1" >"$raw" 2>&1
  status=$?
  normalize
  if [ -n "${KOELECTRA_UPDATE:-}" ]; then cp "$output" "$expected"; fi
  if [ $status -le 1 ] && diff -u "$expected" "$output"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: tests/sql/$name.sql (exit status $status)"
  fi
}

command -v sqlite3 >/dev/null || skip_all 'no sqlite3 here'
preload=
if [ "$asan" = asan ]; then
  runtime=$(find_asan_runtime)
  [ -n "$runtime" ] || skip_all "the AddressSanitizer runtime of $extension.so is not here"
  preload="LD_PRELOAD=$runtime"
  export ASAN_OPTIONS=detect_leaks=1:exitcode=99:allocator_may_return_null=1
  export UBSAN_OPTIONS=print_stacktrace=1
fi

for recipe in sql/*.sql; do
  if [ ! -e "tests/sql/recipe_$(basename "$recipe")" ]; then
    failed=$((failed + 1))
    echo "FAILED: $recipe has no session tests/sql/recipe_$(basename "$recipe")"
  fi
done
for session in tests/sql/*.sql; do
  run_session "$session"
done
finish
