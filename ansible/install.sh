#!/bin/sh
# From an unpacked bundle to the command `kustos install`, with nothing but what lies here and a Debian or Ubuntu.
#   ./install.sh [--key release.pem.pub | --unverified] [preflight | upgrade | rollback | uninstall] -i inventory.yml
# Before anything of the bundle is run or installed, all of it is checked against its signature by the host's own
# openssl and sha256sum. This file is part of the bundle: docs/operating/install.md says how it is checked itself.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
kept=/etc/kustos/release.pub  # the key of the first installation; later releases have to be signed by the same
key='' verified=yes

fail() { echo "install.sh: $1" >&2; exit 1; }

verify() {
  command -v openssl >/dev/null || fail "openssl is missing, and what is not verified yet must not bring it. Install it \
from the distribution's own medium, or verify the bundle on another machine and say --unverified here."
  beside=$(dirname "$here")/release.pem.pub
  if [ -z "$key" ]; then
    if [ -f "$kept" ]; then key=$kept; elif [ -f "$beside" ]; then key=$beside; else
      fail "by which key is this bundle signed? Give --key release.pem.pub, which came by another way than the bundle."
    fi
  fi
  [ -r "$key" ] || fail "$key cannot be read."
  if [ -f "$kept" ] && ! cmp -s "$key" "$kept"; then
    fail "$key is not the key by which this host was installed ($kept). If your vendor changed it, and told you by \
another way than this bundle, remove $kept and run this again."
  fi
  openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$here/SHA256SUMS" -sigfile "$here/SHA256SUMS.sig" \
    >/dev/null 2>&1 || fail "SHA256SUMS was not signed by $key; do not install this bundle."
  (cd "$here" && sha256sum --check --quiet --strict SHA256SUMS >&2) ||
    fail "the files named above are not as they were signed; unpack the bundle again, or fetch it again."
  strays=$(cd "$here" && { find . ! -type d | sed 's|^\./||'; cut -c 67- SHA256SUMS; cut -c 67- SHA256SUMS
    printf '%s\n' SHA256SUMS SHA256SUMS SHA256SUMS.sig SHA256SUMS.sig manifest.sig manifest.sig
    } | sort | uniq -u | head -n 5)
  [ -z "$strays" ] || fail "these were not signed; unpack into an empty folder: $strays"
}

count=$#
while [ "$count" -gt 0 ]; do  # what is not this script's own goes on to `kustos install`
  word=$1; shift; count=$((count - 1))
  case $word in
    --unverified) verified=no ;;
    --key) [ "$count" -gt 0 ] || fail "--key wants a file."; key=$1; shift; count=$((count - 1)) ;;
    --key=*) key=${word#--key=} ;;
    *) set -- "$@" "$word" ;;
  esac
done
[ "$(id -u)" = 0 ] || fail "please run this as root."
if [ "$verified" = yes ]; then verify; else echo "install.sh: the bundle is not verified, as you wished." >&2; fi

installer=/opt/kustos/installer
if ! python3 -c 'import ensurepip' 2>/dev/null; then
  echo "deb [trusted=yes] file:$here/debs ./" > /etc/apt/sources.list.d/kustos.list
  only="-o Dir::Etc::sourcelist=sources.list.d/kustos.list -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0"
  only="$only -o APT::Sandbox::User=root"  # its own user would not get into a folder below /root
  apt-get -qq update $only
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y $only --no-install-recommends install python3-venv openssl > /dev/null
fi
[ -x "$installer/bin/python" ] || python3 -m venv "$installer"
# By its file: an installer of another release, older or newer, would do for the name alone.
for own in "$here"/wheels/kustos-*.whl; do
  "$installer/bin/python" -m pip --disable-pip-version-check -q install --no-index --find-links "$here/wheels" \
    -c "$here/wheels/constraints.txt" "$own[install]"
done
if [ "$verified" = yes ] && [ ! -f "$kept" ]; then
  install -D -m 644 "$key" "$kept"
fi
if [ "${1:-}" = inventory ]; then exec "$installer/bin/kustos" "$@"; fi
command=install
case ${1:-} in install | preflight | rollback | uninstall | upgrade) command=$1; shift ;; esac
exec "$installer/bin/kustos" "$command" --from "$here" "$@"
