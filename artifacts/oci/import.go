package oci

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
)

// importLimit bounds how many blobs one import follows.
const importLimit = 1 << 16

// ImportLayout stores one manifest or index of the OCI image layout in dir,
// with everything it names, and returns its digest. The reference is a digest, or
// a tag in the layout; "" is the only tag there is. Everything is verified before
// anything is stored; all problems are reported. Only plain files inside of dir
// are read.
func ImportLayout(ctx context.Context, w Writer, dir, ref string) (assay.Digest, error) {
	d, err := importLayout(ctx, w, dir, ref)
	if err != nil {
		return assay.Digest{}, fmt.Errorf("import %s: %w", dir, err)
	}
	return d, nil
}

func importLayout(ctx context.Context, w Writer, dir, ref string) (assay.Digest, error) {
	l, err := openLayout(dir)
	if errors.Is(err, ErrInvalid) {
		return assay.Digest{}, damaged(err)
	}
	if err != nil {
		return assay.Digest{}, err
	}
	defer l.root.Close()
	root, err := l.resolve(ref)
	if err != nil {
		return assay.Digest{}, err
	}
	order, err := l.verify(ctx, root)
	if ctx.Err() != nil {
		return assay.Digest{}, err
	}
	if err != nil {
		return assay.Digest{}, damaged(err)
	}
	for _, d := range slices.Backward(order) { // what is named before what names it
		if err := l.store(ctx, w, d); err != nil {
			return assay.Digest{}, err
		}
	}
	return root.Digest, nil
}

// damaged says what can be done about a layout that is not as it should be.
func damaged(err error) error {
	return fmt.Errorf("%w\nthe layout is damaged, or no whole copy: write or copy it again", err)
}

// A layout is an OCI image layout that is read.
type layout struct {
	root  *os.Root
	index Index
}

func openLayout(dir string) (*layout, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	l := &layout{root: root}
	if err := l.readIndex(); err != nil {
		root.Close()
		return nil, err
	}
	return l, nil
}

func (l *layout) readIndex() error {
	b, err := l.read(layoutFile)
	if err != nil {
		return fmt.Errorf("not an OCI image layout: %w", err)
	}
	var mark layoutMark
	if err := decode(b, &mark); err != nil {
		return fmt.Errorf("%s: %w", layoutFile, err)
	}
	if mark.Version != layoutVersion {
		return fmt.Errorf("%s: %w: version %q, want %s", layoutFile, ErrInvalid, mark.Version, layoutVersion)
	}
	if b, err = l.read(indexFile); err != nil {
		return err
	}
	if l.index, err = ParseIndex(b); err != nil {
		return fmt.Errorf("%s: %w", indexFile, err)
	}
	return nil
}

// open opens a plain file of the layout and returns its size.
func (l *layout) open(name string) (*os.File, int64, error) {
	before, err := l.root.Lstat(name)
	if err != nil {
		return nil, 0, err
	}
	if !before.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s: %w: not a plain file", name, ErrInvalid)
	}
	f, err := l.root.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !os.SameFile(before, info) {
		err = fmt.Errorf("%s: changed while it was opened", name)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// read returns a file of at most ManifestLimit bytes.
func (l *layout) read(name string) ([]byte, error) {
	f, size, err := l.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > ManifestLimit {
		return nil, fmt.Errorf("%s: %w: %d bytes, more than %d", name, ErrInvalid, size, ManifestLimit)
	}
	return io.ReadAll(io.LimitReader(f, ManifestLimit))
}

// resolve returns the descriptor of what ref names.
func (l *layout) resolve(ref string) (Descriptor, error) {
	if d, err := assay.ParseDigest(ref); err == nil {
		for _, m := range l.index.Manifests {
			if m.Digest == d {
				return m, nil
			}
		}
		return Descriptor{Digest: d, Size: -1}, nil // it may be deeper down
	}
	var tags []string
	var found []Descriptor
	for _, m := range l.index.Manifests {
		tag := m.Annotations[annotationRefName]
		if tag != "" {
			tags = append(tags, tag)
		}
		if tag != "" && (ref == "" || tag == ref) {
			found = append(found, m)
		}
	}
	if len(found) != 1 {
		return Descriptor{}, fmt.Errorf("tag %q: %d found, want one; the layout has %q", ref, len(found), tags)
	}
	return found[0], nil
}

func blobFile(d assay.Digest) string { return blobsDir + "/" + d.Hex() }

// verify reads everything that root names, and returns it in order, root
// first. It reports every blob that is wrong.
func (l *layout) verify(ctx context.Context, root Descriptor) ([]assay.Digest, error) {
	var order []assay.Digest
	var errs []error
	sizes := map[assay.Digest]int64{}
	queue := []Descriptor{root}
	for len(queue) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		want := queue[0]
		queue = queue[1:]
		size, seen := sizes[want.Digest]
		if !seen {
			if len(order) == importLimit {
				return nil, fmt.Errorf("%w: more than %d blobs", ErrInvalid, importLimit)
			}
			next, n, err := l.verifyBlob(want)
			order, size, sizes[want.Digest] = append(order, want.Digest), n, n
			queue = append(queue, next...)
			if err != nil {
				errs = append(errs, err)
			}
		}
		if want.Size >= 0 && size >= 0 && size != want.Size {
			errs = append(errs, fmt.Errorf("%v: %w: %d bytes, its descriptor says %d",
				want.Digest, artifacts.ErrCorrupt, size, want.Size))
		}
	}
	return order, errors.Join(errs...)
}

// verifyBlob verifies one blob and returns what it names. Its size is -1 where
// there is no such blob.
func (l *layout) verifyBlob(want Descriptor) ([]Descriptor, int64, error) {
	f, size, err := l.open(blobFile(want.Digest))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%v: %w in the layout", want.Digest, fs.ErrNotExist)
		}
		return nil, -1, err
	}
	defer f.Close()
	h, manifest := sha256.New(), new(bytes.Buffer)
	to := io.Writer(h)
	if size <= ManifestLimit {
		to = io.MultiWriter(h, manifest)
	}
	if _, err := io.Copy(to, io.LimitReader(f, size)); err != nil {
		return nil, size, fmt.Errorf("%v: %w", want.Digest, err)
	}
	if assay.Digest(h.Sum(nil)) != want.Digest {
		return nil, size, fmt.Errorf("%v: %w", want.Digest, artifacts.ErrCorrupt)
	}
	switch want.MediaType {
	case MediaTypeManifest, MediaTypeDockerManifest:
		_, err = ParseManifest(manifest.Bytes())
	case MediaTypeIndex, MediaTypeDockerList:
		_, err = ParseIndex(manifest.Bytes())
	}
	if err != nil {
		err = fmt.Errorf("%v: %w", want.Digest, err)
	}
	var names []Descriptor
	for _, l := range Links(manifest.Bytes()) {
		names = append(names, l.Descriptor)
	}
	return names, size, err
}

// store puts a verified blob into w.
func (l *layout) store(ctx context.Context, w Writer, d assay.Digest) error {
	f, _, err := l.open(blobFile(d))
	if err != nil {
		return err
	}
	defer f.Close()
	got, _, err := w.Put(ctx, f)
	if err != nil {
		return err
	}
	if got != d {
		return fmt.Errorf("%v: %w: changed while it was imported", d, artifacts.ErrCorrupt)
	}
	return nil
}
