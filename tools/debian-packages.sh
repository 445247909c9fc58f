#!/bin/sh
# Installs what tests and set-up take from Debian, where this is root on a Debian machine and something is missing.
set -eu
missing=''
command -v redis-server >/dev/null 2>&1 || missing="$missing redis-server"
# The README's merchant calls by it.
command -v curl >/dev/null 2>&1 || missing="$missing curl"
# The page of the API is looked at in a real browser.
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
# Calls are made by SIPp.
command -v sipp >/dev/null 2>&1 || missing="$missing sip-tester"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
"${PYTHON:-python3}" -c 'import ensurepip' >/dev/null 2>&1 || missing="$missing python3-venv"
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" -ne 0 ]; then
  echo "Please install:$missing (not root on Debian, so this is yours to do; python3-venv is for all, the others are for tests)" >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of words
apt-get install --yes --quiet --no-install-recommends $missing >/dev/null 2>&1 || {
  apt-get update --quiet >/dev/null
  apt-get install --yes --quiet --no-install-recommends $missing >/dev/null
}
# The tests start their own: the packaged services need not run.
if command -v service >/dev/null 2>&1; then
  for installed in $missing; do service "$installed" stop >/dev/null 2>&1 || true; done
fi
