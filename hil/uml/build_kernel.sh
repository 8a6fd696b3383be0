#!/bin/sh
# Builds the box's kernel with virtual time from Debian's kernel source and puts it into the user's cache.
#
# usage: build_kernel.sh [FOLDER]   FOLDER: where to build, about 2 GB (a temporary one, removed afterwards)
# Needs on Debian 12: apt-get install build-essential bc bison flex xz-utils; no root. Takes minutes.
set -eu
package=linux-source-6.1
here=$(cd "$(dirname "$0")" && pwd)
cache=${EXO_EDGE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/exo-edge}

[ "$(uname -m)" = x86_64 ] || { echo "build_kernel.sh: User Mode Linux exists for x86-64 only" >&2; exit 1; }
for tool in apt-get dpkg-deb make gcc bc bison flex xz; do
  command -v $tool >/dev/null || { echo "build_kernel.sh: $tool is missing: apt-get install build-essential bc bison flex xz-utils" >&2; exit 1; }
done

if [ $# -gt 0 ]; then
  mkdir -p "$1"
  cd "$1"
else
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  cd "$folder"
fi

[ -d source ] || {
  apt-get -q download $package
  dpkg-deb -x $package*.deb package
  mkdir source.part
  tar -xf package/usr/src/$package.tar.xz -C source.part --strip-components=1
  mv source.part source
}
cp "$here/virtual_time.defconfig" source/arch/um/configs/exo_edge_defconfig
make -s -C source ARCH=um exo_edge_defconfig
make -s -C source ARCH=um -j"$(nproc)" linux
strip -o linux source/linux
grep -q time-travel= linux || { echo "build_kernel.sh: the kernel came out without virtual time" >&2; exit 1; }
mkdir -p "$cache/uml"
mv linux "$cache/uml/linux.part"
mv "$cache/uml/linux.part" "$cache/uml/linux"
echo "$cache/uml/linux"
