#!/bin/sh
# Base images for `make images` where no registry answers: Debian with Python, from Debian's package server alone.
# Needs root, mmdebstrap and pip. Makes localhost/liftline-base:runtime, and :build, which has pip too.
#   deploy/images/local-base.sh podman
set -eu
engine=${1:-podman}
suite=bookworm
mirror=http://deb.debian.org/debian
name=localhost/liftline-base
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Without manuals and translations.
mmdebstrap --quiet --mode=root --variant=minbase --include=ca-certificates,python3 \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' \
    "$suite" "$scratch/root.tar" "deb $mirror $suite main" "deb $mirror-security $suite-security main"
"$engine" import "$scratch/root.tar" "$name:runtime"

python3 -m pip install --quiet --target "$scratch/pip" pip
printf 'FROM %s:runtime\nCOPY pip /usr/local/lib/python3.11/dist-packages\n' "$name" > "$scratch/Dockerfile"
"$engine" build --quiet --tag "$name:build" "$scratch"
