#!/bin/sh
# The whole gate under everything at once for SOAK (default 30m): see internal/gate/soak.
# Prints what was asked and answered, and how large the gate was.
set -eu
cd "$(dirname "$0")/.."
export CGO_ENABLED=0 BELISHA_SOAK="${SOAK:-30m}"
exec nice -n 5 go test -count=1 -timeout 0 -v ./internal/gate/soak
