#!/bin/bash
# make bench-peers: the filter beside squid, e2guardian, squidGuard, unbound,
# dnsdist and plain Go, in one run. It needs root on Debian, and the peers'
# scripts in ../shared/bench (or BENCH=folder). About 20 minutes;
#   ROUNDS=3 DUR=3   rounds of each measurement, and their seconds
#   ONLY="proxy names dns tls own scan"   some of it
#   KEEP=folder      keep the raw rows there, and the tables
#   PROFILE=file     measure nothing: note where the filter spends its time under
#                    these loads, for the compiler (dev/gate.pprof)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
export BENCH=${BENCH:-$top/../shared/bench}
if [ ! -x "$BENCH/proxy_peers.sh" ]; then
	echo "bench-peers needs the scripts that start and measure the other filters in $BENCH (or BENCH=folder), and they are not there." >&2
	exit 1
fi
[ "$(id -u)" = 0 ] || { echo "bench-peers makes private networks and must be run as root." >&2; exit 1; }
export ROUNDS=${ROUNDS:-3} DUR=${DUR:-3}
only=" ${ONLY:-proxy names dns tls own scan} "

work=$(mktemp -d -t belisha-peers-XXXXXX)
trap 'rm -rf "$work"' EXIT
keep=${KEEP:-$work/out}
mkdir -p "$keep"
cd "$top"
echo "== building" >&2
export CGO_ENABLED=0
if [ -n "${PROFILE:-}" ]; then
	only=" proxy names dns tls "
	go build -trimpath -tags profile -o "$work/belisha" ./cmd/belisha
	export BELISHA_PROFILE=$work/profile
	mkdir "$BELISHA_PROFILE"
else
	go build -trimpath -pgo=dev/gate.pprof -ldflags "-s -w" -o "$work/belisha" ./cmd/belisha
fi
peers() { [ -n "${PROFILE:-}" ] && echo candidate || echo "$*"; } # PEER...
for tool in prepare measure table; do go build -o "$work/$tool" "./dev/peers/$tool"; done
(cd "$BENCH/tools" && GOWORK=off GOFLAGS=-buildvcs=false go build -o "$work/benchtool" .)
export BENCHTOOL=$work/benchtool BELISHA=$work/belisha PREPARE=$work/prepare MEASURE=$work/measure

# e2guardian's lists, all of them switched on: also those that it ships off.
phrases() {
	mkdir -p "$work/phrases"
	cp -r /etc/e2guardian/lists/. "$work/phrases"
	sed -i 's/^#\.Include/.Include/' "$work"/phrases/{weighted,banned,exception}phraselist
}
needs_e2guardian() {
	[ -d /etc/e2guardian/lists ] || { echo "bench-peers needs Debian's e2guardian for its phrase lists: apt-get install e2guardian" >&2; exit 1; }
}
lists() { # NAMES: generated once, always the same
	[ -d "$work/lists$1" ] || "$BENCHTOOL" gen -n "$1" -out "$work/lists$1"
}
want() { [[ $only == *" $1 "* ]]; }

needs_e2guardian
phrases
lists 1000000
"$work/prepare" --lists "$work/lists1000000" --data "$work/all" --phrases "$work/phrases"
"$work/prepare" --lists "$work/lists1000000" --data "$work/names" --names-only
"$work/prepare" --lists "$work/lists1000000" --data "$work/tls" --phrases "$work/phrases" --inspect
export N=1000000 LISTS=$work/lists1000000
export CANDIDATE_NAME=belisha

if want proxy; then
	echo "== proxies, everything looked at" >&2
	DATA=$work/all CANDIDATE_START="bash $here/start.sh" OUT=$keep/proxy.tsv LOADS="1k 30k mix 1m" \
		PEERS=$(peers direct go-nethttp squid e2guardian candidate) bash "$BENCH/proxy_peers.sh" >"$keep/proxy.md"
fi
if want names; then
	echo "== proxies, names alone" >&2
	DATA=$work/names CANDIDATE_START="bash $here/start.sh" OUT=$keep/names.tsv LOADS="1k mix" \
		PEERS=$(peers direct go-nethttp candidate) bash "$BENCH/proxy_peers.sh" >"$keep/names.md"
fi
if want dns; then
	echo "== DNS" >&2
	DATA=$work/names CANDIDATE_START="bash $here/start.sh dns" OUT=$keep/dns.tsv \
		PEERS=$(peers go-floor unbound unbound-zones dnsdist candidate) bash "$BENCH/dns_peers.sh" >"$keep/dns.md"
fi
if want tls; then
	echo "== TLS" >&2
	DATA=$work/tls CANDIDATE_START="bash $here/start.sh" OUT=$keep/tls.tsv \
		PEERS=$(peers direct go-nethttp squid-bump e2guardian-mitm goproxy-mitm candidate) bash "$BENCH/tls.sh" >"$keep/tls.md"
fi
if want own; then
	echo "== five million names" >&2
	lists 5000000
	"$work/prepare" --lists "$work/lists5000000" --data "$work/five" --phrases "$work/phrases"
	LISTS=$work/lists5000000 DATA=$work/five bash "$here/own.sh" >"$keep/own.tsv"
fi
if want scan; then
	echo "== phrases alone" >&2
	go test -run '^$' -bench 'BenchmarkWeigh' -benchtime 2s ./internal/verdict/scan | tee "$keep/scan.txt" >&2
fi
if [ -n "${PROFILE:-}" ]; then
	go tool pprof -proto "$BELISHA_PROFILE"/*.pprof >"$PROFILE"
	exit 0
fi
cat "$keep"/*.md 2>/dev/null || true
echo
"$work/table" "$keep" | tee "$keep/table.txt"
