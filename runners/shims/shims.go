// Package shims holds the sources of the shims: programs around one engine
// each, which tell how long its phases take (docs/shim-protocol.md). They are
// not part of this module, but for wazero's, which its tests run. This package
// builds and runs nothing.
package shims

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"github.com/assay-notebooks/assay/runners"
)

// V8 is the shim of V8, for Node.js. It is also how V8 runs without phases.
//
//go:embed v8/v8.mjs
var V8 []byte

//go:embed shim.mod shim.sum frame/frame.go */main.go */Cargo.toml */Cargo.lock */src/*.rs
var sources embed.FS

// goModule is the path of the module that the shims in Go are programs of.
const goModule = "github.com/assay-notebooks/assay/runners/shims"

// Source returns the files that a shim is built from, by their slash paths.
// The program is built in the directory with the shim's own name.
func Source(name string) (map[string][]byte, error) {
	shared := []string{"protocol"} // of those in Rust
	if _, err := fs.Stat(sources, name+"/main.go"); err == nil {
		shared = []string{"frame", "shim.mod", "shim.sum"}
	}
	files := map[string][]byte{}
	for _, root := range append(shared, name) {
		err := fs.WalkDir(sources, root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := sources.ReadFile(path)
			if name, ok := strings.CutPrefix(path, "shim."); ok {
				path = "go." + name // a go.mod would hide its folder from this module
			}
			files[path] = data
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("shim %s: %w", name, err)
		}
	}
	return files, nil
}

// Wazero returns how wazero's shim is built.
func Wazero() *runners.Build {
	files, err := Source("wazero")
	if err != nil {
		panic(err) // it is embedded
	}
	mod, sum := files["go.mod"], files["go.sum"]
	delete(files, "go.mod")
	delete(files, "go.sum")
	return &runners.Build{Package: goModule + "/wazero", Version: "v1.12.0", Mod: mod, Sum: sum, Files: files}
}
