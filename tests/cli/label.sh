# Labels into a column.
make_reviews
show label reviews.db review body --into label --where 'id <= 100'
sql reviews.db 'SELECT count(*), count(label) FROM review' '.schema'
show label reviews.db review body --into label --score sure --scores '모든 점수'
sql reviews.db 'SELECT count(label), count(sure), count("모든 점수") FROM review' \
  'SELECT id, label, sure, "모든 점수", body FROM review WHERE id IN (1, 101, 300)'
show label reviews.db review body --into label --json
sql reviews.db "UPDATE review SET label = 'x' WHERE id < 10"
show label reviews.db review body --into label --overwrite --where "label = 'x'" --quiet
sql reviews.db "SELECT count(*) FROM review WHERE label = 'x'"
echo '-- labels are those of classify'
sql reviews.db 'SELECT body FROM review ORDER BY id' | koelectra classify | cut -f1 >classified
sql reviews.db 'SELECT label FROM review ORDER BY id' | cmp - classified && echo same
echo '-- a model with one output, and with several heads'
sql reviews.db "UPDATE review SET label = NULL WHERE id <= 2"
show label reviews.db review body --into bias --head bias -m "$tests/reference/heads/hate_speech" -w 'id <= 2'
show label reviews.db review body --into both -m "$tests/reference/heads/hate_speech"
show label reviews.db review body --into both --pair topic -w 'id <= 2'
sql reviews.db 'SELECT bias, both, typeof(both) FROM review WHERE id <= 2'

echo '-- names of all kinds'
sql odd.db <<'SQL'
CREATE TABLE "we""ird 'tab;le--"(rowid, "te""xt'; DROP TABLE nr; --", _rowid_);
INSERT INTO "we""ird 'tab;le--" VALUES('a', '좋아요', 1), ('b', '싫어요', 2), (NULL, NULL, 3);
CREATE TABLE nr(k PRIMARY KEY, body) WITHOUT ROWID;
INSERT INTO nr VALUES('x', '좋아요'), (x'00', '별로'), (0.5, 12);
CREATE TABLE two(a, b, body, PRIMARY KEY(a, b)) WITHOUT ROWID;
CREATE TABLE taken(rowid, _rowid_, oid, body, u UNIQUE COLLATE NOCASE);
INSERT INTO taken VALUES(1, 1, 1, '좋아요', 'A'), (1, 1, 1, '최악', 2), (1, 1, 1, '그저', NULL);
CREATE TABLE mixed(id INTEGER PRIMARY KEY, body);
INSERT INTO mixed(body) VALUES('좋아요'), (12), (''), (NULL), (x'41'), ('싫다');
CREATE VIEW view AS SELECT * FROM nr;
CREATE TABLE checked(body, label CHECK (label <> 'negative'));
INSERT INTO checked(body) VALUES('좋아요'), ('싫어요');
CREATE TABLE chained(id INTEGER PRIMARY KEY, body, label);
INSERT INTO chained(body) VALUES('좋아요'), ('싫어요');
CREATE TRIGGER chained_label AFTER UPDATE OF label ON chained WHEN new.id = 1
BEGIN UPDATE chained SET body = '최고' WHERE id = 2; END;
SQL
show label odd.db "we\"ird 'tab;le--" "te\"xt'; DROP TABLE nr; --" --into "la\"bel'" --scores '; --'
sql odd.db "SELECT * FROM \"we\"\"ird 'tab;le--\""
show label odd.db NR Body --into label
sql odd.db 'SELECT quote(k), body, label FROM nr'
show label odd.db two body --into label
show label odd.db taken body --into label
show label odd.db taken body --into label --id oid
show label odd.db taken body --into label --id u
sql odd.db 'SELECT body, label FROM taken'
show label odd.db mixed body --into label
show label odd.db mixed body --into label --where "typeof(body) <> 'blob'"
sql odd.db 'SELECT id, label FROM mixed'
show label odd.db view body --into label
echo '-- a constraint that a label breaks: nothing of the page is written'
show label odd.db checked body --into label
sql odd.db 'SELECT count(label) FROM checked'
echo '-- a text that changes meanwhile is left for the next time'
show label odd.db chained body --into label
show label odd.db chained body --into label

echo '-- what is wrong changes nothing'
sql odd.db '.schema nr' >before
show label odd.db nobody body --into label
show label odd.db nr text --into label
show label odd.db nr body --into body
show label odd.db nr body --into k
show label odd.db nr body --into new --where 'x ='
show label odd.db nr body --into new --where 'k = ?'
show label odd.db nr body --into new --where '1); DELETE FROM nr; --'
show label odd.db nr body --into new --where '1); DELETE FROM nr'
show label odd.db nr body --into new --model "$tests/reference/heads/entities"
show label odd.db nr body --into new --pair nothing
show label missing.db nr body --into label
show label . nr body --into label
head -c 4096 "$tests/../examples/data/reviews.tsv" >text.db
show label text.db nr body --into label
: >empty.db
show label empty.db nr body --into label
sql odd.db '.schema nr' | cmp before - && echo same

echo '-- UTF-16'
sql wide.db "PRAGMA encoding = 'UTF-16'" 'CREATE TABLE r(body)' "INSERT INTO r VALUES('좋아요')"
show label wide.db r body --into label
sql wide.db 'SELECT * FROM r'

echo '-- in use by another program'
mkfifo hold
sqlite3 -batch odd.db <hold >held &
exec 3>hold
echo 'BEGIN EXCLUSIVE; SELECT 1;' >&3
until [ -s held ]; do sleep 0.02; done
show label odd.db nr body --into label --timeout 1
echo 'COMMIT;' >&3
exec 3>&-
wait
