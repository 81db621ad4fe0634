// Package images builds workloads: from one directory of Go, C or Rust source Wasm
// modules for wasip1, static native executables, and container images, with no
// Docker and no daemon. The same source and toolchain give the same bytes on
// every machine, whatever its paths, home, time zone or settings.
//
// It stores nothing, fetches no toolchain and runs nothing but compilers: what a right answer
// is, the author wrote down; it is never learned from a run of the thing
// measured.
package images

import "github.com/assay-notebooks/assay"

// Built is a workload as bytes, and the facts about it. It is not yet pinned:
// that takes a store.
type Built struct {
	Name    string
	Args    []string          // without argv[0]
	Env     []string          // KEY=VALUE, in order
	Stdin   []byte            // nil: empty
	Expect  assay.Expectation // zero: nothing but exit status 0
	Steady  bool              // it makes as many calls as it is asked for: assay.CallsVariable
	Scratch bool              // it wants an empty directory as its working directory

	Module   []byte                   // Wasm for wasip1, a command; or the ready reactor that is the whole workload
	Variants map[assay.Variant][]byte // the same source as other modules
	Native   map[string][]byte        // static executables by "linux/amd64"
	Images   map[string]Container     // container images by "linux/amd64"

	Source []byte            // canonical tar of the directory; nil where only a module was given
	Facts  map[string]string // "toolchain", "toolchain_digest", "features", "licence", "url": those that are known
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
	Zig       Zig      `json:"zig,omitzero"`        // for workloads in C
	Rust      Rustup   `json:"rust,omitzero"`       // for workloads in Rust
}

// Rustup is a rustup with the toolchain RustVersion and RustTargets.
type Rustup struct {
	Program   string `json:"program"`    // path
	Home      string `json:"home"`       // its directory of toolchains
	CargoHome string `json:"cargo_home"` // where cargo keeps what it downloads
}

// Zig is the compiler for C, with its C libraries.
type Zig struct {
	Program string       `json:"program"` // path; its version has to be ZigVersion
	Digest  assay.Digest `json:"digest"`  // of what names all of it, the same on every host
	Cache   string       `json:"cache"`   // where it keeps the C libraries that it built; "": in the build's own place
}
