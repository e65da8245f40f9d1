-- KorSTS, as in KoELECTRA's README: Spearman's correlation with how similar people find two sentences.
--
-- The model is a directory fine-tuned from KoELECTRA on sts-train.tsv: its head has one output.
--
--   sqlite3
--   sqlite> .load build/koelectra
--   sqlite> SELECT koelectra_load('korsts', '/models/koelectra-small-v3-korsts', '{"max_length": 128}');
--   sqlite> .read sql/evaluate_korsts.sql
--
-- Data: korsts/sts-test.tsv, in the folder where the shell runs (or .cd there):
-- https://github.com/kakaobrain/KorNLUDatasets
-- or https://github.com/monologg/KoELECTRA, folder finetune/data.

CREATE TABLE pair(genre TEXT, filename TEXT, year TEXT, id TEXT, score REAL, sentence1 TEXT, sentence2 TEXT);

-- In this mode quotes are characters like others, as the data has them.
.mode ascii
.separator "\t" "\n"
.import --skip 1 korsts/sts-test.tsv pair
.mode list
.separator "|" "\n"

CREATE TABLE prediction AS
SELECT pair.rowid AS id, b.score AS predicted, pair.score
FROM koelectra_batch('SELECT rowid, sentence1, sentence2 FROM pair', 'korsts') AS b
JOIN pair ON pair.rowid = b.id;

SELECT count(*) AS pairs, round(100 * koelectra_spearman(predicted, score), 2) AS spearman,
       round(100 * koelectra_pearson(predicted, score), 2) AS pearson
FROM prediction;

-- A model that was not fine-tuned for it: the cosine of its embeddings.
--   SELECT koelectra_spearman(koelectra_similarity(sentence1, sentence2, 'korsts'), score) FROM pair;

-- The same, kind by kind of sentences.
SELECT genre, count(*), round(100 * koelectra_spearman(predicted, pair.score), 2)
FROM prediction JOIN pair ON pair.rowid = prediction.id GROUP BY genre ORDER BY genre;
