-- A column labelled by a model of your own, made from 200 rows that were labelled by hand.
--
--   sqlite3 my.db
--   sqlite> .load build/koelectra
--   sqlite> .read sql/few_labels.sql
--
-- The rows are those of examples/data: 300 short reviews with a topic each.  Replace `review`, `text`
-- and `topic` by your table and columns.

CREATE TABLE review(id INTEGER PRIMARY KEY, topic TEXT, stars INTEGER, text TEXT);
.separator "\t" "\n"
.import --skip 1 examples/data/reviews.tsv review
.mode list

-- A head, fitted to the rows whose topic is known.  It is a value: keep it in any table.
CREATE TABLE heads(name TEXT PRIMARY KEY, head BLOB);
INSERT INTO heads SELECT 'topic', koelectra_fit(text, topic) FROM review WHERE id <= 200;

-- Where the name of a model goes, the head may go.  One pass: label and probability.
ALTER TABLE review ADD COLUMN guess TEXT;
ALTER TABLE review ADD COLUMN score REAL;
UPDATE review SET (guess, score) = (
  SELECT key, value
  FROM json_each(koelectra_scores(review.text, (SELECT head FROM heads WHERE name = 'topic')))
  ORDER BY value DESC LIMIT 1)
WHERE id > 200 AND text IS NOT NULL;

-- Here the other rows have a topic as well: how many are right, in all and by topic.
SELECT count(*) || ' rows, ' || round(100.0 * avg(guess = topic), 1) || ' % right' FROM review WHERE id > 200;
SELECT topic, count(*), sum(guess = topic) FROM review WHERE id > 200 GROUP BY topic;

-- The rows to label by hand next, then fit again: those the model is least sure of.
SELECT id, guess, round(score, 2), text FROM review WHERE id > 200 ORDER BY score LIMIT 5;

-- Rows that come later are labelled as they come.
CREATE TRIGGER review_guess AFTER INSERT ON review WHEN new.text IS NOT NULL BEGIN
  UPDATE review SET guess = koelectra_classify(new.text, (SELECT head FROM heads WHERE name = 'topic'))
  WHERE id = new.id;
END;
INSERT INTO review(text) VALUES ('커피가 맛있고 자리가 편해요.');
SELECT guess, text FROM review ORDER BY id DESC LIMIT 1;
