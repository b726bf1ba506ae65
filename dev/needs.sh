#!/bin/sh
# Installs what the tests need and is not here: PostgreSQL, Chromium and Postfix, from
# Debian's packages. Without root or apt it only says what is missing.
set -eu
missing=""
have() { command -v "$1" >/dev/null 2>&1; }
have initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
have chromium || have chromium-browser || have google-chrome || missing="$missing chromium"
have postfix || [ -x /usr/sbin/postfix ] || missing="$missing postfix"
have certutil || missing="$missing libnss3-tools"
have 7z || missing="$missing p7zip-full"
have curl || missing="$missing curl"
have openssl || missing="$missing openssl"
have dig || missing="$missing bind9-dnsutils"
have kdig || missing="$missing knot-dnsutils"
have dnsperf || missing="$missing dnsperf"
[ -x /usr/sbin/e2guardian ] || missing="$missing e2guardian"
have clamd || [ -x /usr/sbin/clamd ] || missing="$missing clamav-daemon"
have genisoimage || missing="$missing genisoimage"
have squid || [ -x /usr/sbin/squid ] || missing="$missing squid-openssl"
have c-icap-client || missing="$missing c-icap"
[ -x /usr/sbin/krb5kdc ] || missing="$missing krb5-kdc krb5-admin-server krb5-user"
have radclient || missing="$missing freeradius-utils"
have qpdf || missing="$missing qpdf"
have ip || missing="$missing iproute2"
have nft || [ -x /usr/sbin/nft ] || missing="$missing nftables"
have iptables-restore || [ -x /usr/sbin/iptables-restore ] || missing="$missing iptables"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! have apt-get; then
	echo "The tests need these Debian packages; please install them:$missing" >&2
	exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $missing >/dev/null
