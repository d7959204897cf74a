#!/bin/sh
# An S3 server with TLS at port 8333, in memory: the smoke test's where there is no image of another. Data goes with it.
set -eu
dir=$(mktemp -d)
conf="-c $dir/ceph.conf"
fsid=$(cat /proc/sys/kernel/random/uuid)
osd=$(cat /proc/sys/kernel/random/uuid)
mkdir "$dir/mon" "$dir/osd"
cat > "$dir/ceph.conf" <<END
[global]
fsid = $fsid
mon host = v2:127.0.0.1:3300
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
ms mon client mode = crc
auth cluster required = none
auth service required = none
auth client required = none
run dir = $dir
crash dir = $dir
log file = $dir/\$name.log
admin socket =
pid file =
keyring = $dir/keyring
mon data = $dir/mon
osd data = $dir/osd
osd objectstore = memstore
memstore device bytes = 4294967296
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 1
paxos propose interval = 0.02
paxos min wait = 0.01
[client.rgw]
ms mon client mode = crc
rgw frontends = beast ssl_endpoint=0.0.0.0:8333 ssl_certificate=/etc/s3/tls/tls.crt ssl_private_key=/etc/s3/tls/tls.key tcp_nodelay=1
rgw thread pool size = 32
END
# Options are words.
# shellcheck disable=SC2086
{
    ceph-authtool --create-keyring "$dir/keyring" --gen-key -n client.rgw
    monmaptool --create --addv a v2:127.0.0.1:3300 --fsid "$fsid" "$dir/monmap"
    ceph-mon $conf -i a --mkfs --monmap "$dir/monmap"
    ceph-mon $conf -i a -f &
    ceph $conf osd new "$osd"
    ceph-osd $conf -i 0 --mkfs --osd-uuid "$osd"
    ceph $conf osd crush add osd.0 1.0 root=default host=h
    ceph-osd $conf -i 0 -f &
    radosgw-admin $conf -n client.rgw user create --uid=liftline --display-name=liftline \
        --access-key="$AWS_ACCESS_KEY_ID" --secret="$AWS_SECRET_ACCESS_KEY" >/dev/null
    exec radosgw $conf -n client.rgw -f
}
