#!/bin/sh
# Runs every fuzz target for FUZZTIME each (default 30s), one after the other, with as
# little of the machine as that takes. FUZZ=gate/files runs only targets of folders whose
# name holds that. What is found is kept in testdata/fuzz beside the target, where
# every later test run tries it again. Goes on after a find, and fails at the end.
set -eu
cd "$(dirname "$0")/.."
time=${FUZZTIME:-30s}
export CGO_ENABLED=0 GOMAXPROCS="${FUZZPROCS:-1}"
found=""
for f in $(grep -rlE '^func Fuzz' --include='*_test.go' internal lists policies | grep -F "${FUZZ:-}" | sort); do
	for target in $(sed -nE 's/^func (Fuzz[A-Za-z0-9]+)\(.*/\1/p' "$f"); do
		dir=$(dirname "$f")
		echo "== $dir $target"
		# Some targets open sockets or archives: to make a find shorter would take longer than to find it.
		nice -n 15 go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 10x -parallel "$GOMAXPROCS" "./$dir" || found="$found $dir:$target"
	done
done
[ -z "$found" ] || { echo "found something:$found" >&2; exit 1; }
