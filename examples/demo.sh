#!/bin/sh
# The main job on real text: label a column of reviews, index it, search it.
#
#   examples/demo.sh EXTENSION
#
# Uses the trained checkpoint and the reviews of the folder $KOELECTRA_SHARED (default ../shared)
# where it is there; else the tests' tiny model, whose weights are random, over a few sentences.
set -eu

extension=$1
shared=${KOELECTRA_SHARED:-../shared}
model=$shared/fixtures/checkpoints/nsmc-small
reviews=$shared/data/nsmc/test.tsv.xz
rows=4000

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

if [ ! -r "$model/config.json" ] || [ ! -r "$reviews" ]; then
  cat <<'NOTICE'
No trained model here yet: a built-in one comes with a later version.  This run shows the mechanics on
the tests' tiny model, whose weights are random: its labels and neighbours mean nothing.  For real
ones, load a KoELECTRA directory of yours, as README.md shows.

NOTICE
  exec sqlite3 -batch -box -cmd ".load $extension" -cmd ".param init" \
    -cmd ".param set :model 'tests/reference/tiny'" :memory: ".read examples/shell/session.sql"
fi

echo "Reading $rows reviews of films, half with 1 to 4 stars, half with 9 or 10 …"
xz -dc "$reviews" | awk -F '\t' -v rows="$rows" '
  NR > 1 && $4 != "" && $3 <= 4 && low < rows / 2 { low++; print }
  NR > 1 && $4 != "" && $3 >= 9 && high < rows / 2 { high++; print }' >"$folder/reviews.tsv"

{
  cat <<SQL
.load $extension
.mode ascii
.separator "\t" "\n"
CREATE TABLE source(id INTEGER PRIMARY KEY, film INTEGER, stars INTEGER, body TEXT);
.import '$folder/reviews.tsv' source
CREATE TABLE review AS SELECT row_number() OVER () AS id, stars, body, NULL AS label FROM source;
CREATE UNIQUE INDEX review_id ON review(id);
SELECT 'Registered model ''' || koelectra_load('sentiment', '$model') || '''' || char(10);
.print Labelling, without leaving SQL: UPDATE review SET label = koelectra_classify(body, 'sentiment')
.timer off
SQL
  step=$((rows / 8))
  first=1
  while [ "$first" -le "$rows" ]; do
    last=$((first + step - 1))
    echo "UPDATE review SET label = koelectra_classify(body, 'sentiment') WHERE id BETWEEN $first AND $last;"
    echo "SELECT '  ' || count(label) || ' of ' || count(*) || ' labelled' FROM review;"
    echo ".print"
    first=$((last + 1))
  done
  cat <<'SQL'
.mode box
SELECT CASE WHEN stars <= 4 THEN '1 to 4 stars' ELSE '9 or 10 stars' END AS stars, count(*) AS reviews,
  sum(label = 'positive') AS positive, sum(label = 'negative') AS negative,
  printf('%.1f %%', 100.0 * avg((label = 'positive') = (stars > 4))) AS agree
FROM review GROUP BY 1
UNION ALL
SELECT 'all', count(*), sum(label = 'positive'), sum(label = 'negative'),
  printf('%.1f %%', 100.0 * avg((label = 'positive') = (stars > 4))) FROM review;
.print
.print Indexing: INSERT INTO search(search) VALUES('rebuild')
CREATE VIRTUAL TABLE search USING koelectra_index(body, model='sentiment', content='review', content_rowid='id');
INSERT INTO search(search) VALUES('rebuild');
SELECT count(*) AS 'reviews indexed' FROM search;
.width 60 0
SQL
  for query in '배우 연기가 좋았어요' '시간 낭비 돈이 아깝다' '음악이 아름다운 영화'; do
    echo ".print"
    echo ".print Searching by meaning: $query"
    echo "SELECT substr(replace(body, char(10), ' '), 1, 56) AS review, round(similarity, 3) AS similarity"
    echo "FROM search WHERE search MATCH '$query' AND k = 4;"
  done
} >"$folder/demo.sql"

sqlite3 -batch -bail "$folder/demo.db" <"$folder/demo.sql"
