#!/bin/sh
# Scores of a model as a user meets it, through SQL: sentiment, similarity, retrieval.
#
#   model/default/evaluate.sh EXTENSION SHARED [MODEL_DIRECTORY]
#
# Without MODEL_DIRECTORY the built-in model.  SHARED is the folder of the data sets.  Nothing here was
# trained on: nsmc/test, korsts/sts-test and question-pair are for evaluation alone.
set -eu

extension=$1
data=$2/data
model=${3:-:built-in:}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

# All reviews of 1 to 4 stars, and as many of the first of 9 and 10.
xz -dc "$data/nsmc/test.tsv.xz" | awk -F '\t' '
  NR > 1 && $3 <= 4 { negative++; print > low }
  NR > 1 && $3 >= 9 { high[++positive] = $0 }
  END { for (i = 1; i <= negative; i++) print high[i] > low }' low="$folder/nsmc.tsv"
tail -n +2 "$data/korsts/sts-test.tsv" >"$folder/sts.tsv"
# is_duplicate is 0 for questions that ask the same.
for part in train dev test; do tail -n +2 "$data/question-pair/$part.tsv"; done >"$folder/questions.tsv"

sqlite3 -batch -bail :memory: <<SQL
.load $extension
.mode ascii
.separator "\t" "\n"
SELECT koelectra_load('evaluated', '$model') IS NULL;
CREATE TABLE nsmc(review_id, movie_id, stars INTEGER, body TEXT);
.import '$folder/nsmc.tsv' nsmc
CREATE TABLE sts(genre, filename, year, id, score REAL, a TEXT, b TEXT);
.import '$folder/sts.tsv' sts
CREATE TABLE question(a TEXT, b TEXT, different INTEGER);
.import '$folder/questions.tsv' question
.mode list

.print Sentiment, NSMC test, as many positive as negative:
SELECT printf('  %d reviews, accuracy %.2f %%', count(*),
  100.0 * avg((koelectra_classify(body, 'evaluated') = 'positive') = (stars >= 9))) FROM nsmc;

.print Similarity, KorSTS test, cosine of embeddings:
WITH pair AS (SELECT score AS x, koelectra_similarity(a, b, 'evaluated') AS y FROM sts),
  ranked AS (SELECT rank() OVER (ORDER BY x) + (count(*) OVER (PARTITION BY x) - 1) / 2.0 AS u,
    rank() OVER (ORDER BY y) + (count(*) OVER (PARTITION BY y) - 1) / 2.0 AS v FROM pair),
  mean AS (SELECT avg(u) AS u, avg(v) AS v FROM ranked)
SELECT printf('  %d pairs, Spearman %.2f', count(*), 100 * sum((r.u - m.u) * (r.v - m.v)) /
  sqrt(sum((r.u - m.u) * (r.u - m.u)) * sum((r.v - m.v) * (r.v - m.v)))) FROM ranked r, mean m;

-- Each row of pair: a text to search with, and the one to find among all of document.
CREATE TABLE pair(query TEXT, answer TEXT);
CREATE TABLE document(id INTEGER PRIMARY KEY, body TEXT UNIQUE);
CREATE VIRTUAL TABLE search USING koelectra_index(body, model='evaluated', content='document', content_rowid='id');
CREATE VIEW recall AS
  WITH answer AS (SELECT p.query, p.answer, (
      SELECT min(place) FROM (
        SELECT body, row_number() OVER (ORDER BY similarity DESC) AS place FROM search
        WHERE search MATCH p.query AND k = 11)
      WHERE body = p.answer) AS place FROM pair p)
  SELECT printf('  %d queries over %d texts: recall@1 %.1f %%, recall@10 %.1f %%', count(*),
    (SELECT count(*) FROM document), 100.0 * avg(coalesce(place, 99) <= 1), 100.0 * avg(coalesce(place, 99) <= 10))
  FROM answer;

.print Search, question pairs that ask the same in other words:
INSERT INTO pair SELECT DISTINCT a, b FROM question WHERE different = 0 AND a <> b;
INSERT OR IGNORE INTO document(body) SELECT b FROM question;
INSERT INTO search(search) VALUES('rebuild');
SELECT * FROM recall;

.print Search, KorSTS test pairs of grade 4 and more:
DELETE FROM pair;
DELETE FROM document;
INSERT INTO pair SELECT DISTINCT a, b FROM sts WHERE score >= 4 AND a <> b;
INSERT OR IGNORE INTO document(body) SELECT b FROM sts;
INSERT INTO search(search) VALUES('rebuild');
SELECT * FROM recall;
SQL
