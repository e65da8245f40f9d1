-- Question_pair, as in KoELECTRA's README: accuracy on pairs of questions; 0 means that they ask the same.
--
-- The model is a directory fine-tuned from KoELECTRA on question-pair/train.tsv.
--
--   sqlite3
--   sqlite> .load build/koelectra
--   sqlite> SELECT koelectra_load('question-pair', '/models/koelectra-small-v3-question-pair', '{"max_length": 128}');
--   sqlite> .read sql/evaluate_question_pair.sql
--
-- Data: question-pair/test.tsv, in the folder where the shell runs (or .cd there):
-- https://github.com/songys/Question_pair
-- or https://github.com/monologg/KoELECTRA, folder finetune/data.

CREATE TABLE pair(question1 TEXT, question2 TEXT, is_duplicate TEXT);

-- In this mode quotes are characters like others, as the data has them.
.mode ascii
.separator "\t" "\n"
.import --skip 1 question-pair/test.tsv pair
.mode list
.separator "|" "\n"

-- What models call the labels.  Where yours has other names, create this table before and tell them.
CREATE TABLE IF NOT EXISTS label_name(predicted TEXT PRIMARY KEY, label TEXT);
INSERT OR IGNORE INTO label_name VALUES
  ('0', '0'), ('LABEL_0', '0'),
  ('1', '1'), ('LABEL_1', '1');

-- Pairs with an empty side do not count, nor do they for the reference.
CREATE TABLE prediction AS
SELECT pair.rowid AS id, coalesce(name.label, b.label) AS predicted, trim(pair.is_duplicate, char(13, 32)) AS label
FROM koelectra_batch('SELECT rowid, question1, question2 FROM pair WHERE question1 <> '''' AND question2 <> ''''', 'question-pair') AS b
JOIN pair ON pair.rowid = b.id LEFT JOIN label_name AS name ON name.predicted = b.label;

SELECT count(*) AS pairs, round(100 * koelectra_accuracy(predicted, label), 2) AS accuracy FROM prediction;

-- Where it errs: labels against predictions.
SELECT label, predicted, count(*) FROM prediction GROUP BY label, predicted ORDER BY label, predicted;
