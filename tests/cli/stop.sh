# kill -9 and Ctrl-C: what is done stays, and the same command goes on.
make_reviews
sql reviews.db "INSERT INTO review(topic, stars, body) SELECT r.topic, n.value, n.value || '. ' || r.body
  FROM json_each('[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]') AS n, review AS r"
cp reviews.db whole.db
koelectra label whole.db review body --into label --scores scores

# Begins to label, and sends a signal once so many rows are labelled.
stop() {
  koelectra label reviews.db review body --into label --scores scores --batch 20 >said 2>&1 &
  process=$!
  until [ "$(sql reviews.db 'SELECT count(label) FROM review' 2>&1 | grep -v Error)" -gt "$2" ] 2>/dev/null; do
    sleep 0.01
  done
  kill -s "$1" $process
  status=0
  wait $process 2>/dev/null || status=$?
  done=$(sql reviews.db 'SELECT count(label) FROM review')
  echo "$1: status $status, $([ "$done" -lt 3600 ] && echo 'some rows are labelled')"
  sed 's/[0-9][0-9]* of [0-9]* rows/… rows/' said
}

stop KILL 0
sql reviews.db 'PRAGMA integrity_check'
stop INT 400
stop TERM 800
koelectra label reviews.db review body --into label --scores scores --quiet
echo '-- all of it'
dump='SELECT id, label, scores FROM review ORDER BY id'
sql reviews.db "$dump" >one
sql whole.db "$dump" >two
cmp one two && sql reviews.db 'SELECT count(label) FROM review'

echo '-- an index'
koelectra index reviews.db review body --threads 1 >said 2>&1 &
process=$!
until [ -e reviews.db-search-rebuild ]; do
  kill -0 $process 2>/dev/null || break
  sleep 0.01
done
kill -s INT $process 2>/dev/null
wait $process
koelectra index reviews.db review body --quiet
koelectra index whole.db review body --quiet
ls reviews.db*
koelectra search reviews.db search '배우 연기가 좋았어요' >one
koelectra search whole.db search '배우 연기가 좋았어요' >two
cmp one two && wc -l <one
