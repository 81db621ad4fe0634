# Two targets do everything: make demo, make test. The others are their parts.
GO      ?= go
CACHE   ?= $(or $(ASSAY_CACHE),$(HOME)/.cache/assay)
VERSION ?= $(shell git describe --always --dirty 2>/dev/null || echo unknown)
AGENTS  := runners/executors/agents
STATIC  := CGO_ENABLED=0 $(GO) build -trimpath
LDFLAGS := -s -w -X github.com/assay-notebooks/assay/internal/lab.Version=$(VERSION)

SHELL       := /bin/bash
.SHELLFLAGS := -o pipefail -c
export ASSAY_CACHE := $(CACHE)

.PHONY: build agents demo lab runtimes test test-slow kills check bench docs tools test-tools clean

build: agents ## bin/assay, bin/assay-registry and bin/assay-agent
	$(STATIC) -ldflags "$(LDFLAGS)" -o bin/assay ./cmd/assay
	$(STATIC) -ldflags "-s -w" -o bin/assay-registry ./cmd/assay-registry
	$(STATIC) -ldflags "-s -w" -o bin/assay-agent ./cmd/assay-agent

agents: ## the agents that assay embeds
	GOOS=linux GOARCH=amd64 $(STATIC) -buildvcs=false -ldflags "-s -w -buildid=" -o $(AGENTS)/assay-agent-linux-amd64 ./cmd/assay-agent
	GOOS=linux GOARCH=arm64 $(STATIC) -buildvcs=false -ldflags "-s -w -buildid=" -o $(AGENTS)/assay-agent-linux-arm64 ./cmd/assay-agent

demo: build ## execute the quickstart notebook on real workloads, then replay its figures; STORE=minio: from MinIO, too
	@sh notebooks/demo.sh

lab: build ## JupyterLab with the quickstart open, in the folder lab/
	@test -e lab/quickstart.ipynb || { mkdir -p lab && cp notebooks/quickstart.ipynb lab/ && bin/assay notebook strip lab/quickstart.ipynb; }
	@bin/assay lab lab/quickstart.ipynb

runtimes: build ## every runtime that the tests want, below the cache; wasmer is built for more than ten minutes
	bin/assay runtimes install --all-live

test: build test-tools ## everything that can be tested here
	$(GO) test -timeout 30m ./...

test-slow: build ## what takes minutes: the contract with lucet (ten more to build it) and containerd, noted in docs/runtimes.md; Rust; simulations in full
	bin/assay runtimes install lucet containerd
	ASSAY_SLOW=1 ASSAY_REQUIRE=lucet,containerd $(GO) test -timeout 60m -count=1 -v -run '^TestSlow$$' ./runners/runtimes -update
	ASSAY_SLOW=1 ASSAY_REQUIRE=rust $(GO) test -timeout 60m -count=1 -run '^Test(Suite|BuildIsReproducible|Coverage.*|FalsePositives)$$' ./images ./kernelext/stats

kills: agents ## the tests that kill, and a fault at each operation of the disk store, in full, to show their counts
	@ASSAY_LONG=1 $(GO) test -count=1 -v -run '^Test(.*Killed.*|Crash|Processes|Resume)$$' ./cmd/assay ./artifacts/journal ./artifacts/disk ./artifacts/minio ./internal/agent | grep -vE '^(=== |PASS)'
	@ASSAY_LONG=1 $(GO) test -count=1 -v -run '^Test(System|Model)$$/^Faults' ./artifacts/disk | grep -vE '^ *(=== |PASS|--- PASS)'

test-tools: ## independent programs that the tests ask for a second opinion
	@sh tools/install.sh

check: agents ## formatting, vet, staticcheck, layers, cross-builds, generated docs
	@sh tools/check.sh

bench: build test-tools ## against peers, in the same run; prints ratios
	@$(GO) run ./tools/bench

docs: build ## docs/cli.md from the help texts
	$(GO) test ./cmd/assay -run TestReference -update

clean:
	rm -rf bin demo $(AGENTS)/assay-agent-*
