#!/bin/bash
# The figures that no peer's script takes, with 5,000,000 names: readiness,
# memory, a list that is replaced, a rule that changes, and answers at half
# load. Called by run.sh. Prints "name<TAB>value".
{ # read whole before it runs
. "$BENCH/lib.sh"
enter "$0" "$@"
trap stop_all EXIT
lists_ready
origin
for l in 1k 30k; do echo "http://$ALLOWED/$l.html" >"$TMP/$l.urls"; done
cp "$LISTS/mix.urls" "$TMP/mix.urls"
export PORT=18999 UPSTREAM_DNS=127.0.0.1:53
HIT=$(first_hit)
start="bash $(dirname "$0")/start.sh"
at=127.0.0.1:$PORT
"$MEASURE" ready --proxy $at --open "http://$ALLOWED/1k.html" --closed "http://$HIT/1k.html" -- $start || die "it did not start"

spawn belisha $start
PORTOF[belisha]=$PORT
spawn plain "$BT" proxy -kind nethttp -listen 127.0.0.1:18106
PORTOF[plain]=18106 PORTOF[direct]=80
for p in belisha plain; do "$BT" waitproxy -addr "127.0.0.1:${PORTOF[$p]}" -timeout 60s >/dev/null || die "$p did not start"; done
load() { # URLS SECONDS
  URLS=$TMP/$1.urls wrk -t1 -c64 -d"$2"s --timeout 10s -s "$HERE/load.lua" "http://$at/" 2>&1 | sed -n 's/^RESULT //p'
}
say "memory"
load mix 4 >/dev/null; load 30k 4 >/dev/null
dnsperf -s 127.0.0.1 -p 5399 -d "$LISTS/dnsperf.txt" -l 6 -c 8 -T 1 -q 200 >/dev/null 2>&1
"$MEASURE" rss --pid "${PID[belisha]}"
load mix 20 >/dev/null & W=$!
"$MEASURE" peak --pid "${PID[belisha]}" --after 6s -- "$PREPARE" --lists "$LISTS/" --data "$DATA" --replace adult || die "the list was not replaced"
wait $W

say "a rule that changes"
"$MEASURE" change --proxy $at --other "http://$ALLOWED/30k.html" --closes http://one-more.bench-open.example/1k.html -- \
  "$PREPARE" --data "$DATA" --close one-more.bench-open.example || die "the rule did not come into force"

say "half load"
whole=$(load 30k 4 | cut -d' ' -f1)
rate=$(awk -v w="$whole" 'BEGIN{printf "%.0f", w/2}')
printf 'half_load\t%s\n' "$rate"
for r in $(seq "$ROUNDS"); do
  for p in direct plain belisha; do
    "$MEASURE" late --proxy "127.0.0.1:${PORTOF[$p]}" --url "http://$ALLOWED/30k.html" --rate "$rate" --for "${DUR}s" | sed "s/^/late_${p}_/"
  done
done
exit 0
}
