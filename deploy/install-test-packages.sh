#!/bin/sh
# Installs the Debian packages that some tests run against, when they are missing and this is a Debian where we may.
missing=""
command -v prometheus-alertmanager >/dev/null 2>&1 || missing="$missing prometheus-alertmanager"
command -v promtool >/dev/null 2>&1 || missing="$missing prometheus"
command -v openssl >/dev/null 2>&1 || missing="$missing openssl"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "not installing$missing: this needs root and apt-get; the tests that use them will skip" >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
# policy-rc.d keeps the packages from starting services of their own.
if [ ! -e /usr/sbin/policy-rc.d ]; then
  printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d && made=1
fi
apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null
status=$?
[ -n "$made" ] && rm -f /usr/sbin/policy-rc.d
[ $status = 0 ] || echo "could not install$missing; the tests that use them will skip" >&2
exit 0
