-- What `make demo` shows; from a shell of yours:  .load build/koelectra  and  .read examples/demo.sql

CREATE TABLE review(id INTEGER PRIMARY KEY, topic TEXT, stars INTEGER, body TEXT);
.mode ascii
.separator "\t" "\n"
.import --skip 1 examples/data/reviews.tsv review
.mode list

SELECT printf('%d reviews of films, cafes, books, parcels and daily things.', count(*)) FROM review;
.print

.print Labelling them:  UPDATE review SET label = koelectra_classify(body)
ALTER TABLE review ADD COLUMN label TEXT;
UPDATE review SET label = koelectra_classify(body);
.print
SELECT '  ' || label || '  ' || stars || ' stars  ' || body FROM review WHERE id IN (1, 4, 11, 22, 27, 29);
.print
.print Against the stars (the model was trained on reviews of films):
SELECT printf('  %-9s %3d with 1 or 2 stars, %3d of them negative; %3d with 4 or 5, %3d of them positive', topic,
  sum(stars < 3), sum(stars < 3 AND label = 'negative'), sum(stars > 3), sum(stars > 3 AND label = 'positive'))
FROM review GROUP BY topic;
SELECT printf('  all       %.1f %% right', 100.0 * avg((label = 'positive') = (stars > 3))) FROM review WHERE stars <> 3;
.print

.print A label of your own:  koelectra_fit(body, topic)  over the first 200 rows
CREATE TABLE heads(name TEXT PRIMARY KEY, head BLOB);
INSERT INTO heads SELECT 'topic', koelectra_fit(body, topic) FROM review WHERE id <= 200;
SELECT printf('  topic of the other %d rows: %.1f %% right', count(*),
  100.0 * avg(koelectra_classify(body, (SELECT head FROM heads WHERE name = 'topic')) = topic))
FROM review WHERE id > 200;
.print

.print Searching them by meaning:  CREATE VIRTUAL TABLE search USING koelectra_index(body, content='review', content_rowid='id')
CREATE VIRTUAL TABLE search USING koelectra_index(body, content='review', content_rowid='id');
INSERT INTO search(search) VALUES('rebuild');
CREATE TABLE query(id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO query(body) VALUES ('배우 연기가 좋았어요'), ('택배가 늦게 왔다'), ('커피가 맛있는 카페'), ('책이 지루하다');
SELECT char(10) || '  ' || q.body || char(10) || group_concat(printf('    %.2f  %s', s.similarity, s.body), char(10))
FROM query AS q JOIN search AS s ON s.search MATCH q.body AND s.k = 3
GROUP BY q.id;
