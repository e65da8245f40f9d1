-- Search in documents that are longer than a model reads: passages are searched, documents found.
--
--   sqlite3 my.db
--   sqlite> .load build/koelectra
--   sqlite> .read sql/long_documents.sql
--
-- koelectra_chunks cuts a document into passages at the ends of its sentences.  Replace `document`,
-- `title`, `body` and `id` by your table and columns.

CREATE TABLE IF NOT EXISTS document(id INTEGER PRIMARY KEY, title TEXT, body TEXT);

-- start and "end" count characters of the body.  The id of a passage is never used again, so that
-- nothing which remembers it is led to another.
CREATE TABLE passage(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  document_id INTEGER NOT NULL,
  start INTEGER NOT NULL,
  "end" INTEGER NOT NULL,
  text TEXT NOT NULL
);
CREATE INDEX passage_of_document ON passage(document_id);

-- Meaning and words of the passages; both leave the text in the table.
CREATE VIRTUAL TABLE passage_meaning USING koelectra_index(text, content='passage', content_rowid='id');
CREATE VIRTUAL TABLE passage_words USING fts5(text, content='passage', content_rowid='id', tokenize='koelectra');

CREATE TRIGGER passage_insert AFTER INSERT ON passage BEGIN
  INSERT INTO passage_meaning(rowid, text) VALUES(new.id, new.text);
  INSERT INTO passage_words(rowid, text) VALUES(new.id, new.text);
END;
CREATE TRIGGER passage_delete AFTER DELETE ON passage BEGIN
  DELETE FROM passage_meaning WHERE rowid = old.id;
  INSERT INTO passage_words(passage_words, rowid, text) VALUES('delete', old.id, old.text);
END;

-- Passages follow the documents.  64 tokens are two or three sentences: little enough to have one
-- meaning.  12 of them are repeated, so that what two passages share is found in both.  (Of the
-- questions of KorQuAD the built-in model finds the right paragraph first 36 times in a hundred by
-- whole paragraphs, 61 by such passages: tests/bench/full_text.py.)
-- A document that replaces another (REPLACE INTO) takes its passages away first.
CREATE TRIGGER document_insert AFTER INSERT ON document BEGIN
  DELETE FROM passage WHERE document_id = new.id;
  INSERT INTO passage(document_id, start, "end", text)
  SELECT new.id, start, "end", chunk FROM koelectra_chunks(new.body, 64, 12);
END;
CREATE TRIGGER document_delete AFTER DELETE ON document BEGIN
  DELETE FROM passage WHERE document_id = old.id;
END;
CREATE TRIGGER document_update AFTER UPDATE ON document
WHEN new.id <> old.id OR new.body IS NOT old.body BEGIN
  DELETE FROM passage WHERE document_id IN (old.id, new.id);
  INSERT INTO passage(document_id, start, "end", text)
  SELECT new.id, start, "end", chunk FROM koelectra_chunks(new.body, 64, 12);
END;

-- What is there already.
INSERT INTO passage(document_id, start, "end", text)
SELECT document.id, c.start, c."end", c.chunk FROM document, koelectra_chunks(document.body, 64, 12) AS c;

INSERT INTO document(title, body) VALUES
  ('영화 동아리 소식',
   '이번 달 동아리에서는 오래된 흑백 영화를 함께 보았습니다. 배우들의 연기가 지금 보아도 자연스러웠습니다. 상영이 끝난 뒤에는 감독이 왜 마지막 장면을 길게 찍었는지 이야기를 나누었습니다. 다음 모임은 2024. 3. 15. 저녁 7시에 시청각실에서 열립니다. 간식은 각자 조금씩 가져와 주세요. 신청은 게시판에 이름을 적으면 됩니다. 처음 오시는 분도 환영합니다! 주차장은 건물 뒤편에 있습니다. 늦은 시간에는 정문이 닫히니 옆문을 이용해 주세요.'),
  ('겨울 산행 기록',
   '새벽 5시에 출발해 해가 뜨기 전에 산 중턱에 닿았습니다. 눈이 무릎까지 쌓여 걷기가 쉽지 않았습니다. 정상에서 마신 따뜻한 커피는 잊을 수 없을 것 같습니다. 내려오는 길에는 바람이 세게 불어 손이 얼었습니다. 장갑을 두 켤레 챙기기를 잘했다고 생각했습니다. 숙소 근처 식당에서 김치찌개를 먹었는데 아주 맛있었습니다. 다음에는 봄에 꽃을 보러 다시 오려고 합니다.'),
  ('노트북을 바꾸며',
   '5년 동안 쓰던 노트북이 자꾸 꺼져서 새것을 샀습니다. 화면이 밝고 글자가 또렷합니다. 배터리는 하루 종일 써도 남을 만큼 오래 갑니다. 다만 자판을 누르는 느낌은 예전 것이 더 좋았습니다. 자료를 옮기는 데에는 세 시간이 걸렸습니다. 사진이 너무 많아서 오래 걸린 것 같습니다.');

-- In a program, bind :question.
.parameter init
.parameter set :question "'배터리가 오래 가는 노트북'"

-- Documents by their best passage, which is shown.  The other columns of a row with max() are those
-- of the row that has it.  k passages are ranked: take many times the documents you want.
SELECT document.title, round(max(s.similarity), 2) AS similarity, passage.text
FROM passage_meaning AS s
JOIN passage ON passage.id = s.rowid
JOIN document ON document.id = passage.document_id
WHERE s.text MATCH :question AND s.k = 100
GROUP BY document.id ORDER BY similarity DESC LIMIT 3;

-- The same by words, with the place that matched.
SELECT document.title, round(-min(w.rank), 2) AS bm25, w.shown
FROM (SELECT rowid, rank, snippet(passage_words, 0, '[', ']', '…', 24) AS shown FROM passage_words
      WHERE passage_words MATCH koelectra_fts_query(:question) ORDER BY rank LIMIT 100) AS w
JOIN passage ON passage.id = w.rowid
JOIN document ON document.id = passage.document_id
GROUP BY document.id ORDER BY bm25 DESC LIMIT 3;

-- Both, merged by places as in sql/hybrid_search.sql: first passages, then their documents.
WITH
  words AS (
    SELECT rowid AS id, row_number() OVER (ORDER BY rank) AS place FROM (
      SELECT rowid, rank FROM passage_words
      WHERE passage_words MATCH koelectra_fts_query(:question) ORDER BY rank LIMIT 100)),
  meaning AS (
    SELECT rowid AS id, row_number() OVER (ORDER BY similarity DESC) AS place FROM (
      SELECT rowid, similarity FROM passage_meaning
      WHERE passage_meaning MATCH :question AND k = 100)),
  merged AS (
    SELECT id, 1.0 / (10 + place) AS score FROM words
    UNION ALL
    SELECT id, 0.3 / (10 + place) FROM meaning),
  passages AS (
    SELECT id, sum(score) AS score FROM merged GROUP BY id)
SELECT document.title, round(max(score), 3) AS score, passage.text
FROM passages
JOIN passage USING (id)
JOIN document ON document.id = passage.document_id
GROUP BY document.id ORDER BY score DESC LIMIT 3;

-- A passage within its document, with forty characters before and behind it.
SELECT substr(body, max(start - 40, 0) + 1, "end" + 40 - max(start - 40, 0))
FROM passage JOIN document ON document.id = document_id WHERE passage.id = 2;
