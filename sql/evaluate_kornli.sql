-- KorNLI, as in KoELECTRA's README: accuracy on premises and hypotheses.
--
-- The model is a directory fine-tuned from KoELECTRA on multinli.train.ko.tsv.
--
--   sqlite3
--   sqlite> .load build/koelectra
--   sqlite> SELECT koelectra_load('kornli', '/models/koelectra-small-v3-kornli', '{"max_length": 128}');
--   sqlite> .read sql/evaluate_kornli.sql
--
-- Data: kornli/xnli.test.ko.tsv, in the folder where the shell runs (or .cd there):
-- https://github.com/kakaobrain/KorNLUDatasets
-- or https://github.com/monologg/KoELECTRA, folder finetune/data.

CREATE TABLE pair(sentence1 TEXT, sentence2 TEXT, gold_label TEXT);

-- In this mode quotes are characters like others, as the data has them.
.mode ascii
.separator "\t" "\n"
.import --skip 1 kornli/xnli.test.ko.tsv pair
.mode list
.separator "|" "\n"

-- What models call the labels.  Where yours has other names, create this table before and tell them.
CREATE TABLE IF NOT EXISTS label_name(predicted TEXT PRIMARY KEY, label TEXT);
INSERT OR IGNORE INTO label_name VALUES
  ('contradiction', 'contradiction'), ('LABEL_0', 'contradiction'),
  ('entailment', 'entailment'), ('LABEL_1', 'entailment'),
  ('neutral', 'neutral'), ('LABEL_2', 'neutral');

CREATE TABLE prediction AS
SELECT pair.rowid AS id, coalesce(name.label, b.label) AS predicted, trim(pair.gold_label, char(13, 32)) AS label
FROM koelectra_batch('SELECT rowid, sentence1, sentence2 FROM pair WHERE sentence1 <> '''' AND sentence2 <> ''''', 'kornli') AS b
JOIN pair ON pair.rowid = b.id LEFT JOIN label_name AS name ON name.predicted = b.label;

SELECT count(*) AS pairs, round(100 * koelectra_accuracy(predicted, label), 2) AS accuracy FROM prediction;

-- Where it errs: labels against predictions.
SELECT label, predicted, count(*) FROM prediction GROUP BY label, predicted ORDER BY label, predicted;
