#!/bin/sh
# SPDX-License-Identifier: MIT
# build.sh CARGO SOURCE WORK OUTPUT
# cargo writes beside Cargo.toml, so it works on a copy.
set -e
mkdir -p "$3"
cp -r "$2/Cargo.toml" "$2/src" "$3"
[ "$1" != /usr/bin/cargo ] || export RUSTC=/usr/bin/rustc
"$1" build --quiet --release --offline --manifest-path "$3/Cargo.toml" \
    --target-dir "$3/target" \
    --config 'source.crates-io.replace-with="debian"' \
    --config 'source.debian.directory="/usr/share/cargo/registry"'
cp "$3/target/release/peer" "$4"
