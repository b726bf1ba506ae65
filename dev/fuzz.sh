#!/bin/sh
# Runs every fuzz target for FUZZTIME each (default 30s).
set -eu
cd "$(dirname "$0")/.."
time=${FUZZTIME:-30s}
grep -rlE '^func Fuzz' --include='*_test.go' internal lists policies | while read -r f; do
	for target in $(sed -nE 's/^func (Fuzz[A-Za-z0-9]+)\(.*/\1/p' "$f"); do
		echo "== $(dirname "$f") $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "./$(dirname "$f")"
	done
done
