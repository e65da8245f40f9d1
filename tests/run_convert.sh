#!/bin/sh
# The command line of koelectra-convert: run_convert.sh PROGRAM
set -eu
program=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

fail() {
  echo "koelectra-convert: $*" >&2
  failed=1
}

# check STATUS TEXT WORD…: runs the program and looks for TEXT in what it prints.
check() {
  expected=$1 text=$2
  shift 2
  status=0
  printed=$("$program" "$@" 2>&1) || status=$?
  [ "$status" -eq "$expected" ] || fail "$*: status $status, not $expected: $printed"
  case $printed in
  *"$text"*) ;;
  *) fail "$*: \"$printed\" lacks \"$text\"" ;;
  esac
}

tiny=tests/reference/tiny
check 0 "Options" --help
check 2 "name two directories, IN and OUT"
check 2 "name two directories, IN and OUT" "$tiny"
check 2 "c is a third directory" a b c
check 2 "--force is not understood" --force "$tiny" "$folder/a"
check 2 "--dtype needs a value" "$tiny" "$folder/a" --dtype
check 2 "int8 is none of float32, float16 and bfloat16" --dtype int8 "$tiny" "$folder/a"
check 2 "exclude each other" --generator --discriminator "$tiny" "$folder/a"
check 1 "no directory" /nowhere "$folder/a"
check 1 "which is no generator" --generator "$tiny" "$folder/a"
check 1 "has no weights" "$folder" "$folder/a"
[ -z "$(ls "$folder")" ] || fail "what fails leaves something behind: $(ls "$folder")"

check 0 "a: ElectraForSequenceClassification, 43 tensors, float32" "$tiny" "$folder/a"
check 1 "is there already" "$tiny" "$folder/a"
check 0 "float16" --dtype float16 -- "$tiny" "$folder/b"
check 0 "" --quiet "$tiny" "$folder/c"
[ -z "$printed" ] || fail "--quiet prints: $printed"
cmp "$folder/a/model.safetensors" "$folder/c/model.safetensors" || failed=1

# A checkpoint as google-research/electra leaves it, with a vocabulary and nothing else.
mkdir "$folder/electra"
cp tests/reference/tensorflow/model.ckpt-40.* "$folder/electra/"
check 1 "has no vocab.txt: name the file with --vocab" "$folder/electra" "$folder/d"
vocab=tests/reference/tensorflow/generator/vocab.txt
check 0 "config.json was made from the weights" --vocab "$vocab" "$folder/electra" "$folder/d"
check 0 "ElectraForMaskedLM" --generator --vocab "$vocab" "$folder/electra" "$folder/e"

[ "$failed" -eq 0 ] && echo "koelectra-convert: its command line passed"
exit "$failed"
