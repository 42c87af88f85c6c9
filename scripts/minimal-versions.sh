#!/usr/bin/env bash
# Builds the library with the lowest versions that its Cargo.toml files allow. Needs a nightly cargo.
set -euo pipefail
cd "$(dirname "$0")/.."
copy=target/minimal
mkdir -p "$copy"
rm -rf "${copy:?}"/{macros,runtime,Cargo.toml,Cargo.lock}
cp -r macros runtime "$copy"
sed 's/^members = .*/members = ["macros", "runtime"]/' Cargo.toml >"$copy/Cargo.toml"
# The dependencies of tests do not count.
for manifest in "$copy"/*/Cargo.toml; do
    awk '/^\[/ { keep = $0 !~ /dev-dependencies/ } keep' "$manifest" >"$manifest.new"
    mv "$manifest.new" "$manifest"
done
cd "$copy"
cargo +nightly generate-lockfile -Z direct-minimal-versions
cargo +nightly check --all-features
