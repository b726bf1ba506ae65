#!/bin/bash
# Starts the filter as one among the peers: on the folder DATA, at the port that
# the scripts give, with the origin's issuer believed where there is one.
set -eu
proxy=$PORT dns=5399
[ "${1:-}" = dns ] && { proxy=3199; dns=$PORT; }
[ -f "${ORIGIN_CA:-}" ] && cp "$ORIGIN_CA" "$DATA/gate/ca/roots.pem"
# The scripts' picture is bytes at random under a picture's name, and such a file
# is looked at whole; with a picture's first bytes it is what it says.
[ -f "${WORK:-}/www/1m.jpg" ] && printf '\377\330\377\340\0\020JFIF\0\1\1\0\0\1\0\1\0\0' |
	dd of="$WORK/www/1m.jpg" conv=notrunc status=none
exec "$BELISHA" gate --data "$DATA" --listen-proxy "127.0.0.1:$proxy" --listen-dns "127.0.0.1:$dns" \
	--allow-private 127.0.0.0/8 --upstream-dns "$UPSTREAM_DNS"
