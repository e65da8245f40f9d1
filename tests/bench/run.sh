#!/bin/sh
# Measures, each figure beside its peer where that is installed: run.sh BUILD
#
# Random checkpoints of KoELECTRA's sizes are made once in BUILD/bench/data.  Texts are the reviews of
# $KOELECTRA_SHARED/data/nsmc where they are there, else sentences of tests/reference.
set -eu

build=$1
shared=${KOELECTRA_SHARED:-../shared}
data=$build/bench/data
vocab=$shared/fixtures/tokenizer/koelectra-v1.vocab.txt
mkdir -p "$data"

if [ -r "$shared/data/nsmc/test.tsv.xz" ]; then
  xz -dc "$shared/data/nsmc/test.tsv.xz" | awk -F '\t' 'NR > 1 && NR <= 20001 { print $4 }' >"$data/texts.txt"
else
  echo "No reviews in $shared/data/nsmc: measuring on the tests' few sentences."
  python3 -c 'import json; [print(c["text"].replace("\n", " ")) for c in json.load(open("tests/reference/tiny/expected.json"))["cases"]]' >"$data/texts.txt"
fi

for size in small base; do
  if [ ! -r "$data/$size/model.safetensors" ]; then
    if [ -r "$vocab" ]; then
      python3 tests/bench/make_random.py "$size" "$data/$size" --vocab "$vocab"
    else
      python3 tests/bench/make_random.py "$size" "$data/$size"
    fi
  fi
done

echo "== encoder: tokens/s of natural order, one thread, then two"
for size in small base; do
  for threads in 1 2; do "$build/bench/bench_encoder" "$data/$size" "$data/texts.txt" $threads; done
done

echo "== tokenizer: one thread"
"$build/bench/bench_tokenizer" "$data/small/vocab.txt" "$data/texts.txt"
if (cd tests/bench && node -e 'require.resolve("@anush008/tokenizers")') 2>/dev/null; then
  RAYON_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false node tests/bench/tokenizer_peer.mjs "$data/small/vocab.txt" "$data/texts.txt"
else
  echo "peer skipped: npm install --prefix tests/bench @anush008/tokenizers"
fi
