#!/bin/sh
# The main job on the built-in model: label a column, learn a label of your own, search by meaning.
#
#   examples/demo.sh EXTENSION
#
# Reads examples/data/reviews.tsv, 300 short reviews with a topic and stars; writes nothing.
set -eu

exec sqlite3 -batch -bail -init /dev/null -cmd ".load $1" :memory: <examples/demo.sql
