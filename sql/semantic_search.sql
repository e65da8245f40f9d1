-- Semantic search over a table of your own, with an index that follows every change.
--
--   sqlite3 my.db
--   sqlite> .load build/koelectra
--   sqlite> SELECT koelectra_load('default', '/models/koelectra-small-v3');
--   sqlite> .read sql/semantic_search.sql
--
-- Replace `article` and `body` by your table and column.  The index holds vectors only: the text
-- stays in your table (content=).

CREATE TABLE IF NOT EXISTS article(id INTEGER PRIMARY KEY, body TEXT);

CREATE VIRTUAL TABLE article_search USING koelectra_index(body, content='article', content_rowid='id');

-- What is there already.
INSERT INTO article_search(article_search) VALUES('rebuild');

-- What comes later.  An UPDATE that leaves the text alone does not compute an embedding again.
CREATE TRIGGER article_search_insert AFTER INSERT ON article BEGIN
  INSERT INTO article_search(rowid, body) VALUES(new.id, new.body);
END;
CREATE TRIGGER article_search_delete AFTER DELETE ON article BEGIN
  DELETE FROM article_search WHERE rowid = old.id;
END;
CREATE TRIGGER article_search_update AFTER UPDATE ON article
WHEN new.id <> old.id OR new.body IS NOT old.body BEGIN
  DELETE FROM article_search WHERE rowid = old.id;
  INSERT INTO article_search(rowid, body) VALUES(new.id, new.body);
END;

INSERT INTO article(body) VALUES
  ('배우들의 연기가 정말 좋았습니다.'),
  ('오늘 서울은 하루 종일 비가 내립니다.'),
  ('새로 산 노트북의 배터리가 오래 갑니다.'),
  ('이 식당은 김치찌개가 맛있어요.'),
  ('감독의 다음 영화가 기다려집니다.');

-- The nearest by meaning, best first.
SELECT a.id, a.body
FROM article_search s JOIN article a ON a.id = s.rowid
WHERE s.body MATCH '영화가 재미있어요' AND s.k = 3
ORDER BY s.similarity DESC;

-- More like this one: its own vector is the query.
SELECT a.id, a.body
FROM article_search s JOIN article a ON a.id = s.rowid
WHERE s.body MATCH (SELECT koelectra_embed(body) FROM article WHERE id = 1) AND s.k = 4
  AND a.id <> 1
ORDER BY s.similarity DESC;
