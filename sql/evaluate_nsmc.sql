-- NSMC, as in KoELECTRA's README: accuracy of a sentiment classifier on 50 000 film reviews.
--
-- The model is a directory fine-tuned from KoELECTRA on NSMC's training set.
--
--   sqlite3
--   sqlite> .load build/koelectra
--   sqlite> SELECT koelectra_load('nsmc', '/models/koelectra-small-v3-nsmc', '{"max_length": 128}');
--   sqlite> .read sql/evaluate_nsmc.sql
--
-- Data: nsmc/ratings_test.txt, in the folder where the shell runs (or .cd there):
-- https://github.com/e9t/nsmc.

CREATE TABLE review(id INTEGER PRIMARY KEY, document TEXT, label TEXT);

-- In this mode quotes are characters like others, as the data has them.
.mode ascii
.separator "\t" "\n"
.import --skip 1 nsmc/ratings_test.txt review
.mode list
.separator "|" "\n"

-- What models call the labels.  Where yours has other names, create this table before and tell them.
CREATE TABLE IF NOT EXISTS label_name(predicted TEXT PRIMARY KEY, label TEXT);
INSERT OR IGNORE INTO label_name VALUES
  ('0', '0'), ('negative', '0'), ('부정', '0'), ('LABEL_0', '0'),
  ('1', '1'), ('positive', '1'), ('긍정', '1'), ('LABEL_1', '1');

-- A review without text is one to the reference too: it is classified like any other.
CREATE TABLE prediction AS
SELECT review.id, coalesce(name.label, b.label) AS predicted, b.score, trim(review.label, char(13, 32)) AS label
FROM koelectra_batch('SELECT id, document FROM review', 'nsmc') AS b
JOIN review USING (id) LEFT JOIN label_name AS name ON name.predicted = b.label;

SELECT count(*) AS reviews, round(100 * koelectra_accuracy(predicted, label), 2) AS accuracy FROM prediction;

-- Where it errs: labels against predictions, and the reviews it was surest of and wrong about.
SELECT label, predicted, count(*) FROM prediction GROUP BY label, predicted ORDER BY label, predicted;
SELECT prediction.label, round(score, 3), document FROM prediction JOIN review USING (id)
WHERE predicted <> prediction.label ORDER BY score DESC, id LIMIT 5;
