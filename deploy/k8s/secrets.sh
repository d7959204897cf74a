#!/bin/sh
# Makes the Secrets that the manifests ask for (external.yaml) with random values: deploy/k8s/secrets.sh [NAMESPACE]
# For servers in the cluster (overlays/dev). Where NATS and S3 are elsewhere, give theirs, for OPERATOR, SETUP, GATEWAY,
# DETECTOR, LIFTER and RENDERER (docs/operations.md, Users of NATS and S3):
#   DETECTOR_NATS_USER=... DETECTOR_NATS_PASSWORD=... DETECTOR_S3_ACCESS_KEY=... DETECTOR_S3_SECRET_KEY=... ... secrets.sh
# NATS_USER=... and so on are for those that have none of their own.
# Secrets that are there already stay as they are.
set -eu
namespace=${1:-liftline}
umask 077
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# A letter first: nats-server takes digits in its configuration for a number.
random() { printf 'k%s' "$(openssl rand -hex "$1")"; }

# NAME KEY=VALUE...: values go through files, which other users of this machine can't read, and not through arguments.
secret() {
    name=$1
    shift
    if kubectl --namespace "$namespace" get secret "$name" >/dev/null 2>&1; then
        echo "$name is there already"
        return
    fi
    mkdir "$folder/$name"
    for pair in "$@"; do printf '%s' "${pair#*=}" > "$folder/$name/${pair%%=*}"; done
    kubectl --namespace "$namespace" create secret generic "$name" --from-file="$folder/$name"
}

# NAME DEFAULT: what is given for the role, or for all, or the default.
given() { printenv "${upper}_$1" || printenv "$1" || printf '%s\n' "$2"; }

for role in operator setup gateway detector lifter renderer; do
    upper=$(printf '%s' "$role" | tr '[:lower:]' '[:upper:]')
    secret "liftline-$role" \
        "LIFTLINE_NATS_USER=$(given NATS_USER "$role")" "LIFTLINE_NATS_PASSWORD=$(given NATS_PASSWORD "$(random 24)")" \
        "LIFTLINE_S3_ACCESS_KEY=$(given S3_ACCESS_KEY "$(random 10)")" \
        "LIFTLINE_S3_SECRET_KEY=$(given S3_SECRET_KEY "$(random 24)")"
done
secret liftline-jwt "key=$(openssl rand -base64 32)"
secret liftline-webhooks "key=whsec_$(openssl rand -base64 32)"
