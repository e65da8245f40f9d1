-- sql/semantic_search.sql, over the tests' tiny model: its weights are random, so that its nearest are not near.
SELECT koelectra_load('default', 'tests/reference/tiny');
.read sql/semantic_search.sql

.print -- the index follows every change
UPDATE article SET body = '감독의 다음 영화' WHERE id = 5;
UPDATE article SET id = 20 WHERE id = 2;
UPDATE article SET rowid = 30 WHERE rowid = 3;
DELETE FROM article WHERE id = 4;
INSERT INTO article(body) VALUES (NULL), ('마지막 글');
REPLACE INTO article VALUES (1, '처음 글');
SELECT rowid, body FROM article_search ORDER BY rowid;
INSERT INTO article_search(article_search) VALUES('integrity-check');
SELECT s.rowid, s.body, round(s.similarity, 3) FROM article_search s WHERE s.body MATCH '처음 글' AND k = 1;
