// Package shims holds the sources of the programs that tell the inner phases of
// engines, one folder each: a Rust crate with its Cargo.lock (and protocol,
// which all crates share), or a Go module with its go.mod and go.sum named
// shim.mod and shim.sum, for a folder with go.mod cannot be embedded. Package
// install builds them.
//
// It builds nothing and runs nothing.
package shims

import "embed"

// Sources is the folders.
//
//go:embed protocol wasm3
var Sources embed.FS
