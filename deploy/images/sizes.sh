#!/bin/sh
# The table of docs/images.md: sizes of the images that are here, unpacked, base included.
set -eu
cd "$(dirname "$0")/../.."
engine=${ENGINE:-$(command -v podman >/dev/null && echo podman || echo docker)}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
for name in gateway detector detector-gpu lifter renderer models; do
    image=localhost/liftline-$name:$version
    size=$("$engine" image inspect --format '{{.Size}}' "$image" 2>/dev/null) || continue
    printf '| %s | %d MB |\n' "liftline-$name" "$((size / 1000000))"
done
