#!/usr/bin/env bash
# Install what the tests use beside Python packages: Java 17 (Apache Spark), Chromium (pages), PostgreSQL (a source) and
# OpenSMTPD (real bounces), which takes the place of a mail server and so is not installed where there is one.
# Does nothing where they are present; where apt cannot be used the tests that need them say how to get them.
set -eu
missing=()
command -v java >/dev/null || missing+=(openjdk-17-jre-headless)
command -v chromium >/dev/null || missing+=(chromium)
command -v postgres >/dev/null || compgen -G "/usr/lib/postgresql/*/bin/postgres" >/dev/null || missing+=(postgresql)
[ -e /usr/sbin/smtpd ] || [ -e /usr/sbin/sendmail ] || missing+=(opensmtpd)
[ "${#missing[@]}" -eq 0 ] && exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  echo "Installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    echo "Could not install ${missing[*]}; the tests that need them will say so. The last lines:" >&2
    tail -5 "$log" >&2
  elif [[ " ${missing[*]} " == *" opensmtpd "* ]]; then # the tests run one of their own; none is to listen on this machine
    systemctl disable --now opensmtpd >/dev/null 2>&1 || true
  fi
  rm -f "$log"
else
  echo "Not installed: ${missing[*]} (needs root and apt); the tests that need them will be skipped and say so."
fi
