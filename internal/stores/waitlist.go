package stores

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

// A Value is a value of a reference that a store may lack.
type Value struct {
	Name   string // of the local reference
	Digest assay.Digest
}

// Remote is the name of the reference in a store that workspaces share: every
// value has a name of its own, so that nobody's takes another's place.
func (v Value) Remote() string { return artifacts.Ref{Name: v.Name, Digest: v.Digest}.Version() }

// A Waitlist is the files in a folder, one for each waiting value, named for
// it: "runs,ID@<hex>". It costs what waits, not what is archived. A file is
// there before the reference is set, and goes when the store has acknowledged
// it, so that whatever dies between the two, nothing is forgotten.
type Waitlist string

// MaxName is the longest name of a reference that has a file of its own.
const MaxName = 255 - len("@") - 2*len(assay.Digest{})

func (l Waitlist) path(v Value) string {
	return filepath.Join(string(l), strings.ReplaceAll(v.Name, "/", ",")+"@"+v.Digest.Hex())
}

// add makes the files durable, and the folder if need be.
func (l Waitlist) add(values ...Value) error {
	if err := os.MkdirAll(string(l), 0o777); err != nil {
		return err
	}
	for _, v := range values {
		if len(v.Name) > MaxName {
			return fmt.Errorf("reference %.40s…: its name is longer than %d bytes: shorten the one it was given", v.Name, MaxName)
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

func (l Waitlist) remove(v Value) error {
	if err := os.Remove(l.path(v)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// All returns what waits, sorted by name: of runs, the oldest first. A file
// that is not of the list is left alone.
func (l Waitlist) All() ([]Value, error) {
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
	var all []Value
	for _, file := range names {
		name, hex, _ := strings.Cut(file, "@")
		name = strings.ReplaceAll(name, ",", "/")
		d, err := assay.ParseDigest("sha256:" + hex)
		if err != nil || artifacts.CheckRefName(name) != nil {
			continue
		}
		all = append(all, Value{name, d})
	}
	return all, nil
}

// SetRef makes a reference in the archive. For the store in use it notes that it
// waits to be archived there, too, and starts that.
func (set *Set) SetRef(ctx context.Context, name string, d assay.Digest) error {
	return set.Noted(ctx, []Value{{name, d}}, func() error { return set.Archive.SetRef(ctx, name, d) })
}

// Noted notes values as waiting for the store in use, calls refer, which makes them
// those of their references, and starts to archive them. Nobody looks meanwhile
// which references there are.
func (set *Set) Noted(ctx context.Context, values []Value, refer func() error) error {
	if err := set.lookOnce(ctx); err != nil {
		return err
	}
	release, err := mutex.Share(ctx, set.path(notingFile))
	if err != nil {
		return err
	}
	defer release()
	for _, v := range values {
		if err := set.await(ctx, v); err != nil {
			return fmt.Errorf("reference %s: %w", v.Name, err)
		}
	}
	if err := refer(); err != nil {
		return err
	}
	release()
	_ = set.Upload(ctx) // it is archived; the next command tries to start it again
	return nil
}

// notingFile is held, shared, while values are noted and become those of their
// references, and alone by whoever looks at all references to note them, or
// takes for dead what is noted and of no reference.
const notingFile = "noting.lock"

// await notes what waits for the store in use. Only Noted calls it.
func (set *Set) await(ctx context.Context, v Value) error {
	if d, err := set.Archive.Ref(ctx, v.Name); err == nil && d == v.Digest {
		return nil // it was noted when it was set
	}
	if !set.current() {
		// Another process uses another store, or this one none: of what is made
		// now, that one's list would not know.
		if err := set.outdate(); err != nil {
			return err
		}
	}
	if set.using == nil {
		return nil
	}
	return set.using.Waits().add(v)
}

// outdate has every reference looked at again, for whichever store is used next.
// The caller shares notingFile.
func (set *Set) outdate() error {
	if err := os.Remove(set.path(storesDir, currentFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// LookAgain has every reference looked at again by the next upload.
func (set *Set) LookAgain(ctx context.Context) error {
	release, err := mutex.Share(ctx, set.path(notingFile))
	if err != nil {
		return err
	}
	defer release()
	return set.outdate()
}

// current reports whether all that the store in use may lack is noted.
func (set *Set) current() bool {
	b, err := os.ReadFile(set.path(storesDir, currentFile))
	return err == nil && set.using != nil && string(b) == set.using.Key
}

// lookOnce notes every reference as waiting for the store in use, unless what
// waits for it has been kept up since that was done.
func (set *Set) lookOnce(ctx context.Context) error {
	if set.using == nil || set.current() {
		return nil
	}
	release, err := mutex.Exclude(ctx, set.path(notingFile))
	if err != nil {
		return err
	}
	defer release()
	if err := set.awaitAll(ctx, set.using); err != nil {
		return err
	}
	return durable.Write(set.path(storesDir, currentFile), []byte(set.using.Key))
}

// awaitAll notes every reference as waiting for a store.
func (set *Set) awaitAll(ctx context.Context, p *Place) error {
	var all []Value
	for _, kind := range Kinds {
		for ref, err := range set.Archive.Refs(ctx, kind) {
			if err != nil {
				return err
			}
			all = append(all, Value{ref.Name, ref.Digest})
		}
	}
	return p.Waits().add(all...)
}

// recognize notes every reference as waiting for a store, if it is not the one
// that was there when this was last asked: what one had that was lost, the one
// made in its place has not. b and err are what opening it has come to.
func (set *Set) recognize(ctx context.Context, p *Place, b *minio.Backend, err error) error {
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
	if err := set.awaitAll(ctx, p); err != nil {
		return err
	}
	return durable.Write(p.madeFile(), stamp)
}

// noStore reports whether err is that there is no store at its address.
func noStore(err error) bool {
	return errors.Is(err, minio.ErrNoStore) || errors.Is(err, minio.ErrNoBucket)
}

// Kinds are the first elements of the references that are archived.
var Kinds = []string{"workloads", "runs", "imports", "figures", "noise", "claims", "links"}

// Unarchived returns the IDs of the runs that the store in use lacks, as far
// as this workspace knows, and what the last try to archive them came to, "" if
// it went well or is going on. It is empty if no store is in use. It costs what
// waits, not what is archived.
func (set *Set) Unarchived(ctx context.Context) (ids map[string]bool, lastError string, err error) {
	ids = map[string]bool{}
	if set.using == nil {
		return ids, "", nil
	}
	if err := set.lookOnce(ctx); err != nil {
		return nil, "", fmt.Errorf("store %s: %w", set.using.Name, err)
	}
	all, err := set.using.Waits().All()
	if err != nil {
		return nil, "", fmt.Errorf("store %s: %w", set.using.Name, err)
	}
	for _, v := range all {
		if kind, id, _ := strings.Cut(v.Name, "/"); kind == "runs" {
			ids[id] = true
		}
	}
	if len(all) > 0 {
		lastError, _, err = set.using.lastError()
	}
	return ids, lastError, err
}
