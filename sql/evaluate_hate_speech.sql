-- Korean hate speech, as in KoELECTRA's README: macro F1 over none, offensive and hate.
--
-- The model is a directory fine-tuned from KoELECTRA on hate-speech/train.tsv.  For one with two heads,
-- bias and hate, as monologg/koelectra-base-v3-hate-speech is, take the last lines.
--
--   sqlite3
--   sqlite> .load build/koelectra
--   sqlite> SELECT koelectra_load('hate-speech', '/models/koelectra-small-v3-hate-speech', '{"max_length": 128}');
--   sqlite> .read sql/evaluate_hate_speech.sql
--
-- Data: hate-speech/val.tsv, in the folder where the shell runs (or .cd there):
-- https://github.com/monologg/KoELECTRA, folder finetune/data.

CREATE TABLE comment(title TEXT, text TEXT, bias TEXT, hate TEXT);

-- In this mode quotes are characters like others, as the data has them.
.mode ascii
.separator "\t" "\n"
.import --skip 1 hate-speech/val.tsv comment
.mode list
.separator "|" "\n"

-- What models call the labels.  Where yours has other names, create this table before and tell them.
CREATE TABLE IF NOT EXISTS label_name(predicted TEXT PRIMARY KEY, label TEXT);
INSERT OR IGNORE INTO label_name VALUES
  ('none', 'none'), ('LABEL_0', 'none'),
  ('offensive', 'offensive'), ('LABEL_1', 'offensive'),
  ('hate', 'hate'), ('LABEL_2', 'hate');

-- The reference reads the comment alone, not the title of the news it stands under.
CREATE TABLE prediction AS
SELECT comment.rowid AS id, coalesce(name.label, b.label) AS predicted, trim(comment.hate, char(13, 32)) AS label
FROM koelectra_batch('SELECT rowid, text FROM comment', 'hate-speech') AS b
JOIN comment ON comment.rowid = b.id LEFT JOIN label_name AS name ON name.predicted = b.label;

SELECT count(*) AS comments, round(100 * koelectra_f1(predicted, label), 2) AS macro_f1,
       round(100 * koelectra_accuracy(predicted, label), 2) AS accuracy
FROM prediction;

-- Label by label; NULL where neither data nor model has it.
SELECT round(100 * koelectra_f1(predicted, label, 'none'), 2) AS none,
       round(100 * koelectra_f1(predicted, label, 'offensive'), 2) AS offensive,
       round(100 * koelectra_f1(predicted, label, 'hate'), 2) AS hate
FROM prediction;

-- Two heads, over comment and title:
--   SELECT koelectra_f1(koelectra_classify_pair(text, title, 'hate-speech', 'hate'), hate),
--          koelectra_f1(koelectra_classify_pair(text, title, 'hate-speech', 'bias'), bias) FROM comment;
