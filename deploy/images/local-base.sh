#!/bin/sh
# Base images for `make images` where no registry answers: Debian with Python, from Debian's package server alone.
# Needs root and mmdebstrap. Makes localhost/liftline-base:runtime, and :build, which has pip too.
#   deploy/images/local-base.sh podman
set -eu
engine=${1:-podman}
suite=bookworm
mirror=http://deb.debian.org/debian

# TAG PACKAGE...: without manuals and translations.
base() {
    tag=$1
    shift
    mmdebstrap --quiet --mode=root --variant=minbase --include="$(printf '%s,' "$@")" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/info/*' \
        "$suite" - "deb $mirror $suite main" "deb $mirror-security $suite-security main" |
        "$engine" import - "localhost/liftline-base:$tag"
}

base runtime ca-certificates python3
base build ca-certificates python3 python3-pip python3-venv
