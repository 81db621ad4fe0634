#!/bin/sh
# Puts the independent programs that tests ask for a second opinion into the
# cache: what cannot be had is named, and its tests skip by that name.
set -u
here=$(cd "$(dirname "$0")" && pwd)

have() { command -v "$1" >/dev/null 2>&1; }
skip() { echo "test-tools: without $1: $2" >&2; }

if have python3; then
  sh "$here/duckdb/install" >/dev/null || skip duckdb "no virtual environment could be made (python3-venv?)"
  sh "$here/jupyter/install" >/dev/null || skip jupyter "no virtual environment could be made (python3-venv?)"
else
  skip "duckdb and jupyter" "python3 not found"
fi
have chromium || skip chromium "not found; notebooks are not tested in a browser"
have node || skip node "not found; runtime v8 and the referee are not tested"
have unshare || skip unshare "not found; replay without a network is not tested"

# Built once, most of them in seconds, the MinIO server in some minutes.
(cd "$here/.." && go run ./tools/build oras crane conformance minio >/dev/null) || skip "some of them" "as said above"

# What kernels need is built once here, not in the first test that wants one.
"$here/../bin/assay" kernel install --prefix "${ASSAY_CACHE:-$HOME/.cache/assay}/tools/kernelspec" >/dev/null ||
  skip gonb "the kernel could not be built"
