package oci

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/internal/canonical"
)

// A Root is a manifest or index to export, and the tag it gets.
type Root struct {
	Digest assay.Digest
	Name   string // letters, digits, '.', '_', '-'; "": no tag, as for what is found by its subject
}

// The files of an OCI image layout.
const (
	layoutFile    = "oci-layout"
	indexFile     = "index.json"
	blobsDir      = "blobs/sha256"
	layoutVersion = "1.0.0"
)

type layoutMark struct {
	Version string `json:"imageLayoutVersion"`
}

var tagGrammar = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)

// ExportLayout writes an OCI image layout with the roots, everything they
// name, and the parts of every workload among that. The directory appears at
// once and complete, on disk, or not at all; it must be absent or empty. The same
// roots give the same layout. Blobs that are missing or corrupt are all reported.
func ExportLayout(ctx context.Context, r Reader, roots []Root, dir string) error {
	if err := exportLayout(ctx, r, roots, dir); err != nil {
		return fmt.Errorf("export %s: %w", dir, err)
	}
	return nil
}

func exportLayout(ctx context.Context, r Reader, roots []Root, dir string) (err error) {
	if err := checkRoots(roots); err != nil {
		return err
	}
	if err := checkVacant(dir); err != nil {
		return err
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(parent, ".assay-export-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) // once renamed, there is nothing
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := writeLayout(ctx, r, roots, tmp); err != nil {
		return err
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil {
		return err
	}
	return syncDir(parent)
}

func checkRoots(roots []Root) error {
	var errs []error
	seen := map[string]bool{}
	for _, root := range roots {
		switch {
		case root.Name == "":
		case !tagGrammar.MatchString(root.Name):
			errs = append(errs, fmt.Errorf("tag %q: want at most 128 letters, digits, '.', '_' or '-'", root.Name))
		case seen[root.Name]:
			errs = append(errs, fmt.Errorf("tag %q twice", root.Name))
		}
		seen[root.Name] = true
	}
	return errors.Join(errs...)
}

// checkVacant refuses dir if something is there.
func checkVacant(dir string) error {
	info, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%w, and not as a directory; name another place", fs.ErrExist)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%w and is not empty; name a new directory or remove it first", fs.ErrExist)
	}
	return nil
}

// writeLayout fills dir, which is empty.
func writeLayout(ctx context.Context, r Reader, roots []Root, dir string) error {
	e := exporter{
		r:     r,
		blobs: filepath.Join(dir, filepath.FromSlash(blobsDir)),
		index: Index{SchemaVersion: 2, MediaType: MediaTypeIndex, Manifests: []Descriptor{}},
		done:  map[assay.Digest]bool{},
	}
	if err := os.MkdirAll(e.blobs, 0o777); err != nil {
		return err
	}
	if err := e.copyRoots(ctx, roots); err != nil {
		return err
	}
	if err := e.addParts(ctx); err != nil {
		return err
	}
	for name, v := range map[string]any{layoutFile: layoutMark{layoutVersion}, indexFile: e.index} {
		b, err := canonical.JSON(v)
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(dir, name), b); err != nil {
			return err
		}
	}
	for _, p := range []string{e.blobs, filepath.Dir(e.blobs), dir} {
		if err := syncDir(p); err != nil {
			return err
		}
	}
	return nil
}

// An exporter fills one layout.
type exporter struct {
	r         Reader
	blobs     string // the directory
	index     Index
	done      map[assay.Digest]bool // blobs that are written
	manifests []assay.Digest        // of these, what names others, in order
}

// copyRoots lists the roots and copies all that they name. It goes on after a
// blob that cannot be copied, to report them all.
func (e *exporter) copyRoots(ctx context.Context, roots []Root) error {
	var errs []error
	var queue []assay.Digest
	for _, root := range roots {
		d, err := Describe(ctx, e.r, root.Digest)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if root.Name != "" {
			d.Annotations = map[string]string{annotationRefName: root.Name}
		}
		e.index.Manifests = append(e.index.Manifests, d)
		queue = append(queue, root.Digest)
	}
	for len(queue) > 0 && ctx.Err() == nil {
		d := queue[0]
		queue = queue[1:]
		if e.done[d] {
			continue
		}
		e.done[d] = true
		if err := copyBlob(ctx, e.r, d, filepath.Join(e.blobs, d.Hex())); err != nil {
			errs = append(errs, err)
			continue
		}
		children, err := Children(ctx, e.r, d)
		if err != nil {
			errs = append(errs, err)
		}
		if len(children) > 0 {
			e.manifests = append(e.manifests, d)
			queue = append(queue, children...)
		}
	}
	return errors.Join(append(errs, ctx.Err())...)
}

// addParts adds and lists the parts of every workload that was copied.
func (e *exporter) addParts(ctx context.Context) error {
	listed := map[assay.Digest]bool{}
	for _, m := range e.index.Manifests {
		listed[m.Digest] = true
	}
	for _, d := range e.manifests {
		b, err := e.r.ReadAll(ctx, d, ManifestLimit)
		if err != nil {
			return err
		}
		parts, err := workloadParts(ctx, e.r, b)
		if err != nil {
			return err
		}
		for _, p := range parts {
			if listed[p.Digest] {
				continue
			}
			listed[p.Digest] = true
			e.index.Manifests = append(e.index.Manifests, p.Descriptor)
			for _, b := range [][]byte{emptyConfig, p.bytes} {
				if err := e.write(b); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// write writes a blob that is not in the store.
func (e *exporter) write(b []byte) error {
	d := assay.DigestOf(b)
	if e.done[d] {
		return nil
	}
	e.done[d] = true
	return writeFile(filepath.Join(e.blobs, d.Hex()), b)
}

// copyBlob writes the blob d at path, on disk, after which it is what d says.
func copyBlob(ctx context.Context, r Reader, d assay.Digest, path string) error {
	rc, err := r.Open(ctx, d)
	if err != nil {
		return err
	}
	defer rc.Close()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(f, h), rc); err != nil {
		return err
	}
	if assay.Digest(h.Sum(nil)) != d {
		return fmt.Errorf("%v: %w", d, artifacts.ErrCorrupt)
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// writeFile writes a new file, on disk.
func writeFile(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
