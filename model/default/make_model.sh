#!/bin/sh
# Makes the built-in model from the data sets: `make model-default`.
#
#   model/default/make_model.sh KOELECTRA_TRAIN SHARED WORK
#
# SHARED is the folder of the data sets, WORK a folder for what is made on the way; the model goes to
# model/default.  Needs python3 with scikit-learn, for the teacher.  An interrupted training goes on
# where it was when this is run again.
set -eu

train=$1
shared=$2
work=$3
here=$(dirname "$0")
mkdir -p "$work"

# Nearly twice as fast, where the processor has it.
bfloat16=
if grep -q -m 1 avx512_bf16 /proc/cpuinfo; then bfloat16=--bfloat16; fi

if [ ! -s "$work/texts.txt" ]; then
  echo "Preparing the training files"
  python3 "$here/prepare.py" "$shared" "$work"
fi
if [ ! -s "$work/vocab.txt" ]; then
  "$train" vocabulary --train "$work/sentiment_train.tsv" --train "$work/texts.txt" \
    --size 14600 --alphabet 1500 --min-frequency 5 --out "$work/vocab.txt"
fi
if [ ! -s "$work/sentences.tsv" ]; then
  echo "Making the teacher of embeddings"
  python3 "$here/sentence_teacher.py" "$work"
fi
if [ ! -s "$work/teachers.done" ]; then
  echo "Fitting the teachers of sentiment"
  python3 "$here/teacher.py" "$work"
  touch "$work/teachers.done"
fi

# One encoder for two uses: sentiment, after the stars and a linear model; and embeddings, after a
# teacher that knows letters and words, and pairs graded by people.
"$train" $bfloat16 --vocab "$work/vocab.txt" --start "$work/start.safetensors" --hidden 192 --embedding 160 --layers 3 \
  --heads 4 --intermediate 768 --positions 128 --out "$work/first" --rate 7e-4 --warmup 300 --dropout 0.1 \
  --attention-dropout 0.1 --steps 13000 --evaluate-steps 500 --threads 2 \
  classify --train "$work/sentiment_rows.tsv" --dev "$work/sentiment_dev.tsv" --batch 128 \
  --teacher "$work/sentiment_teacher.tsv" --teacher-share 1 \
  embed --weight 2 --loss teacher --teacher "$work/sentences.safetensors" --train "$work/sentences.tsv" --text text \
  --pair pair --batch 40 \
  embed --weight 0.2 --loss cosent --train "$work/sts_train.tsv" --train "$work/klue_sts.tsv" --text a --pair b \
  --label score --dev "$work/sts_dev.tsv" --batch 16 \
  embed --weight 0.1 --loss contrastive --train "$work/pairs.tsv" --text a --pair b --batch 24 --temperature 0.05

# Then the same with better teachers of sentiment, without noise, on reviews and parts of reviews.
"$train" $bfloat16 --model "$work/first" --out "$work/second" --rate 8e-4 --warmup 200 --dropout 0 --attention-dropout 0 \
  --steps 12500 --evaluate-steps 500 --threads 2 --seed 5 \
  classify --train "$work/parts_rows.tsv" --dev "$work/sentiment_dev.tsv" --batch 320 \
  --teacher "$work/parts_teacher.tsv" --teacher-share 1 \
  embed --weight 2 --loss teacher --teacher "$work/sentences.safetensors" --train "$work/sentences.tsv" --text text \
  --pair pair --batch 20 \
  embed --weight 0.15 --loss cosent --train "$work/sts_train.tsv" --train "$work/klue_sts.tsv" --text a --pair b \
  --label score --dev "$work/sts_dev.tsv" --batch 10

rm -rf "$work/calibrated"
cp -r "$work/second" "$work/calibrated"
"$train" --model "$work/second" --evaluate --out "$work/second" --predictions "$work/dev.logits" \
  classify --dev "$work/sentiment_dev.tsv"
python3 "$here/calibrate.py" "$work/calibrated" "$work/dev.logits"
"$train" quantize --model-only "$work/calibrated" "$here"
rm -f "$here/modules.json" # for sentence-transformers; the library reads 1_Pooling alone
