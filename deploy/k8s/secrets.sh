#!/bin/sh
# Makes the Secrets that the manifests ask for (external.yaml) with random values: deploy/k8s/secrets.sh [NAMESPACE]
# For servers in the cluster (overlays/dev). Where NATS and S3 are elsewhere, give theirs:
#   NATS_USER=... NATS_PASSWORD=... S3_ACCESS_KEY=... S3_SECRET_KEY=... deploy/k8s/secrets.sh liftline
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

secret liftline-nats "user=${NATS_USER:-liftline}" "password=${NATS_PASSWORD:-$(random 24)}"
secret liftline-s3 "access-key=${S3_ACCESS_KEY:-$(random 10)}" "secret-key=${S3_SECRET_KEY:-$(random 24)}"
secret liftline-jwt "key=$(openssl rand -base64 32)"
secret liftline-webhooks "key=whsec_$(openssl rand -base64 32)"
