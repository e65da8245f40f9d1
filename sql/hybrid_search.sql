-- Search by words and by meaning at once, in two indexes that are merged.
--
--   sqlite3 my.db
--   sqlite> .load build/koelectra
--   sqlite> .read sql/hybrid_search.sql
--
-- Words (FTS5) find names, numbers and rare terms; meaning (koelectra_index) finds what is said in
-- other words.  The rows are those of examples/data: 300 short reviews.  Replace `review`, `text` and
-- `id` by your table and columns.

CREATE TABLE review(id INTEGER PRIMARY KEY, topic TEXT, stars INTEGER, text TEXT);
.separator "\t" "\n"
.import --skip 1 examples/data/reviews.tsv review
.mode list
.separator "|"

-- Both leave the text in your table.
CREATE VIRTUAL TABLE review_words USING fts5(text, content='review', content_rowid='id', tokenize='koelectra');
CREATE VIRTUAL TABLE review_meaning USING koelectra_index(text, content='review', content_rowid='id');
INSERT INTO review_words(review_words) VALUES('rebuild');
INSERT INTO review_meaning(review_meaning) VALUES('rebuild');

-- Both follow every change.  FTS5 is told the old text, which is then no longer in the table.
CREATE TRIGGER review_search_insert AFTER INSERT ON review BEGIN
  INSERT INTO review_words(rowid, text) VALUES(new.id, new.text);
  INSERT INTO review_meaning(rowid, text) VALUES(new.id, new.text);
END;
CREATE TRIGGER review_search_delete AFTER DELETE ON review BEGIN
  INSERT INTO review_words(review_words, rowid, text) VALUES('delete', old.id, old.text);
  DELETE FROM review_meaning WHERE rowid = old.id;
END;
CREATE TRIGGER review_search_update AFTER UPDATE ON review
WHEN new.id <> old.id OR new.text IS NOT old.text BEGIN
  INSERT INTO review_words(review_words, rowid, text) VALUES('delete', old.id, old.text);
  INSERT INTO review_words(rowid, text) VALUES(new.id, new.text);
  DELETE FROM review_meaning WHERE rowid = old.id;
  INSERT INTO review_meaning(rowid, text) VALUES(new.id, new.text);
END;

-- Words alone: two syllables are found inside a longer word, and highlight() marks just them.
SELECT rowid, highlight(review_words, 0, '[', ']') FROM review_words
WHERE review_words MATCH '영화' ORDER BY rank LIMIT 3;

-- Both: reciprocal rank fusion (Cormack, Clarke, Buettcher 2009).  A row scores 1 / (10 + its place)
-- in each ranking, so that bm25 and cosine need no common scale; here words weigh 1 and meaning 0.3.
-- Larger models and longer questions deserve more: tests/bench/full_text.py measures it.
-- koelectra_fts_query makes a query of a question's words.  In a program, bind :question.
.parameter init
.parameter set :question "'배우의 연기가 인상 깊었던 영화'"

WITH
  words AS (
    SELECT rowid AS id, row_number() OVER (ORDER BY rank) AS place FROM (
      SELECT rowid, rank FROM review_words
      WHERE review_words MATCH koelectra_fts_query(:question) ORDER BY rank LIMIT 100)),
  meaning AS (
    SELECT rowid AS id, row_number() OVER (ORDER BY similarity DESC) AS place FROM (
      SELECT rowid, similarity FROM review_meaning
      WHERE review_meaning MATCH :question AND k = 100)),
  merged AS (
    SELECT id, 1.0 / (10 + place) AS score FROM words
    UNION ALL
    SELECT id, 0.3 / (10 + place) FROM meaning)
SELECT review.id, review.text
FROM (SELECT id, sum(score) AS score FROM merged GROUP BY id ORDER BY score DESC, id LIMIT 5) AS best
JOIN review USING (id) ORDER BY best.score DESC, id;
