#!/bin/sh
# koelectra-fetch against a hub on this machine (tests/fetch/hub.py), and koelectra_load on what it
# brings: run_fetch.sh PROGRAM EXTENSION, a path without .so.
set -eu
program=$1 extension=$2
[ -x "$program" ] || { echo "skipped: koelectra-fetch: built without libcurl"; exit 0; }
command -v python3 >/dev/null || { echo "skipped: koelectra-fetch: no python3 here"; exit 0; }
folder=$(mktemp -d)
failed=0 checks=0 limit=
tiny=tests/reference/tiny

# The hub ends when nobody holds this pipe open for writing.
mkfifo "$folder/pipe"
python3 tests/fetch/hub.py "$folder" "$tiny" <"$folder/pipe" &
hub_process=$!
exec 9>"$folder/pipe"
trap 'exec 9>&-; wait "$hub_process" 2>/dev/null; rm -rf "$folder"' EXIT
for _ in $(seq 100); do
  [ -e "$folder/ports" ] && break
  sleep 0.1
done
read -r port _ <"$folder/ports"

for name in HF_TOKEN HF_TOKEN_PATH HUGGING_FACE_HUB_TOKEN HF_HUB_CACHE HUGGINGFACE_HUB_CACHE HF_HUB_OFFLINE \
  TRANSFORMERS_OFFLINE HF_HUB_DISABLE_IMPLICIT_TOKEN http_proxy HTTP_PROXY ALL_PROXY all_proxy; do
  unset "$name"
done
export HF_HOME="$folder/home" HF_ENDPOINT="http://127.0.0.1:$port/" HF_HUB_DOWNLOAD_TIMEOUT=1
cache=$HF_HOME/hub
main=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa

fail() {
  echo "koelectra-fetch: $*" >&2
  failed=1
}

# check STATUS TEXT WORD…: runs the program and looks for TEXT in what it prints.
check() {
  expected=$1 text=$2 status=0
  shift 2
  checks=$((checks + 1))
  : >"$folder/log"
  printed=$({ [ -z "$limit" ] || ulimit -f "$limit"; } && timeout 60 "$program" "$@" 2>&1) || status=$?
  [ "$status" -eq "$expected" ] || fail "$*: status $status, not $expected: $printed"
  case $printed in
  *"$text"*) ;;
  *) fail "$*: \"$printed\" lacks \"$text\"" ;;
  esac
}

# Whether the hub was asked for what matches, at the last check.
asked() { grep -q "$1" "$folder/log" || fail "the hub was not asked: $1"; }
not_asked() { if grep "$1" "$folder/log"; then fail "the hub was asked: $1"; fi; }

snapshot() { echo "$cache/models--$1--$2/snapshots/${3:-$main}"; }

# Whether the weights of a model are there, byte for byte.
whole() { cmp "$tiny/model.safetensors" "$(snapshot "$1" "${2:-tiny}")/model.safetensors" || failed=1; }

incomplete() { find "$cache/models--$1--$2/blobs" -name '*.incomplete' -size +0; }

# ── the command line ────────────────────────────────────────────────────────────────────────────

check 0 "HF_HUB_OFFLINE" --help
check 2 "name a model"
check 2 "b/b is a second model" a/a b/b
check 2 "--force is not understood" --force good/tiny
check 2 "--revision needs a value" good/tiny --revision
check 2 "tiny is no name of a model" tiny
check 2 "../tiny is no name of a model" ../tiny
check 2 "is no name of a model" good/tiny/more
check 2 "is no name of a branch" --revision ../main good/tiny
check 2 "exclude each other" --revision v2 good/tiny@v2
check 1 "is no URL of https or http" --endpoint file:///etc good/tiny
[ ! -e "$HF_HOME" ] || fail "a wrong command line makes $HF_HOME"

# ── what comes, and what is there already ───────────────────────────────────────────────────────

check 0 "$(snapshot good tiny)" good/tiny
whole good
[ "$(cat "$cache/models--good--tiny/refs/main")" = $main ] || fail "refs/main"
for file in config.json vocab.txt tokenizer_config.json; do
  cmp "$tiny/$file" "$(snapshot good tiny)/$file" || failed=1
done
[ -e "$(snapshot good tiny)/1_Pooling/config.json" ] || fail "no 1_Pooling/config.json"
[ ! -e "$(snapshot good tiny)/README.md" ] || fail "README.md without --all"
check 0 "model.safetensors: 103.0 kB, in the cache already" good/tiny
not_asked "^other"
check 0 "" --quiet good/tiny
[ -z "$printed" ] || fail "--quiet prints: $printed"
check 0 "README.md: 16 bytes" --all good/tiny
check 0 "$(snapshot good tiny bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb)" --revision v2 good/tiny
not_asked "^other"
check 0 "$(snapshot good tiny cccccccccccccccccccccccccccccccccccccccc)" good/tiny@refs/pr/1
check 0 "$(snapshot good tiny bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb)" \
  good/tiny@bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
[ "$(ls "$cache/models--good--tiny/refs")" = "main
refs
v2" ] || fail "refs: $(ls "$cache/models--good--tiny/refs")"
check 0 "model-00002-of-00002.safetensors: 103.0 kB" good/sharded
case $printed in *pytorch_model.bin* | *model-00003*) fail "two formats: $printed" ;; esac
check 0 "pytorch_model.bin: 103.0 kB" good/bin
check 0 "added_tokens.json: 0 bytes" good/empty
check 0 "$(snapshot good old)" good/old
check 4 "tf_model.h5 alone" good/keras

# ── connections that end, stop, lie ─────────────────────────────────────────────────────────────

check 0 "" drop/tiny
whole drop
asked "^other .* bytes=34318- "
check 0 "" cut/tiny
whole cut
check 3 "no whole answer from localhost" always/tiny
check 0 "" slow/tiny
whole slow
asked "^other .* bytes=51478- "
check 1 "other bytes than its hash" wrong/tiny
[ -z "$(incomplete wrong tiny)" ] || fail "wrong bytes are kept"
[ ! -e "$cache/models--wrong--tiny/refs/main" ] || fail "refs/main without the weights"
check 1 "more than the 102956 bytes" more/tiny
check 0 "" busy/tiny
check 3 "takes no more requests" limit/tiny
check 3 "out of order (code 503)" down/tiny
check 1 "make room, or set HF_HOME" huge/tiny
check 1 "does not tell hash and size" nohash/tiny
check 1 "redirects more than 10 times" loop/tiny
check 1 "redirects to file:///etc/passwd, which is no https" file/tiny
check 1 'is called "../../evil"' names/tiny
check 1 "is this the URL of a model hub?" commit/tiny
check 1 "is this the URL of a model hub?" html/tiny
for place in "$folder" "$HF_HOME" "$cache"; do
  [ ! -e "$place/evil" ] || fail "a file outside of the cache: $place/evil"
done
check 3 "cannot reach 127.0.0.1" --endpoint http://127.0.0.1:1 good/tiny
case $printed in *"earlier copy: $(snapshot good tiny)") ;; *) fail "no earlier copy: $printed" ;; esac

# Bytes of another program's interrupted run are gone on from, if they are right.
hash=$(sha256sum "$tiny/model.safetensors" | cut -d ' ' -f 1)
for bytes in good garbage; do
  rm -r "$cache/models--good--tiny"
  mkdir -p "$cache/models--good--tiny/blobs"
  if [ $bytes = good ]; then source="$tiny/model.safetensors"; else source=/dev/zero; fi
  head -c 60000 "$source" >"$cache/models--good--tiny/blobs/$hash.incomplete"
  check 0 "" good/tiny
  asked "^other .* bytes=60000- "
  whole good
done
head -c 200000 /dev/zero >"$cache/models--good--bin/blobs/$hash.incomplete"
rm "$cache/models--good--bin/blobs/$hash"
check 0 "" good/bin

# ── the disk, signals, locks ────────────────────────────────────────────────────────────────────

rm -r "$cache/models--good--tiny"
limit=100 # blocks of 512 bytes in a file
check 1 "cannot write" good/tiny
limit=
[ -n "$(incomplete good tiny)" ] || fail "a full disk loses what has come"
check 0 "of which 51.2 kB were there" good/tiny
whole good
: >"$folder/file"
HF_HUB_CACHE=$folder/file/hub check 1 "cannot make directory" good/tiny

HF_HUB_DOWNLOAD_TIMEOUT=60 "$program" slow/signal >"$folder/printed" 2>&1 &
process=$!
for _ in $(seq 100); do
  [ -s "$cache/models--slow--signal/blobs/$hash.incomplete" ] && break
  sleep 0.05
done
kill -TERM $process
status=0
wait $process || status=$?
[ $status -eq 130 ] || fail "interrupted: status $status: $(cat "$folder/printed")"
[ -n "$(incomplete slow signal)" ] || fail "interrupted: nothing is kept"
check 0 "" slow/signal
whole slow signal

# As filelock locks, which Hugging Face's tools use; shared, as only an exclusive lock waits for that.
lock=$cache/.locks/models--good--tiny/$hash.lock
rm "$cache/models--good--tiny/blobs/$hash"
python3 -c '
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_SH)
open(sys.argv[2], "w")
time.sleep(0.7)' "$lock" "$folder/locked" &
while [ ! -e "$folder/locked" ]; do sleep 0.05; done
check 0 "waiting for another program, which fetches model.safetensors" good/tiny
wait $!

# ── tokens ──────────────────────────────────────────────────────────────────────────────────────

check 4 "no model none/tiny: check the name; if the model is private, set HF_TOKEN" none/tiny
check 4 "no model private/tiny" private/tiny
check 4 'good/tiny has no revision "v3"' --revision v3 good/tiny
check 4 "accept its terms" gated/tiny
HF_TOKEN=hf_bad check 4 "does not take the token" private/tiny
HF_TOKEN="hf good" check 1 "HF_TOKEN holds no token" private/tiny
HF_TOKEN=hf_good check 0 "" private/tiny
asked "^hub HEAD .* Bearer hf_good"
not_asked "^other .* Bearer"
HF_TOKEN=hf_good check 4 "or none that your token lets you see" none/tiny
printf ' hf_good\n' >"$HF_HOME/token"
check 0 "" private/tiny
asked "^hub .* Bearer hf_good"
HF_HUB_DISABLE_IMPLICIT_TOKEN=1 check 4 "no model private/tiny" private/tiny
printf 'hf_bad' >"$folder/token"
HF_TOKEN_PATH=$folder/token check 4 "does not take the token" private/tiny
rm "$HF_HOME/token"

# ── without the network, and in SQL ─────────────────────────────────────────────────────────────

HF_HUB_OFFLINE=1 check 0 "$(snapshot good tiny)" good/tiny
HF_HUB_OFFLINE=yes check 1 "HF_HUB_OFFLINE is set, so nothing is fetched" good/other
HF_HUB_OFFLINE=1 check 1 "has no weights" wrong/tiny@$main
HF_HUB_CACHE="$folder/elsewhere" check 0 "$folder/elsewhere/models--good--tiny" good/tiny

# sql STATEMENTS TEXT: looks for TEXT in what they print.
sql() {
  printed=$(sqlite3 -batch -init /dev/null -cmd ".load $extension" :memory: "$1" 2>&1) || true
  case $printed in
  *"$2"*) ;;
  *) fail "$1: \"$printed\" lacks \"$2\"" ;;
  esac
}

if command -v sqlite3 >/dev/null; then
  sql "SELECT koelectra_load('t', 'good/tiny'); SELECT path FROM koelectra_models WHERE name = 't';
    SELECT length(koelectra_embed('회의', 't'));" "t
$(snapshot good tiny)
128"
  sql "SELECT koelectra_load('t', 'good/tiny@v2');" "t"
  sql "SELECT koelectra_load('t', 'good/tiny@v4');" 'no revision "v4" of good/tiny'
  sql "SELECT koelectra_load('t', 'good/tiny@v4');" "run koelectra-fetch good/tiny --revision v4"
  sql "SELECT koelectra_load('t', 'wrong/tiny@$main');" "has no weights"
  sql "SELECT koelectra_load('t', 'wrong/tiny@$main');" "comes with koelectra-fetch wrong/tiny@$main"
else
  echo "skipped: koelectra_load of what is fetched: no sqlite3 here"
fi

# What was left in the middle is no fault of the layout.
for name in wrong always more huge nohash; do
  rm -rf "$cache/models--$name--tiny"
done
rm -rf "$cache/models--good--keras"
python3 tests/fetch/check_cache.py "$cache" || fail "the cache is not laid out as the hub's tools do"

[ "$failed" -eq 0 ] && echo "koelectra-fetch: $checks runs against a local hub passed"
exit "$failed"
