#!/bin/sh
# make evasion: every way round the filter that is known, tried against the
# whole gate, also what takes long. CASE=N02 tries only those that begin so;
# UPDATE=1 writes doc/evasion.md.
set -eu
cd "$(dirname "$0")/.."
sh dev/needs.sh
set -- -whole
[ -n "${CASE:-}" ] && set -- "$@" -case "$CASE"
[ -n "${UPDATE:-}" ] && set -- "$@" -update
${GO:-go} test -count=1 -v -timeout 15m ./internal/gate/evasion -args "$@"
