-- Labels and embeddings for a whole table, in batches on all cores.
--
--   sqlite3 my.db
--   sqlite> .load build/koelectra
--   sqlite> SELECT koelectra_load('sentiment', '/models/koelectra-small-v3-nsmc');
--   sqlite> .read sql/batch_labelling.sql
--
-- Replace `review` and `body` by your table and column.  Ctrl-C stops at any time.

CREATE TABLE IF NOT EXISTS review(id INTEGER PRIMARY KEY, body TEXT);

INSERT INTO review(body) VALUES
  ('배우들의 연기가 정말 좋았습니다.'),
  ('시간이 아까운 영화였어요.'),
  ('그냥 그래요.'),
  (NULL),
  ('다시 보고 싶은 영화입니다.');

-- Labels into columns of the table itself: only rows that have none yet, so that it can be run again
-- whenever rows have come.
ALTER TABLE review ADD COLUMN label TEXT;
ALTER TABLE review ADD COLUMN score REAL;
UPDATE review SET label = b.label, score = b.score
FROM koelectra_batch('SELECT id, body FROM review WHERE label IS NULL AND body IS NOT NULL', 'sentiment') AS b
WHERE review.id = b.id;

-- A million rows are better committed ten thousand at a time: what is done stays done.
UPDATE review SET label = b.label, score = b.score
FROM koelectra_batch('SELECT id, body FROM review WHERE label IS NULL AND body IS NOT NULL LIMIT 10000', 'sentiment') AS b
WHERE review.id = b.id;

-- Or into a table of its own, here with embeddings: one pass of the model gives both.
CREATE TABLE review_vector AS
SELECT id, label, embedding FROM koelectra_batch('SELECT id, body FROM review WHERE body IS NOT NULL', 'sentiment');

-- How many of each, and the rows the model is least sure of.
SELECT label, count(*) AS reviews FROM review WHERE label IS NOT NULL GROUP BY label ORDER BY label;
SELECT id, body FROM review WHERE score IS NOT NULL ORDER BY score LIMIT 1;

-- The two that are closest to each other.
SELECT a.id, b.id FROM review_vector a JOIN review_vector b ON a.id < b.id
ORDER BY koelectra_cosine(a.embedding, b.embedding) DESC LIMIT 1;

-- Values in the inner SELECT are written into its text; %Q quotes them.
SELECT count(*) FROM koelectra_batch(format('SELECT id, body FROM review WHERE body LIKE %Q', '%영화%'), 'sentiment');
