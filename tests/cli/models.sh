# Models, versions, speed.
show models | sed 's/^fingerprint.*/fingerprint/'
show models "$tests/reference/tiny" "x=$tests/reference/heads/entities"
koelectra models --json "$tests/reference/tiny" | json '$.labels[1]'
show models --model "$tests/reference/heads/answers" | head -3
show models "$tests/reference/tiny" /nowhere
koelectra info | cut -f1
koelectra info --json --threads 1 | json '$.threads'
koelectra bench --seconds 1 --threads 1 --json >speed
json '$.measured' <speed
sql :memory: 'CREATE TABLE l(j)' '.mode ascii' '.separator "\037" "\n"' '.import speed l' '.mode list' \
  "SELECT min(json_extract(j, '$.tokens_per_second') > 1000), max(json_extract(j, '$.ms_per_text') < 1000) FROM l"
printf '하나\n둘\n' >few
show bench --data few
show bench --data missing
