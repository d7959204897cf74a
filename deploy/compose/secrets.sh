#!/bin/sh
# Makes what compose.yaml asks for, in deploy/compose/secrets: an authority, certificates of it, passwords, the key of tokens.
# What is there already stays. Needs openssl.
#   deploy/compose/secrets.sh [FOLDER]
set -eu
folder=${1:-$(dirname "$0")/secrets}
# Others of this machine can't get into the folder; services, which have another user id, can read what is mounted from it.
mkdir -p "$folder"
chmod 0700 "$folder"
cd "$folder"
umask 022
rm -f nats.new s3.new

# A letter first: nats-server takes digits in its configuration for a number.
random() { printf 'k%s' "$(openssl rand -hex "$1")"; }

# NAME: a key, and a certificate that servers of this name and of this machine can use.
certificate() {
    [ ! -e "$1.crt" ] || return 0
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>/dev/null
    printf 'subjectAltName=DNS:%s,DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n' "$1" > "$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -extfile "$1.ext" -out "$1.crt" 2>/dev/null
    rm "$1.csr" "$1.ext"
    chmod 0644 "$1.key"
}

if [ ! -e ca.crt ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -keyout ca.key -out ca.crt \
        -subj '/CN=Liftline on this machine' -addext 'keyUsage=critical,keyCertSign,cRLSign' 2>/dev/null
fi
for name in gateway nats s3; do certificate "$name"; done

[ -e jwt.key ] || openssl rand -base64 32 > jwt.key
# A user of NATS and a key of S3 for each service, of which the servers are told in variables of other names.
for role in operator setup gateway detector lifter renderer; do
    [ -e "$role.env" ] || printf 'LIFTLINE_NATS_USER=%s\nLIFTLINE_NATS_PASSWORD=%s\nLIFTLINE_S3_ACCESS_KEY=%s\nLIFTLINE_S3_SECRET_KEY=%s\n' \
        "$role" "$(random 24)" "$(random 10)" "$(random 24)" > "$role.env"
    upper=$(printf '%s' "$role" | tr '[:lower:]' '[:upper:]')
    sed -n "s/^LIFTLINE_NATS_PASSWORD=/NATS_${upper}_PASSWORD=/p" "$role.env" >> nats.new
    sed -n -e "s/^LIFTLINE_S3_ACCESS_KEY=/S3_${upper}_ACCESS_KEY=/p" -e "s/^LIFTLINE_S3_SECRET_KEY=/S3_${upper}_SECRET_KEY=/p" \
        "$role.env" >> s3.new
done
mv nats.new nats.env
mv s3.new s3.env
rm -f liftline.env  # was for all services
pwd
