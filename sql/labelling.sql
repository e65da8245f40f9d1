-- Labels for a column, stored beside it, and kept for rows that come later.
--
--   sqlite3 my.db
--   sqlite> .load build/koelectra
--   sqlite> SELECT koelectra_load('sentiment', '/models/koelectra-small-v3-nsmc');
--   sqlite> .read sql/labelling.sql
--
-- Replace `review` and `body` by your table and column.

CREATE TABLE IF NOT EXISTS review(id INTEGER PRIMARY KEY, body TEXT);

INSERT INTO review(body) VALUES
  ('배우들의 연기가 정말 좋았습니다.'),
  ('시간이 아까운 영화였어요.'),
  ('그냥 그래요.');

ALTER TABLE review ADD COLUMN label TEXT;
ALTER TABLE review ADD COLUMN score REAL;

-- One pass: the probabilities as JSON, from which label and score are read.
UPDATE review SET (label, score) = (
  SELECT key, value FROM json_each(koelectra_scores(review.body, 'sentiment'))
  ORDER BY value DESC LIMIT 1)
WHERE label IS NULL AND body IS NOT NULL;

-- Rows that come later are labelled as they come.
CREATE TRIGGER review_label AFTER INSERT ON review WHEN new.body IS NOT NULL BEGIN
  UPDATE review SET (label, score) = (
    SELECT key, value FROM json_each(koelectra_scores(new.body, 'sentiment'))
    ORDER BY value DESC LIMIT 1)
  WHERE id = new.id;
END;

INSERT INTO review(body) VALUES ('다시 보고 싶은 영화입니다.');

-- How many of each, and the rows the model is least sure of.
SELECT label, count(*) AS reviews FROM review GROUP BY label ORDER BY label;
SELECT id, body FROM review ORDER BY score LIMIT 1;
