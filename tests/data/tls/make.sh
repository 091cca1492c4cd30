#!/bin/sh
# Makes the certificates of the tests anew: an authority, two certificates of the service, one of a client, and another
# authority that knows nobody. They are for 127.0.0.1 and localhost. They hold from 2020 to 2120, so that no test depends on
# the clock of its machine.
set -e
cd "$(dirname "$0")"
made=$(mktemp -d)
trap 'rm -r "$made"' EXIT
cat > "$made/ca.cnf" <<CNF
[ca]
default_ca = tests
[tests]
database = $made/index.txt
serial = $made/serial
new_certs_dir = $made
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
CNF
: > "$made/index.txt"
echo 01 > "$made/serial"
# name, extensions, and by whom it is signed
sign() {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$made/$1.csr"
    printf '%s\n' "$2" > "$made/$1.ext"
    # shellcheck disable=SC2086
    openssl ca -batch -notext -config "$made/ca.cnf" -in "$made/$1.csr" -out "$1.pem" -extfile "$made/$1.ext" \
        -startdate 20200101000000Z -enddate 21200101000000Z $3
}
authority() {
    sign "$1" 'basicConstraints=critical,CA:true
keyUsage=critical,keyCertSign
subjectKeyIdentifier=hash' "-selfsign -keyfile $1.key"
}
certificate() {
    sign "$1" 'subjectAltName=IP:127.0.0.1,DNS:localhost
extendedKeyUsage=serverAuth,clientAuth' "-cert authority.pem -keyfile authority.key"
}
authority authority
authority stranger
certificate first
certificate second
certificate client
rm -f authority.key stranger.key
