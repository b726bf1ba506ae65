#!/bin/sh
# Says which files are not formatted; changes nothing.
set -eu
bad=$(go tool -modfile=tools/go.mod gofumpt -l cmd internal lists policies stories 2>/dev/null || true)
if [ -n "$bad" ]; then
	echo "not formatted; run: go tool -modfile=tools/go.mod gofumpt -w cmd internal lists policies stories" >&2
	echo "$bad" >&2
	exit 1
fi
