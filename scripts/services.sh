#!/usr/bin/env bash
# Installs the real services that the tests run against: MariaDB, PostgreSQL, Redis, moto
# (a mock of AWS), AWS's Runtime Interface Emulator, cargo-lambda, and cfn-lint. On Debian 12
# and Ubuntu, as root or with sudo; what is there already is left alone.
#
#   scripts/services.sh [FOLDER]     FOLDER is target/services unless told; tests look there, or
#                                    where REWARM_SERVICES says
set -euo pipefail
folder=${1:-${REWARM_SERVICES:-$(cd "$(dirname "$0")/.." && pwd)/target/services}}

said() { printf '%-14s %s\n' "$1" "$2"; }

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# from_apt NAME PACKAGE PROGRAM-PATTERN: a package, unless its program is installed.
updated=
from_apt() {
    if compgen -G "$3" >/dev/null; then
        said "$1" "is there: $(compgen -G "$3" | tail -n 1)"
        return
    fi
    if [ -z "$updated" ]; then
        as_root apt-get update -qq
        updated=1
    fi
    # Programs alone: no service of the system is started.
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -y -qq --no-install-recommends "$2" >/dev/null
    said "$1" "installed: $(compgen -G "$3" | tail -n 1)"
}

# from_pip NAME REQUIREMENT PROGRAM: a Python package in the folder's own environment.
from_pip() {
    if [ -x "$folder/venv/bin/$3" ]; then
        said "$1" "is there: $folder/venv/bin/$3"
        return
    fi
    "$folder/venv/bin/pip" install -q --disable-pip-version-check "$2"
    said "$1" "installed: $folder/venv/bin/$3"
}

mkdir -p "$folder/bin"
from_apt MariaDB mariadb-server-core /usr/sbin/mariadbd
from_apt "its tools" mariadb-client-core /usr/bin/mariadb
from_apt PostgreSQL postgresql '/usr/lib/postgresql/*/bin/postgres'
from_apt Redis redis-server /usr/bin/redis-server

if [ ! -x "$folder/venv/bin/pip" ]; then
    if ! python3 -m venv "$folder/venv" 2>/dev/null; then
        rm -rf "$folder/venv"
        as_root apt-get update -qq
        as_root apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
        python3 -m venv "$folder/venv"
    fi
fi
from_pip moto 'moto[server]>=5,<6' moto_server
from_pip cargo-lambda 'cargo-lambda>=1.8,<2' cargo-lambda
from_pip cfn-lint 'cfn-lint>=1,<2' cfn-lint

# The emulator is a file in the wheel of AWS's own tool, which is not installed.
emulator=$folder/bin/aws-lambda-rie
if [ -x "$emulator" ]; then
    said RIE "is there: $emulator"
else
    case $(uname -m) in
        aarch64) machine=arm64 ;;
        *) machine=x86_64 ;;
    esac
    download=$(mktemp -d)
    trap 'rm -rf "$download"' EXIT
    "$folder/venv/bin/pip" download -q --disable-pip-version-check --no-deps -d "$download" aws-sam-cli
    "$folder/venv/bin/python" - "$download" "samcli/local/rapid/aws-lambda-rie-$machine" "$emulator" <<'PYTHON'
import glob, os, sys, zipfile
download, member, target = sys.argv[1:]
wheel = zipfile.ZipFile(glob.glob(download + "/*.whl")[0])
with open(target, "wb") as file:
    file.write(wheel.read(member))
os.chmod(target, 0o755)
PYTHON
    said RIE "installed: $emulator"
fi
