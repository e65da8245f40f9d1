# Texts as operands and as lines.
heads=$tests/reference/heads
show classify '배우 연기가 좋았어요' '시간이 아까워요'
show classify --json '배우 연기가 좋았어요'
show classify --pair '비가 온다' '날이 맑다' '하나' '둘'
printf '비가 온다\t날이 맑다\n' | show classify -jp
show tokenize '배우 연기가 좋았어요' -- --json
show tokenize --ids '배우 연기가 좋았어요'
show tokenize -j ''
show tokenize --model "$tests/reference/tiny" '배우 연기'

echo '-- lines: CR LF, a byte order mark, an empty one, none at the end'
printf '\357\273\277좋아요\r\n\n별로예요' | show classify
printf '' | show classify
echo '-- control characters'
printf '좋아\033[31m요\302\205\ta\n' | show classify
printf '좋아\033[31m요\n' | koelectra classify --json | json '$.text' | od -An -tx1 | tr -d ' \n'
echo
echo '-- not UTF-8'
printf '좋아요\n\261\345\n' | show classify
show tokenize "$(printf '\261')"
printf 'a\n\355\240\200\n' | show tokenize
printf '\357\277\275\n' | show tokenize
echo '-- 1000 lines come out in their order'
i=0
while [ $i -lt 1000 ]; do
  i=$((i + 1))
  echo "$i번째 줄"
done >many.txt
koelectra classify --json <many.txt | json '$.text' | cmp - many.txt && echo same
koelectra embed <many.txt | json '$[191]' | wc -l
koelectra embed --json <many.txt | json '$.text' | cmp - many.txt && echo same
koelectra embed '배우 연기' | cut -c1-4
echo '-- one that writes a line and waits is answered'
mkfifo in out
koelectra classify <in >out &
exec 3>in 4<out
echo '좋아요' >&3
read -r answer <&4
echo "$answer"
echo '싫어요' >&3
exec 3>&-
cat <&4
wait

echo '-- heads'
show entities -m "$heads/entities" '송인영은 5년 전 CJ에 입사했다.'
printf '송인영\nCJ에\n' | show entities -m "$heads/entities"
show entities -j -m "$heads/entities" '송인영은' ''
show answers -k 2 -m "$heads/answers" '언제?' '에펠탑은 1889년에 세워졌다.'
printf '에펠탑은\n\n' | show answers -j -m "$heads/answers" '언제?'
show fill-mask -k2 -m "$heads/fill_mask" '나는 [MASK]에 간다.'
show fill-mask -jk1 -m "$heads/fill_mask" '나는 [MASK]에 간다.'
printf '[MASK]\n없다\n' | show fill-mask -k1 -m "$heads/fill_mask"
show classify -m "$heads/hate_speech" '안녕'
show classify -m "$heads/hate_speech" --head bias '안녕'
show classify -m "$heads/hate_speech" --head none '안녕'
show entities '송인영은'

echo '-- models'
show classify -m /nowhere '안녕'
show classify -m nobody/nothing '안녕'
show classify -m "x=$tests/reference/tiny" '안녕'
show classify --model-options '{"max_length": 3}' '안녕'
show classify --threads 100000 '안녕'
echo '-- an output that cannot be written'
if [ -w /dev/full ]; then koelectra tokenize '안녕' 2>&1 >/dev/full || echo "[status $?]"; fi
