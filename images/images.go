// Package images builds workloads: from one directory of Go source a Wasm
// module for wasip1, static native executables, and container images, with no
// Docker and no daemon. The same source and Go version give the same bytes on
// every machine, whatever its paths, home, time zone or settings.
//
// It stores nothing and runs nothing but the go command: what a right answer
// is, the author wrote down; it is never learned from a run of the thing
// measured.
package images

import "github.com/assay-notebooks/assay"

// Built is a workload as bytes, and the facts about it. It is not yet pinned:
// that takes a store.
type Built struct {
	Name   string
	Args   []string          // without argv[0]
	Env    []string          // KEY=VALUE, in order
	Stdin  []byte            // nil: empty
	Expect assay.Expectation // zero: nothing but exit status 0
	Steady bool              // it makes as many calls as it is asked for: assay.CallsVariable

	Module []byte               // Wasm for wasip1
	Native map[string][]byte    // static executables by "linux/amd64"
	Images map[string]Container // container images by "linux/amd64"

	Source []byte            // canonical tar of the directory; nil where only a module was given
	Facts  map[string]string // "toolchain", "licence", "url": those that are known
}

// A Container is a container image: its manifest, and every blob that the
// manifest names.
type Container struct {
	Manifest []byte
	Blobs    [][]byte // config, then layers
}

// DefaultPlatforms are the native builds made when Options names none.
var DefaultPlatforms = []string{"linux/amd64", "linux/arm64"}

// Options choose what is built. They change which forms exist, never the
// bytes of a form.
type Options struct {
	Platforms []string `json:"platforms,omitempty"` // of native executables and images; default DefaultPlatforms
	Go        string   `json:"go,omitempty"`        // the go command; default the first on PATH
}
