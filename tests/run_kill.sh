#!/bin/sh
# Kills processes that change an index: run_kill.sh PROGRAM [rounds [seed]]
#
# PROGRAM is made of tests/kill/kill.c.  Where a round fails, its databases are kept.
set -eu
program=$1
rounds=${2:-5}
directory=$(mktemp -d)
log=$directory/log
export ASAN_OPTIONS=detect_leaks=0
if ! "$program" "$directory" "$rounds" ${3:+"$3"} >"$log" 2>&1; then
  cat "$log"
  echo "FAILED: see $directory"
  exit 1
fi
if [ "$rounds" -gt 5 ]; then cat "$log"; else tail -n 1 "$log"; fi
rm -rf "$directory"
