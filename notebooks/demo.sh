#!/bin/sh
# The main job from end to end, called by make demo: execute the quickstart
# notebook without a browser, delete its figures, and have them back from the
# archive byte for byte. With RERUN set it takes new samples first. With
# STORE=minio everything is archived in a MinIO server of its own, too, and a
# clone of the workspace gets it from there.
set -eu
cd "$(dirname "$0")/.."
assay=$PWD/bin/assay

step() { printf '\n== %s\n' "$*"; }

# start_minio starts the server on a free port of this machine alone, with its
# data in demo/.minio, and sets endpoint; it ends with this script.
start_minio() {
    server=$(go run ./tools/build minio)
    mkdir -p demo/.minio/data
    test -e demo/.minio/key || (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' > demo/.minio/key)
    AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=$(cat demo/.minio/key)
    export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
    endpoint=http://127.0.0.1:$((20000 + $$ % 10000))
    MINIO_ROOT_USER=$AWS_ACCESS_KEY_ID MINIO_ROOT_PASSWORD=$AWS_SECRET_ACCESS_KEY \
        MINIO_BROWSER=off MINIO_UPDATE=off MINIO_CALLHOME_ENABLE=off \
        "$server" server --quiet --address "${endpoint#http://}" demo/.minio/data > demo/.minio/log 2>&1 &
    minio=$!
    trap 'kill $minio' EXIT
    echo "MinIO at $endpoint"
}

step "a workspace: demo/"
"$assay" init demo

if [ "${STORE:-}" = minio ]; then
    step "a store beside the archive: MinIO, built from the module proxy"
    start_minio
    "$assay" -C demo store rm lab 2> /dev/null || true # that of an earlier demo
    tries=0
    until "$assay" -C demo store add lab s3://results/demo --endpoint "$endpoint" --create 2> demo/.minio/said; do
        tries=$((tries + 1)) # it takes a moment until the server answers
        test $tries -lt 30 || { cat demo/.minio/said demo/.minio/log >&2; exit 1; }
        sleep 1
    done
elif [ -n "${STORE:-}" ]; then
    echo "make demo: STORE=$STORE: want minio" >&2
    exit 2
fi

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

if [ "${STORE:-}" = minio ]; then
    step "the store: what the runs above archived in the background; sync waits for the rest"
    "$assay" -C demo store sync
    "$assay" -C demo store ls --count
    "$assay" -C demo runs

    step "another machine: a clone of assay.lock and assay.yaml, without the archive"
    clone=$(mktemp -d)
    trap 'kill $minio; rm -rf "$clone"' EXIT
    git -C demo init -q
    git -C demo add assay.lock assay.yaml
    git -C demo -c user.name=demo -c user.email=demo@localhost commit -q --allow-empty -m "pins of the demo"
    git clone -q demo "$clone/demo"
    (cd "$clone/demo" && "$assay" pull --store lab)

    step "the server ends, and the clone replays every figure without it"
    "$assay" -C demo store use --none
    kill $minio
    trap 'rm -rf "$clone"' EXIT
    (cd "$clone/demo" && "$assay" replay --all)
fi

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
