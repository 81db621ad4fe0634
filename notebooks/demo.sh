#!/bin/sh
# The main job from end to end, called by make demo: execute the quickstart
# notebook without a browser, delete its figures, and have them back from the
# archive byte for byte. With RERUN set it takes new samples first.
set -eu
cd "$(dirname "$0")/.."
assay=$PWD/bin/assay

step() { printf '\n== %s\n' "$*"; }

step "a workspace: demo/"
"$assay" init demo

if [ -n "${RERUN:-}" ]; then
	step "new samples: the notebook's question, asked from a file"
	"$assay" -C demo run notebooks/coldstart/coldstart.yaml --rerun
fi

step "notebook: pin two workloads, measure cold starts and calls, draw figures, test a claim"
"$assay" -C demo notebook run notebooks/quickstart.ipynb -o demo/quickstart.ipynb

step "the same question from a file: the archive has the answer"
"$assay" -C demo run notebooks/coldstart/coldstart.yaml

step "replay: delete the figures, draw them again from the archive, compare the bytes"
rm -rf demo/figures
"$assay" -C demo replay --all

step "made"
echo "demo/quickstart.ipynb the notebook with its outputs"
for file in demo/figures/*; do echo "$file"; done
echo "demo/assay.lock       what is pinned: workloads, runtimes, runs, figures"
echo "demo/.assay/store     the archive: raw samples, code and bytes of the figures"
cat <<END

Look at demo/figures/distribution.png, then try:
    make lab                                       # the same notebook in JupyterLab
    bin/assay -C demo traces export coldstart      # every sample, as CSV
    bin/assay -C demo replay --all --referee node  # a second engine must give the same bytes
END
