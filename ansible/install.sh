#!/bin/sh
# From an unpacked bundle to the command `kustos install`, with nothing but what lies here and a Debian or Ubuntu.
#   ./install.sh -i inventory.yml
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" = 0 ] || { echo "Please run this as root." >&2; exit 1; }
installer=/opt/kustos/installer
if ! python3 -c 'import ensurepip' 2>/dev/null; then
  echo "deb [trusted=yes] file:$here/debs ./" > /etc/apt/sources.list.d/kustos.list
  only="-o Dir::Etc::sourcelist=sources.list.d/kustos.list -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0"
  apt-get -qq update $only
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y $only --no-install-recommends install python3-venv openssl > /dev/null
fi
[ -x "$installer/bin/python" ] || python3 -m venv "$installer"
"$installer/bin/python" -m pip --disable-pip-version-check -q install --no-index --find-links "$here/wheels" \
  -c "$here/wheels/constraints.txt" 'kustos[install]'
exec "$installer/bin/kustos" install --from "$here" "$@"
