#!/bin/sh
# Runs the Check suites: run_suites.sh PROGRAM [suite …]
set -eu
program=$1
shift
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1
export CK_DEFAULT_TIMEOUT="${CK_DEFAULT_TIMEOUT:-120}"
exec "$program" "$@"
