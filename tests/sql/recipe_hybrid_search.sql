-- sql/hybrid_search.sql, over the tests' tiny model: its weights are random, and so is what it finds by meaning.
SELECT koelectra_load('default', 'tests/reference/tiny');
.output /dev/null
.read sql/hybrid_search.sql
.output
.print -- words find what they should, whatever the model
SELECT count(*) > 0, min(text LIKE '%영화%') FROM review_words WHERE review_words MATCH '영화';
SELECT (SELECT count(*) FROM review_words WHERE review_words MATCH '영화') = (SELECT count(*) FROM review WHERE text LIKE '%영화%');
.print -- both indexes follow every change
INSERT INTO review(id, text) VALUES(1001, '하와이안훌라댄스교실');
SELECT rowid FROM review_words WHERE review_words MATCH '훌라';
SELECT rowid FROM review_meaning WHERE review_meaning MATCH '하와이안훌라댄스교실' AND k = 1;
UPDATE review SET text = '탭댄스' WHERE id = 1001;
SELECT count(*) FROM review_words WHERE review_words MATCH '훌라';
UPDATE review SET id = 1002 WHERE id = 1001;
SELECT rowid FROM review_words WHERE review_words MATCH '댄스';
DELETE FROM review WHERE id = 1002;
SELECT count(*) FROM review_words WHERE review_words MATCH '댄스';
INSERT INTO review_words(review_words, rank) VALUES('integrity-check', 1);
INSERT INTO review_meaning(review_meaning) VALUES('integrity-check');
.print -- what is merged
WITH
  words AS (SELECT rowid AS id, row_number() OVER (ORDER BY rank) AS place FROM (
    SELECT rowid, rank FROM review_words WHERE review_words MATCH koelectra_fts_query(:question) ORDER BY rank LIMIT 100)),
  meaning AS (SELECT rowid AS id, row_number() OVER (ORDER BY similarity DESC) AS place FROM (
    SELECT rowid, similarity FROM review_meaning WHERE review_meaning MATCH :question AND k = 100))
SELECT (SELECT count(*) FROM words) > 5, (SELECT count(*) FROM meaning);
