#!/bin/sh
# Base images for `make images` where no registry answers: Debian with Python, from Debian's package server alone.
# Needs root, apt and pip. Makes localhost/liftline-base:runtime, and :build, which has pip too.
#   deploy/images/local-base.sh podman
set -eu
engine=${1:-podman}
suite=bookworm
mirror=http://deb.debian.org/debian
name=localhost/liftline-base
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

command -v mmdebstrap >/dev/null || { apt-get update --quiet && apt-get install --quiet --yes --no-install-recommends mmdebstrap; }

# Without manuals and translations.
mmdebstrap --quiet --mode=root --variant=minbase --include=ca-certificates,python3 \
    --customize-hook='rm -rf "$1/usr/share/man" "$1/usr/share/locale" "$1/usr/share/info"' \
    --customize-hook='find "$1/usr/share/doc" -type f ! -name copyright -delete' \
    "$suite" "$scratch/root.tar" "deb $mirror $suite main" "deb $mirror-security $suite-security main"
"$engine" import "$scratch/root.tar" "$name:runtime"

python3 -m pip install --quiet --no-deps --require-hashes --no-build-isolation --target "$scratch/pip" -r "$(dirname "$0")/../locks/pip.txt"
printf 'FROM %s:runtime\nCOPY pip /usr/local/lib/python3.11/dist-packages\n' "$name" > "$scratch/Dockerfile"
"$engine" build --quiet --tag "$name:build" "$scratch"
