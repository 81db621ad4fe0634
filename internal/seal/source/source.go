// Package source gives the source that figures are sealed with: the packages a
// cell imports, and a go.mod and go.sum for them alone. It is part of the
// binary, so that an installed assay works without a checkout.
//
// It lays the source out and hands out its archive; it builds nothing.
package source

import (
	_ "embed"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/seal/archive"
)

// The requirements of the packages, at the versions of the main go.mod. They
// do not have the names go.mod and go.sum, which would make this directory a
// module. "go test -update" writes them.
var (
	//go:embed go.mod.txt
	goMod []byte
	//go:embed go.sum.txt
	goSum []byte
)

// Files returns the files of the source: a module of its own, at the module
// path of assay.
func Files() ([]archive.File, error) {
	files := []archive.File{{Name: "go.mod", Data: goMod}, {Name: "go.sum", Data: goSum}}
	err := fs.WalkDir(assay.Source, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, "_test.go") {
			return err
		}
		data, err := assay.Source.ReadFile(name)
		files = append(files, archive.File{Name: name, Data: data})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("embedded source: %w", err)
	}
	return files, nil
}

// Archive returns the source as an archive, whose digest is the identity of
// the source. The caller must not change it.
var Archive = sync.OnceValues(func() ([]byte, error) {
	files, err := Files()
	if err != nil {
		return nil, err
	}
	return archive.Pack(files)
})

// Dir returns the directory below cacheDir where the source is laid out, laying
// it out if it is not there. It is read-only, named by the digest of the
// archive, and safe for any number of processes at once.
func Dir(cacheDir string) (string, error) {
	packed, err := Archive()
	if err != nil {
		return "", err
	}
	return DirOf(cacheDir, packed)
}

// Limits bound the source that DirOf accepts.
var Limits = archive.Limits{Files: 1000, Bytes: 64 << 20}

// DirOf is Dir for another source: the archive stored with a seal, which may
// come from a stranger.
func DirOf(cacheDir string, packed []byte) (string, error) {
	files, err := archive.Unpack(packed, Limits)
	if err != nil {
		return "", fmt.Errorf("kernelext source: %w", err)
	}
	return archive.Lay(cacheDir, "kernelext", assay.DigestOf(packed), files)
}
