#!/bin/sh
# The main job from end to end, called by make demo: pin two workloads, run a
# cold-start experiment over the runtimes this machine has, draw two figures,
# delete them, and have them back from the archive byte for byte.
set -eu
cd "$(dirname "$0")/../.."
assay=$PWD/bin/assay
here=notebooks/coldstart

step() { printf '\n== %s\n' "$*"; }

step "a workspace: demo/"
"$assay" init demo

step "pin: two workloads, each built from one source as Wasm, natively, and as a container image"
"$assay" -C demo pin images/workloads/noop images/workloads/matmul

step "run: 30 invocations a trial, in seeded random blocks; then two figures"
"$assay" -C demo run "$here/coldstart.yaml" ${RERUN:+--rerun}

step "replay: delete the figures, draw them again from the archive, compare the bytes"
rm -rf demo/figures
"$assay" -C demo replay --all

step "made"
for file in demo/figures/*; do echo "$file"; done
echo "demo/assay.lock   what is pinned: workloads, runtimes, run, figures"
echo "demo/.assay/store the archive: raw samples, code and bytes of the figures"
cat <<END

Look at demo/figures/coldstart-ecdf.png, then try:
    bin/assay -C demo traces export coldstart      # every sample, as CSV
    bin/assay -C demo replay --all --referee node  # a second engine must give the same bytes
END
