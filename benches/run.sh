#!/bin/sh
# Measures rows of docs/speed.md: `benches/run.sh hits path`, or all of them without an argument.
# Each row writes results/ROW.json; the plot is drawn from them.
set -eu
cd "$(dirname "$0")"
[ $# -gt 0 ] || set -- hits misses path cold memory store savings builds expansion plot
for row in "$@"; do
    case $row in
        hits-no-lto) cargo run --quiet --profile no-lto --bin hits -- "$row" ;;
        savings) RUST_LOG=off cargo run --quiet --package savings ;;
        *) cargo run --quiet --release --bin "$row" ;;
    esac
done
