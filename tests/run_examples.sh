#!/bin/sh
# Runs each program of examples/ and of tests/hosts/ and compares what it prints with NAME.out in tests/examples/ and
# tests/hosts/.
#
#   tests/run_examples.sh EXTENSION
#
# A host that is not here is skipped, and said so.  With KOELECTRA_UPDATE=1 the expected output is
# written instead of compared.
set -u

extension=$1
model=tests/reference/tiny
query='연기가 좋은 영화'
passed=0 failed=0 skipped=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT

skip() {
  skipped=$((skipped + 1))
  echo "skipped: $1: $2"
}

# compare NAME COMMAND …
compare() {
  name=$1
  shift
  case $name in
  examples/*) expected=tests/$name.out ;;
  *) expected=$name.out ;;
  esac
  "$@" >"$output" 2>&1
  status=$?
  if [ -n "${KOELECTRA_UPDATE:-}" ]; then cp "$output" "$expected"; fi
  if [ $status -eq 0 ] && diff -u "$expected" "$output"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $name (exit status $status)"
    cat "$output"
  fi
}

# A Python whose sqlite3 module can load extensions.
find_python() {
  for python in python3 /usr/bin/python3; do
    if "$python" -c 'import sqlite3; sqlite3.connect(":memory:").enable_load_extension(True)' \
      2>/dev/null; then
      echo "$python"
      return
    fi
  done
}

if command -v sqlite3 >/dev/null; then
  compare examples/shell sqlite3 -batch -cmd ".load $extension" -cmd '.param init' \
    -cmd ".param set :model '$model'" :memory: '.read examples/shell/session.sql'
  compare examples/demo env KOELECTRA_SHARED=/nonexistent examples/demo.sh "$extension"
  compare tests/hosts/moving tests/hosts/moving.sh "$extension" "$model"
else
  skip 'examples/shell, tests/hosts/moving' 'no sqlite3 here'
fi

python=$(find_python)
if [ -n "$python" ]; then
  compare examples/python "$python" examples/python/search.py "$extension" "$model" "$query"
  compare tests/hosts/python "$python" tests/hosts/sessions.py "$extension" "$model"
else
  skip 'examples/python, tests/hosts/python' 'no python3 here whose sqlite3 module loads extensions'
fi

of_node='examples/node, tests/hosts/node'
if ! command -v node >/dev/null; then
  skip "$of_node" 'no node here'
elif ! (cd examples/node && node -e 'new (require("better-sqlite3"))(":memory:")') 2>/dev/null; then
  skip "$of_node" 'better-sqlite3 is not installed: npm install --prefix examples/node'
else
  compare examples/node node examples/node/label.mjs "$extension.so" "$model" "$query"
  compare tests/hosts/node node tests/hosts/sessions.mjs "$extension.so" "$model"
fi

echo "examples: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
