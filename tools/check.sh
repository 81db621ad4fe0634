#!/bin/sh
# What can be said about the source without running it. Called by make check.
set -eu
GO=${GO:-go}

echo "check: gofmt"
unformatted=$(git ls-files '*.go' | xargs gofmt -l)
if [ -n "$unformatted" ]; then
  echo "not formatted (run gofmt -w): $unformatted" >&2
  exit 1
fi

echo "check: vet"
$GO vet ./...

echo "check: staticcheck"
$GO tool -modfile=tools/staticcheck/go.mod staticcheck ./...

echo "check: cross-builds"
for target in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64; do
  CGO_ENABLED=0 GOOS=${target%/*} GOARCH=${target#*/} $GO build -o /dev/null ./cmd/assay ./cmd/assay-registry
done
for package in ./kernelext/figure ./kernelext/stats ./kernelext/table; do
  GOOS=wasip1 GOARCH=wasm $GO vet "$package"
done

echo "check: layers and generated documents"
$GO test -count=1 -run 'TestLayers|TestStandardLibraryOnly|TestRegistryApart' . # it runs go list, which the test cache does not see
$GO test -run TestReference ./cmd/assay
