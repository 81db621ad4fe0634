package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/internal/durable"
	"github.com/assay-notebooks/assay/internal/mutex"
)

// A waiting is a value of a reference that a store may lack.
type waiting struct {
	name   string // of the local reference
	digest assay.Digest
}

// remote is the name of the reference in a store that workspaces share: every
// value has a name of its own, so that nobody's takes another's place.
func (v waiting) remote() string { return artifacts.Ref{Name: v.name, Digest: v.digest}.Version() }

// A waitlist is the files in a folder, one for each waiting value, named for
// it: "runs,ID@<hex>". It costs what waits, not what is archived. A file is
// there before the reference is set, and goes when the store has acknowledged
// it, so that whatever dies between the two, nothing is forgotten.
type waitlist string

// maxWaiting is the longest name of a reference that has a file of its own.
const maxWaiting = 255 - len("@") - 2*len(assay.Digest{})

func (l waitlist) path(v waiting) string {
	return filepath.Join(string(l), strings.ReplaceAll(v.name, "/", ",")+"@"+v.digest.Hex())
}

// add makes the files durable, and the folder if need be.
func (l waitlist) add(values ...waiting) error {
	if err := os.MkdirAll(string(l), 0o777); err != nil {
		return err
	}
	for _, v := range values {
		if len(v.name) > maxWaiting {
			return fmt.Errorf("reference %.40s…: its name is longer than %d bytes: shorten the one it was given", v.name, maxWaiting)
		}
		f, err := os.OpenFile(l.path(v), os.O_WRONLY|os.O_CREATE, 0o666)
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return durable.SyncDir(string(l))
}

func (l waitlist) remove(v waiting) error {
	if err := os.Remove(l.path(v)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// all returns what waits, sorted by name: of runs, the oldest first. A file
// that is not of the list is left alone.
func (l waitlist) all() ([]waiting, error) {
	dir, err := os.Open(string(l))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var all []waiting
	for _, file := range names {
		name, hex, _ := strings.Cut(file, "@")
		name = strings.ReplaceAll(name, ",", "/")
		d, err := assay.ParseDigest("sha256:" + hex)
		if err != nil || artifacts.CheckRefName(name) != nil {
			continue
		}
		all = append(all, waiting{name, d})
	}
	return all, nil
}

// setRef makes a reference in the archive. For the store in use it notes that it
// waits to be archived there, too, and starts that.
func (w *Workspace) setRef(ctx context.Context, name string, d assay.Digest) error {
	return w.noted(ctx, []waiting{{name, d}}, func() error { return w.Archive.SetRef(ctx, name, d) })
}

// noted notes values as waiting for the store in use, calls set, which makes them
// those of their references, and starts to archive them. Nobody looks meanwhile
// which references there are.
func (w *Workspace) noted(ctx context.Context, values []waiting, set func() error) error {
	if err := w.lookOnce(ctx); err != nil {
		return err
	}
	release, err := mutex.Share(ctx, w.path(notingFile))
	if err != nil {
		return err
	}
	defer release()
	for _, v := range values {
		if err := w.await(ctx, v); err != nil {
			return fmt.Errorf("reference %s: %w", v.name, err)
		}
	}
	if err := set(); err != nil {
		return err
	}
	release()
	_ = w.Upload(ctx) // it is archived; the next command tries to start it again
	return nil
}

// notingFile is held, shared, while values are noted and become those of their
// references, and alone by whoever looks at all references to note them, or
// takes for dead what is noted and of no reference.
const notingFile = "noting.lock"

// await notes what waits for the store in use. Only noted calls it.
func (w *Workspace) await(ctx context.Context, v waiting) error {
	if d, err := w.Archive.Ref(ctx, v.name); err == nil && d == v.digest {
		return nil // it was noted when it was set
	}
	if !w.current() {
		// Another process uses another store, or this one none: of what is made
		// now, that one's list would not know.
		if err := w.outdate(); err != nil {
			return err
		}
	}
	if w.using == nil {
		return nil
	}
	return w.using.waitlist().add(v)
}

// outdate has every reference looked at again, for whichever store is used next.
// The caller shares notingFile.
func (w *Workspace) outdate() error {
	if err := os.Remove(w.path(storesDir, currentFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// current reports whether all that the store in use may lack is noted.
func (w *Workspace) current() bool {
	b, err := os.ReadFile(w.path(storesDir, currentFile))
	return err == nil && w.using != nil && string(b) == w.using.key
}

// lookOnce notes every reference as waiting for the store in use, unless what
// waits for it has been kept up since that was done.
func (w *Workspace) lookOnce(ctx context.Context) error {
	if w.using == nil || w.current() {
		return nil
	}
	release, err := mutex.Exclude(ctx, w.path(notingFile))
	if err != nil {
		return err
	}
	defer release()
	if err := w.awaitAll(ctx, w.using); err != nil {
		return err
	}
	return durable.Write(w.path(storesDir, currentFile), []byte(w.using.key))
}

// awaitAll notes every reference as waiting for a store.
func (w *Workspace) awaitAll(ctx context.Context, p *place) error {
	var all []waiting
	for _, kind := range refKinds {
		for ref, err := range w.Archive.Refs(ctx, kind) {
			if err != nil {
				return err
			}
			all = append(all, waiting{ref.Name, ref.Digest})
		}
	}
	return p.waitlist().add(all...)
}

// recognize notes every reference as waiting for a store, if it is not the one
// that was there when this was last asked: what one had that was lost, the one
// made in its place has not. b and err are what opening it has come to.
func (w *Workspace) recognize(ctx context.Context, p *place, b *minio.Backend, err error) error {
	var made time.Time // zero: there is none
	switch {
	case err == nil:
		made = b.Made()
	case !noStore(err):
		return nil // nobody knows
	}
	stamp := []byte(made.UTC().Format(time.RFC3339) + "\n")
	if b, err := os.ReadFile(p.madeFile()); err == nil && bytes.Equal(b, stamp) {
		return nil
	}
	if err := w.awaitAll(ctx, p); err != nil {
		return err
	}
	return durable.Write(p.madeFile(), stamp)
}

// noStore reports whether err is that there is no store at its address.
func noStore(err error) bool {
	return errors.Is(err, minio.ErrNoStore) || errors.Is(err, minio.ErrNoBucket)
}

// refKinds are the first elements of the references that are archived.
var refKinds = []string{"workloads", "runs", "imports", "figures", "noise", "claims", "links"}

// Unarchived returns the IDs of the runs that the store in use lacks, as far
// as this workspace knows, and what the last try to archive them came to, "" if
// it went well or is going on. It is empty if no store is in use. It costs what
// waits, not what is archived.
func (w *Workspace) Unarchived(ctx context.Context) (ids map[string]bool, lastError string, err error) {
	ids = map[string]bool{}
	if w.using == nil {
		return ids, "", nil
	}
	if err := w.lookOnce(ctx); err != nil {
		return nil, "", fmt.Errorf("store %s: %w", w.using.name, err)
	}
	all, err := w.using.waitlist().all()
	if err != nil {
		return nil, "", fmt.Errorf("store %s: %w", w.using.name, err)
	}
	for _, v := range all {
		if kind, id, _ := strings.Cut(v.name, "/"); kind == "runs" {
			ids[id] = true
		}
	}
	if len(all) > 0 {
		lastError, err = w.using.lastError()
	}
	return ids, lastError, err
}

// StoreInUse returns the name of the store that this workspace archives to, or
// "".
func (w *Workspace) StoreInUse() string {
	if w.using == nil {
		return ""
	}
	return w.using.name
}
