#!/bin/sh
# Runs the Check suites: run_suites.sh PROGRAM [suite …]
#
# KOELECTRA_TEST_JOBS=N runs N suites at a time, KOELECTRA_FULL_SWEEPS=1 tries every fault and damaged byte.
set -eu
program=$1
shift
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1
exec "$program" "$@"
