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

if [ ! -s "$work/crops.tsv" ]; then
  echo "Preparing the training files"
  python3 "$here/prepare.py" "$shared" "$work"
fi
if [ ! -s "$work/vocab.txt" ]; then
  "$train" vocabulary --train "$work/sentiment_train.tsv" --train "$work/texts.txt" \
    --size 15100 --alphabet 1500 --min-frequency 5 --out "$work/vocab.txt"
fi
if [ ! -s "$work/teacher.tsv" ]; then
  echo "Fitting the teacher"
  python3 "$here/teacher.py" "$work/sentiment_train.tsv" "$work/teacher.tsv.new"
  mv "$work/teacher.tsv.new" "$work/teacher.tsv"
fi

# One encoder for two uses: sentiment, with the stars and the teacher for labels; and embeddings, by
# parts of one text that should be near each other, and pairs graded by people.
"$train" --vocab "$work/vocab.txt" --hidden 192 --embedding 128 --layers 4 --heads 4 --intermediate 768 \
  --positions 128 --out "$work/model" --rate 6e-4 --warmup 400 --dropout 0.05 --attention-dropout 0.05 \
  --steps 9500 --evaluate-steps 500 --threads 2 \
  classify --train "$work/sentiment_train.tsv" --dev "$work/sentiment_dev.tsv" --batch 128 --balance \
  --teacher "$work/teacher.tsv" --teacher-share 0.5 \
  embed --weight 0.5 --loss contrastive --train "$work/crops.tsv" --text a --pair b --batch 48 \
  --temperature 0.05 \
  embed --weight 0.3 --loss cosent --train "$work/sts_train.tsv" --train "$work/klue_sts.tsv" --text a --pair b \
  --label score --dev "$work/sts_dev.tsv" --batch 12

"$train" quantize --model-only "$work/model" "$here"
rm -f "$here/modules.json" # for sentence-transformers; the library reads 1_Pooling alone
