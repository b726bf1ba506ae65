#!/bin/sh
# Runs a command with TEST_PG naming a throw-away PostgreSQL on a unix socket.
set -eu
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1 || true)
[ -n "$bin" ] || bin=$(dirname "$(command -v initdb)")
dir=$(mktemp -d /tmp/belisha-pg.XXXXXX)
as=""
if [ "$(id -u)" = 0 ]; then
	as="runuser -u postgres --"
	chown postgres "$dir"
fi
cleanup() {
	$as "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true
	rm -rf "$dir"
}
trap cleanup EXIT INT TERM
(
	cd "$dir"
	$as "$bin/initdb" -D "$dir/data" -A trust -U belisha --no-sync >/dev/null
	$as "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/log" \
		-o "-k $dir -c listen_addresses='' -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200" start >/dev/null
)
TEST_PG="postgres://belisha@/postgres?host=$dir" "$@"
