#!/bin/sh
# make bench: the figures of doc/performance.md. Takes some minutes; run it on
# a quiet machine and compare ratios only within one run.
set -eu
cd "$(dirname "$0")/.."
echo "== verdict: 5,000,000 names, against one look-up in a Go map"
BELISHA_FIGURES=1 go test -count=1 -run 'Figures' -timeout 30m -v ./internal/verdict ./internal/verdict/snapfile | grep -v '^=== '
echo "== proxy and DNS, against plain Go"
go test -run '^$' -bench 'AgainstPlain' -benchtime 3s -count 3 ./internal/gate/proxy ./internal/gate/dns
echo "== activity"
BELISHA_BENCH_EVENTS="${BELISHA_BENCH_EVENTS:-20000000}" go test -count=1 -run '^$' -bench BenchmarkActivity -benchtime 7x -timeout 60m -v ./internal/activity
echo "== pages of the demonstration school at 5,000 people"
go test -count=1 -run 'TestPagesAreQuickInALargeSchool' -timeout 20m -v ./internal/demo | grep -v '^=== '
echo "== every page of the demonstration school with 20,000 concerns and 90 days of 200,000 events"
figures="${BELISHA_FIGURES_DIR:-$(mktemp -d)}"
BELISHA_FIGURES_DIR="$figures" go test -count=1 -run 'TestEveryPageOfASchoolOfTwentyThousandConcerns' -timeout 90m -v ./internal/house | grep -v '^=== '
[ -n "${BELISHA_FIGURES_DIR:-}" ] || rm -rf "$figures"
