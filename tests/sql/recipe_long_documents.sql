-- sql/long_documents.sql, over the tests' tiny model: its weights are random, and so is what it finds by meaning.
SELECT koelectra_load('default', 'tests/reference/tiny');
CREATE TABLE document(id INTEGER PRIMARY KEY, title TEXT, body TEXT);
INSERT INTO document VALUES(10, '먼저 있던 글', '산에 갔습니다. 물이 맑았습니다.');
.read sql/long_documents.sql
.print -- passages are where they say, one document's in order
SELECT document_id, count(*), min(text = substr(body, start + 1, "end" - start)) FROM passage JOIN document ON document.id = document_id GROUP BY 1;
SELECT (SELECT count(*) FROM passage) = (SELECT count(*) FROM passage_meaning) AS all_are_indexed;
.print -- they follow every change
INSERT INTO document VALUES(20, '새 글', '하와이안훌라댄스교실입니다. 모두 오세요!');
SELECT rowid, text FROM passage_words WHERE passage_words MATCH '훌라';
UPDATE document SET title = '제목만' WHERE id = 20;
UPDATE document SET body = '탭댄스입니다. ' || body WHERE id = 20;
SELECT document_id, passage.text FROM passage JOIN passage_words ON passage_words.rowid = id WHERE passage_words MATCH '훌라';
UPDATE document SET id = 21 WHERE id = 20;
REPLACE INTO document VALUES(21, '바꾼 글', '발레입니다.');
SELECT document_id, start, "end", text FROM passage WHERE document_id >= 20;
SELECT p.document_id FROM passage_meaning s JOIN passage p ON p.id = s.rowid WHERE s.text MATCH '발레입니다.' AND s.k = 1;
UPDATE document SET body = NULL WHERE id = 21;
DELETE FROM document WHERE id = 10;
SELECT count(*) FROM passage WHERE document_id IN (10, 20, 21);
INSERT INTO passage_words(passage_words, rank) VALUES('integrity-check', 1);
INSERT INTO passage_meaning(passage_meaning) VALUES('integrity-check');
