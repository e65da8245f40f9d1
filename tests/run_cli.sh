#!/bin/sh
# Runs each session tests/cli/NAME.sh and compares what it prints with tests/cli/NAME.out.
#
#   tests/run_cli.sh PROGRAM
#
# PROGRAM is build/koelectra, with the built-in model.  A session runs in an empty folder; `show`
# prints a command and what comes of it, and $tests is the path of tests/.  Probabilities and other
# fractions are cut to two digits: processors differ in the last ones.  Seconds and sizes are left out.
# With KOELECTRA_UPDATE=1 the expected output is written instead of compared.
set -u

program=$(realpath "$1")
tests=$(realpath tests)
passed=0 failed=0 skipped=0
folder=$(mktemp -d)
unset HF_HUB_CACHE
trap 'rm -rf "$folder"' EXIT
export LC_ALL=C.UTF-8 HF_HOME="$folder/none" tests program
export ASAN_OPTIONS=detect_leaks=1:exitcode=99:allocator_may_return_null=1
mkdir "$folder/bin"
ln -s "$program" "$folder/bin/koelectra"
PATH=$folder/bin:$PATH

for session in tests/cli/*.sh; do
  name=$(basename "$session" .sh)
  [ "$name" = common ] && continue
  needed=$(sed -n 's/^# needs //p' "$session")
  if [ -n "$needed" ] && ! command -v "$needed" >/dev/null; then
    skipped=$((skipped + 1))
    echo "skipped: $session: no $needed here"
    continue
  fi
  mkdir "$folder/work"
  (cd "$folder/work" && timeout 120 sh -c '. "$tests/cli/common.sh"; . "$1"' sh "$tests/cli/$name.sh") \
    >"$folder/raw" 2>&1 </dev/null
  status=$?
  sed -e 's/ in [0-9.]* s$/ in … s/' -e 's/"seconds":[0-9.]*/"seconds":…/' -e 's/^bytes\t.*/bytes/' \
    -e 's/\([0-9]\.[0-9][0-9]\)[0-9]\{1,\}/\1/g' -e "s,$tests/,,g" -e "s,$folder/,,g" "$folder/raw" >"$folder/output"
  if [ -n "${KOELECTRA_UPDATE:-}" ]; then cp "$folder/output" "tests/cli/$name.out"; fi
  if [ $status -eq 0 ] && diff -u "tests/cli/$name.out" "$folder/output"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $session (exit status $status)"
  fi
  rm -rf "$folder/work"
done

echo "command line: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
