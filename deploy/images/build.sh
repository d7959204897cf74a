#!/bin/sh
# Builds all images with podman or docker, and copies what is in them (SBOM) to build/sbom: deploy/images/build.sh [NAME...]; `make images` calls it.
#   ENGINE=docker         another engine; podman if it is there
#   TORCH_INDEX=ADDRESS   another index for PyTorch
#   TORCH_LOCK=torch      for the lifter the package index's PyTorch, with CUDA, instead of torch-cpu
#   BASES=local           never ask a registry; bases by local-base.sh
set -eu
cd "$(dirname "$0")/../.."
engine=${ENGINE:-$(command -v podman >/dev/null && echo podman || echo docker)}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
public=$(sed -n 's/^ARG RUNTIME_IMAGE=//p' services/gateway/Dockerfile)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
[ $# -gt 0 ] || set -- models gateway detector lifter renderer

# Without systemd, as in a container, podman needs to be told how to do without.
if [ "$engine" = podman ] && [ ! -d /run/systemd/system ]; then
    export CONTAINERS_CONF="${CONTAINERS_CONF:-$PWD/deploy/images/containers.conf}"
fi

here() { "$engine" image inspect "$1" >/dev/null 2>&1; }
bases=${BASES:-}
if [ -z "$bases" ]; then
    if here "$public"; then bases=public
    elif here localhost/liftline-base:build; then bases=local
    elif "$engine" pull --quiet "$public" >/dev/null 2>&1; then bases=public
    else bases=local
    fi
fi

options="--build-arg VERSION=$version --build-arg REVISION=$revision"
if [ "$bases" = local ]; then
    here localhost/liftline-base:build || deploy/images/local-base.sh "$engine"
    options="$options --build-arg BUILD_IMAGE=localhost/liftline-base:build --build-arg RUNTIME_IMAGE=localhost/liftline-base:runtime"
fi
# Docker's format keeps HEALTHCHECK. What this machine's pip needs, builds need too: certificates, a folder of wheels.
if [ "$engine" = podman ]; then
    options="$options --format docker"
    if [ -f /etc/pip.conf ]; then cat /etc/pip.conf; else echo '[global]'; fi > "$scratch/pip.conf"
    if [ -d "${PIP_FIND_LINKS:-}" ]; then
        echo "find-links = $PIP_FIND_LINKS" >> "$scratch/pip.conf"
        options="$options -v $PIP_FIND_LINKS:$PIP_FIND_LINKS:ro"
    fi
    options="$options -v $scratch/pip.conf:/etc/pip.conf:ro -v /etc/ssl/certs:/etc/ssl/certs:ro"
fi
if [ -n "${TORCH_INDEX:-}" ]; then options="$options --build-arg TORCH_INDEX=$TORCH_INDEX"
elif ls "${PIP_FIND_LINKS:-/nowhere}"/torch-*+cpu-*.whl >/dev/null 2>&1; then options="$options --build-arg TORCH_INDEX="
fi
if [ -n "${TORCH_LOCK:-}" ]; then options="$options --build-arg TORCH_LOCK=$TORCH_LOCK"; fi
mkdir -p build/sbom

for name in "$@"; do
    target=
    case $name in
        models) file=deploy/images/models.Dockerfile ;;
        detector-gpu) file=services/detector/Dockerfile target="--target gpu" ;;
        *) file=services/$name/Dockerfile ;;
    esac
    echo "liftline-$name:$version ($engine, $bases bases)"
    # shellcheck disable=SC2086
    "$engine" build --quiet $options $target --file "$file" --tag "localhost/liftline-$name:$version" . >/dev/null
    container=$("$engine" create --no-healthcheck "localhost/liftline-$name:$version")
    "$engine" cp "$container:/opt/liftline/sbom.cdx.json" "build/sbom/liftline-$name-$version.cdx.json"
    "$engine" rm "$container" >/dev/null
done
ENGINE=$engine deploy/images/sizes.sh
