#!/bin/sh
# make test: everything, on a machine where nothing is prepared.
set -eu
cd "$(dirname "$0")/.."
sh dev/needs.sh
# The whole suite below holds every test of make check.
make lint
echo "== the whole suite, on SQLite and on PostgreSQL"
sh dev/pg.sh go test -count=1 -shuffle=on -timeout 15m ./cmd/... ./internal/... ./lists/... ./policies/... ./stories/...
if command -v gcc >/dev/null 2>&1; then
	echo "== the judge, the door and the kit under the race detector"
	CGO_ENABLED=1 go test -short -race -count=1 -timeout 10m ./internal/verdict/... ./internal/gate/... ./internal/kit/journal ./internal/kit/setting ./internal/kit/tasks
fi
echo "== builds for Linux and Windows"
make cross
