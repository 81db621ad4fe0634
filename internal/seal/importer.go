package seal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
)

// types returns the types of packages as they are on wasip1, and an error for
// each that does not build there.
func (w *workshop) types(ctx context.Context, paths []string) (types.Importer, error) {
	p, err := w.list(ctx, paths)
	if err != nil {
		return nil, err
	}
	compiled := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		if p.exports[path] == "" {
			return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
		}
		return os.Open(p.exports[path])
	})
	for _, path := range paths {
		if p.failed[path] != nil {
			continue
		}
		if p.packages[path], err = compiled.Import(path); err != nil {
			return nil, fmt.Errorf("read the types of %s: %w (Go is %s; assay was built with %s and may not know it)",
				path, err, w.toolchain.version, runtime.Version())
		}
	}
	return p, nil
}

// list finds the files with the types of packages and of all that they import.
// Files of the build cache do not change; they may have been deleted.
func (w *workshop) list(ctx context.Context, paths []string) (packageTypes, error) {
	p := packageTypes{exports: map[string]string{}, failed: map[string]error{}, packages: map[string]*types.Package{}}
	asked := listing{"packages", w.toolchain.version, w.toolchain.goroot, w.toolchain.gocache, flags, w.kernelext, paths}
	if w.known.recall(asked, &p.exports) && p.complete() {
		return p, nil
	}
	args := slices.Concat([]string{"list", "-e", "-export", "-deps", "-json=ImportPath,Export,Error,DepsErrors"},
		flags, []string{"--"}, paths)
	out, err := w.toolchain.run(ctx, w.dir, args...)
	if err != nil {
		return p, err
	}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var listed struct {
			ImportPath, Export string
			Error              *listError
			DepsErrors         []*listError
		}
		if err := decoder.Decode(&listed); err == io.EOF {
			break
		} else if err != nil {
			return p, fmt.Errorf("go list: %w", err)
		}
		p.exports[listed.ImportPath] = listed.Export
		if listed.Error != nil {
			p.failed[listed.ImportPath] = listed.Error
		} else if len(listed.DepsErrors) > 0 {
			p.failed[listed.ImportPath] = listed.DepsErrors[0]
		}
	}
	if len(p.failed) == 0 {
		w.known.keep(asked, p.exports)
	}
	return p, nil
}

// packageTypes are the types of some packages, and why others have none.
type packageTypes struct {
	exports  map[string]string // files, by import path
	failed   map[string]error
	packages map[string]*types.Package
}

// complete reports whether all the files are there.
func (p packageTypes) complete() bool {
	for _, file := range p.exports {
		if file == "" {
			continue // unsafe has none
		}
		if _, err := os.Stat(file); err != nil {
			return false
		}
	}
	return true
}

func (p packageTypes) Import(path string) (*types.Package, error) {
	if err := p.failed[path]; err != nil {
		return nil, err
	}
	if pkg := p.packages[path]; pkg != nil {
		return pkg, nil
	}
	return nil, errors.New("it was not asked for")
}

// A listError is why go list could not load a package.
type listError struct{ Err string }

func (e *listError) Error() string {
	first, _, _ := strings.Cut(strings.TrimSpace(e.Err), "\n")
	return first
}
