-- A first session in the sqlite3 shell, over any KoELECTRA directory with a classification head:
--
--   sqlite3 -cmd '.load build/koelectra' -cmd ".param set :model '/models/koelectra-small-v3-nsmc'" \
--     :memory: '.read examples/shell/session.sql'

SELECT koelectra_load('sentiment', :model) AS registered;

SELECT koelectra_tokenize('영화가 정말 재미있어요.', 'sentiment') AS tokens;

SELECT position, token, start, "end"
FROM koelectra_tokens('영화가 재미있어요', NULL, 'sentiment');

CREATE TABLE review(id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO review(body) VALUES
  ('배우들의 연기가 정말 좋았습니다.'),
  ('시간이 아까운 영화였어요.'),
  ('음악이 아름다워요.');

SELECT id, koelectra_classify(body, 'sentiment') AS label, body FROM review;

CREATE VIRTUAL TABLE search USING koelectra_index(body, model='sentiment', content='review', content_rowid='id');
INSERT INTO search(search) VALUES('rebuild');

SELECT rowid, body FROM search WHERE search MATCH '연기가 좋아요' AND k = 2;
