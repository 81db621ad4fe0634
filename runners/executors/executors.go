// Package executors places work on hosts: it brings the files a plan names,
// starts an agent that outlives it, and says whether that agent lives. It
// reads no journal and decides nothing about the plan.
package executors

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

// ErrBusy says that another agent is at work in a run directory.
var ErrBusy = errors.New("another agent is at work there")

// An Executor places work on one host. Its methods may be called at once, by
// any number of processes.
type Executor interface {
	// Host returns the fingerprint of the host.
	Host(ctx context.Context) (assay.Host, error)

	// Put makes the bytes of d a file on the host and returns its path, which
	// stays as long as the host's cache. What is there whole is not copied.
	// The file may not be written to; executable says whether it may be run.
	Put(ctx context.Context, d assay.Digest, executable bool, blobs Blobs) (path string, err error)

	// Start starts an agent in dir, a run directory on the host that holds
	// plan.json, and returns when it has announced itself. The agent outlives
	// the caller. One that could not begin, such as beside another, is an
	// error with its last words, or its exit status if it had none. All words
	// are in agent.log there too, if the disk has room.
	Start(ctx context.Context, dir string) error

	// Status says how the agent of dir is. The error matches fs.ErrNotExist
	// if none has announced itself there.
	Status(ctx context.Context, dir string) (Status, error)

	// Cancel ends the agent of dir, if one lives: first kindly, so that it
	// says so in its journal, then by force. When it returns nil no agent is
	// at work in dir.
	Cancel(ctx context.Context, dir string) error
}

// Blobs is where an Executor takes the bytes of a digest from.
type Blobs interface {
	Open(ctx context.Context, d assay.Digest) (io.ReadCloser, error)
}

// A Status is what an agent last said of itself, and whether it lives. One
// that does not, and whose State is Running, was killed: start it again.
type Status struct {
	Alive bool
	runners.Agent
}

//go:embed all:agents
var agents embed.FS

// ErrNoAgent says that this assay was built without its agent.
var ErrNoAgent = errors.New(`this assay was built without its agent: run "make build"`)

// AgentBinary returns the agent for a system and processor, or ErrNoAgent.
func AgentBinary(goos, goarch string) ([]byte, error) {
	if goos != "linux" || goarch != "amd64" && goarch != "arm64" {
		return nil, fmt.Errorf("no agent for %s/%s: measure on linux/amd64 or linux/arm64", goos, goarch)
	}
	b, err := agents.ReadFile("agents/assay-agent-" + goos + "-" + goarch)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoAgent
	}
	return b, err
}
