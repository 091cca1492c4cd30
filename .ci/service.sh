# shellcheck shell=bash
# Sourced by what needs a running service with the articles of index/sample: `serve PROGRAM FLAG...` starts one and sets
# `address` (HOST:PORT). It ends with the script, as do the processes in `helpers`, and `work`, a folder.

work="$(mktemp -d)"
helpers=()
end() {
    [ "${#helpers[@]}" = 0 ] || kill "${helpers[@]}" 2>/dev/null || true
    rm -rf "$work"
}
trap end EXIT

serve() {
    local baowen="$1"
    shift
    "$baowen" index index/sample --index "$work/index"
    # It is read before the service may have begun to write it.
    : >"$work/said"
    "$baowen" serve --index "$work/index" --listen 127.0.0.1:0 "$@" >"$work/said" 2>&1 &
    local service=$!
    helpers+=("$service")
    for _ in $(seq 600); do
        address="$(sed -n 's/^listening on \([^;]*\);.*/\1/p' "$work/said")"
        [ -z "$address" ] || return 0
        kill -0 "$service" 2>/dev/null || break
        sleep 0.1
    done
    cat "$work/said" >&2
    echo "the service did not come up within a minute" >&2
    return 1
}
