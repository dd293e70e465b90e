#!/bin/sh
# Deploys a build: deploy.sh <folder of the build> [home of the application]
#
#   <home>/releases/<n>  each release, with its node_modules
#   <home>/current       a link to the one that runs
#   <home>/control       where `nestjs-drain serve` takes orders
#
# Ends with 0 when the new release serves. When it does not, the old one has gone on serving: `current` points to it
# again, the bad release is gone, and this ends with 1.
set -eu
build=$1
home=${2:-/srv/orders}
kept=5

mkdir -p "$home/releases"
number=$(ls "$home/releases" | grep -E '^[0-9]+$' | sort -n | tail -1)
number=$((${number:-0} + 1))
previous=$(readlink "$home/current" || true)

# One rename each: nobody ever sees half of a release, or no `current`.
point_to() {
  ln -s "$1" "$home/next"
  mv -T "$home/next" "$home/current"
}

cp -a "$build" "$home/releases/$number.part"
mv "$home/releases/$number.part" "$home/releases/$number"
point_to "releases/$number"

if [ -z "$previous" ] || [ ! -S "$home/control" ]; then
  echo "release $number is current; nothing runs yet"
  exit 0
fi

# The command of the release that runs: the new one may lack it.
if ! "$home/$previous/node_modules/.bin/nestjs-drain" reload --control "$home/control"; then
  point_to "$previous"
  rm -rf "$home/releases/$number"
  echo "release $number does not serve: ${previous#releases/} goes on" >&2
  exit 1
fi

for old in $(ls "$home/releases" | grep -E '^[0-9]+$' | sort -n | head -n -$kept); do
  [ "releases/$old" = "$previous" ] || rm -rf "$home/releases/$old"
done
echo "release $number serves"
