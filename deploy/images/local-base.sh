#!/bin/sh
# Base images for `make images` where no registry answers: Debian with Python, from Debian's package server alone.
# Needs root and debootstrap. Makes localhost/liftline-base:runtime, and :build, which has pip and a compiler too.
#   deploy/images/local-base.sh podman
set -eu
engine=${1:-podman}
suite=bookworm
mirror=http://deb.debian.org/debian
root=$(mktemp -d /var/tmp/liftline-base.XXXXXX)
trap 'rm -rf "$root"' EXIT

inside() { DEBIAN_FRONTEND=noninteractive LC_ALL=C chroot "$root" "$@"; }
install() { inside apt-get install --quiet --quiet --yes --no-install-recommends "$@" >/dev/null; }

# Without what packages leave behind: lists, caches, logs, manuals, translations.
import() {
    inside apt-get clean
    find "$root/var/lib/apt/lists" "$root/var/cache" "$root/var/log" "$root/tmp" -type f -delete
    rm -rf "$root/usr/share/doc" "$root/usr/share/man" "$root/usr/share/locale" "$root/usr/share/info"
    tar --numeric-owner -C "$root" -c . | "$engine" import --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' - "localhost/liftline-base:$1"
}

debootstrap --variant=minbase --include=ca-certificates,python3 "$suite" "$root" "$mirror" >/dev/null
printf 'deb %s %s main\ndeb %s-security %s-security main\n' "$mirror" "$suite" "$mirror" "$suite" > "$root/etc/apt/sources.list"
inside apt-get update --quiet --quiet
inside apt-get upgrade --quiet --quiet --yes >/dev/null
import runtime
inside apt-get update --quiet --quiet
install g++ git python3-dev python3-pip python3-venv
import build
