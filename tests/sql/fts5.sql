-- The FTS5 tokenizer `koelectra`.  It needs no model.
CREATE VIRTUAL TABLE t USING fts5(body, tokenize = 'koelectra');
INSERT INTO t VALUES
  ('영화관에서 봤어요'),
  ('전쟁영화가 좋아요. 영화 음악도!'),
  ('서울시립대 도서관에서 책을 빌렸다'),
  ('KoELECTRA를 2018년 CAFÉ에서 👍, 👍🏽 좋아ㅋㅋㅋ'),
  (NULL), ('');

.print -- inside words, at any place in them
SELECT rowid, highlight(t, 0, '[', ']') FROM t WHERE t MATCH '영화';
SELECT rowid, highlight(t, 0, '[', ']') FROM t WHERE t MATCH '서울';
SELECT rowid, highlight(t, 0, '[', ']') FROM t WHERE t MATCH '시립';
SELECT rowid, highlight(t, 0, '[', ']') FROM t WHERE t MATCH '시립대 도서';
SELECT rowid, highlight(t, 0, '[', ']') FROM t WHERE t MATCH '책';
SELECT rowid FROM t WHERE t MATCH '영관';
.print -- other scripts: whole words, any case, with or without accents
SELECT rowid, highlight(t, 0, '[', ']') FROM t WHERE t MATCH 'koelectra cafe';
SELECT rowid FROM t WHERE t MATCH 'electra';
SELECT rowid FROM t WHERE t MATCH '2018년';
SELECT rowid, highlight(t, 0, '[', ']') FROM t WHERE t MATCH 'café OR 👍 OR ㅋㅋ';

.print -- prefixes
SELECT rowid FROM t WHERE t MATCH 'koel*';
SELECT rowid FROM t WHERE t MATCH '영화*';
SELECT rowid FROM t WHERE t MATCH '영*';
.print -- phrases
SELECT rowid FROM t WHERE t MATCH '"전쟁영화가 좋아"';
SELECT rowid FROM t WHERE t MATCH '영화 + 음악';
SELECT rowid FROM t WHERE t MATCH '"전쟁 영화"';
SELECT rowid FROM t WHERE t MATCH '음악도영화';
SELECT rowid FROM t WHERE t MATCH '"음악 영화"';
.print -- AND, OR, NOT, NEAR, ^, columns
SELECT rowid FROM t WHERE t MATCH '영화 좋아';
SELECT rowid FROM t WHERE t MATCH '영화 OR 서울';
SELECT rowid FROM t WHERE t MATCH '영화 NOT 전쟁';
SELECT rowid FROM t WHERE t MATCH 'NEAR(영화 음악, 0)';
SELECT rowid FROM t WHERE t MATCH 'NEAR(전쟁 음악, 8)';
SELECT rowid FROM t WHERE t MATCH 'NEAR(전쟁 음악, 7)';
SELECT rowid FROM t WHERE t MATCH '^영화';
SELECT rowid FROM t WHERE t MATCH 'body : 서울';
SELECT snippet(t, 0, '[', ']', '…', 5) FROM t WHERE t MATCH '음악';

.print -- queries made of texts
SELECT koelectra_fts_query('전쟁을 다룬 "영화" AND Café?');
SELECT koelectra_fts_query('영화 영화, 책'), koelectra_fts_query(' ?!'), koelectra_fts_query(''), koelectra_fts_query(NULL) IS NULL;
SELECT rowid FROM t WHERE t MATCH koelectra_fts_query('전쟁을 다룬 영화는?') ORDER BY rank;
SELECT count(*) FROM t WHERE t MATCH koelectra_fts_query('?');
SELECT koelectra_fts_query(x'00');

.print -- decomposed and composed Hangul are the same; what is marked is the text as it is
INSERT INTO t(rowid, body) VALUES(10, char(0x1109, 0x1165, 0x110B, 0x116E, 0x11AF) || '역');
SELECT rowid, highlight(t, 0, '[', ']') = '[' || char(0x1109, 0x1165, 0x110B, 0x116E, 0x11AF) || ']역' FROM t WHERE t MATCH '서울 NOT 시립';
SELECT rowid FROM t WHERE t MATCH char(0x1109, 0x1165, 0x110B, 0x116E, 0x11AF) ORDER BY rowid;

.print -- changes, rebuild, optimize, integrity
UPDATE t SET body = '연극을 봤어요' WHERE rowid = 1;
DELETE FROM t WHERE rowid = 2;
SELECT count(*) FROM t WHERE t MATCH '영화';
INSERT INTO t(t) VALUES('rebuild');
INSERT INTO t(t) VALUES('optimize');
INSERT INTO t(t) VALUES('integrity-check');
SELECT rowid FROM t WHERE t MATCH '연극';

.print -- external content, contentless
CREATE TABLE article(id INTEGER PRIMARY KEY, title TEXT, body TEXT);
INSERT INTO article VALUES(7, '한국의 역사', '조선왕조실록을 읽는다'), (8, '왕조', '고려');
CREATE VIRTUAL TABLE e USING fts5(title, body, content='article', content_rowid='id', tokenize='koelectra', prefix='1 2');
INSERT INTO e(e) VALUES('rebuild');
SELECT rowid, highlight(e, 1, '[', ']') FROM e WHERE e MATCH '왕조' ORDER BY bm25(e, 10.0, 1.0);
SELECT rowid FROM e WHERE e MATCH 'title : 역사';
INSERT INTO e(e, rowid, title, body) VALUES('delete', 8, '왕조', '고려');
SELECT rowid FROM e WHERE e MATCH '왕*';
CREATE VIRTUAL TABLE c USING fts5(body, content='', tokenize='koelectra');
INSERT INTO c(rowid, body) VALUES(3, '조선왕조');
SELECT rowid FROM c WHERE c MATCH '왕조';

.print -- terms
CREATE VIRTUAL TABLE terms USING fts5vocab(c, instance);
SELECT "offset", term FROM terms ORDER BY "offset", length(term) DESC;

.print -- errors
CREATE VIRTUAL TABLE wrong USING fts5(body, tokenize = 'koelectra remove_diacritics 1');
CREATE VIRTUAL TABLE wrong USING fts5(body, tokenize = 'koelectra', detail = column);
INSERT INTO wrong VALUES('영화');
SELECT rowid FROM wrong WHERE wrong MATCH '영화';
