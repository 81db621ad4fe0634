package artifacts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay"
)

// ErrMalformed reports a reference whose value is not a digest and a newline.
var ErrMalformed = errors.New("malformed reference")

// A Ref is a name for a digest. Names are slash paths of the characters that
// CheckKey allows: "runs/20261124T181530Z-3f9a1c". A reference cannot be below
// another one.
type Ref struct {
	Name    string       `json:"name"`
	Digest  assay.Digest `json:"digest"`
	ModTime time.Time    `json:"mod_time"`
}

// Version returns the name under which a store that several workspaces share
// keeps this value: below that of the reference, so that no other takes its place.
func (r Ref) Version() string { return r.Name + "/" + r.Digest.Hex() }

// Ref returns the digest that name refers to. A name the store does not have
// is an error matching fs.ErrNotExist.
func (s *Store) Ref(ctx context.Context, name string) (assay.Digest, error) {
	d, _, err := s.ref(ctx, name)
	return d, err
}

func (s *Store) ref(ctx context.Context, name string) (assay.Digest, Info, error) {
	if err := CheckRefName(name); err != nil {
		return assay.Digest{}, Info{}, err
	}
	rc, info, err := s.b.Get(ctx, refPrefix+name)
	if err != nil {
		return assay.Digest{}, Info{}, fmt.Errorf("reference %s: %w", name, err)
	}
	value, err := io.ReadAll(io.LimitReader(rc, maxRef+1))
	if err = errors.Join(err, rc.Close()); err != nil {
		return assay.Digest{}, Info{}, fmt.Errorf("reference %s: %w", name, err)
	}
	d, err := parseRef(value)
	if err != nil {
		return assay.Digest{}, info, fmt.Errorf("reference %s: %w; set it again or delete it", name, err)
	}
	return d, info, nil
}

// SetRef makes name refer to d, whatever it referred to before. It refuses a
// digest that the store does not hold.
func (s *Store) SetRef(ctx context.Context, name string, d assay.Digest) error {
	return s.putRef(ctx, name, d, Condition{})
}

// SwapRef makes name refer to d if it refers to old, and fails with ErrConflict
// if it does not. The zero old means that there must be no such reference.
func (s *Store) SwapRef(ctx context.Context, name string, old, d assay.Digest) error {
	if old.IsZero() {
		return s.putRef(ctx, name, d, Condition{IfAbsent: true})
	}
	is, info, err := s.ref(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reference %s: is gone, was to be %v: %w", name, old, ErrConflict)
	}
	if err != nil {
		return err
	}
	if is != old {
		return fmt.Errorf("reference %s: is %v, was to be %v: %w", name, is, old, ErrConflict)
	}
	return s.putRef(ctx, name, d, Condition{IfVersion: info.Version})
}

// putRef holds the shared lock so that no GC comes between the look at d and
// the reference that keeps it.
func (s *Store) putRef(ctx context.Context, name string, d assay.Digest, cond Condition) (err error) {
	if err := CheckRefName(name); err != nil {
		return err
	}
	unlock, err := s.lock(ctx, false)
	if err != nil {
		return fmt.Errorf("reference %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if _, err := s.Stat(ctx, d); err != nil {
		return fmt.Errorf("reference %s: %w; put the blob before its reference", name, err)
	}
	if _, err := s.b.Put(ctx, refPrefix+name, strings.NewReader(formatRef(d)), cond); err != nil {
		return fmt.Errorf("reference %s: %w", name, err)
	}
	return nil
}

// DeleteRef removes name. What it referred to stays until GC.
func (s *Store) DeleteRef(ctx context.Context, name string) error {
	if err := CheckRefName(name); err != nil {
		return err
	}
	if err := s.b.Delete(ctx, refPrefix+name); err != nil {
		return fmt.Errorf("delete reference %s: %w", name, err)
	}
	return nil
}

// Refs yields the references below prefix ("runs"), or all for "", in no
// promised order. For one it cannot read it yields its name and an error, and
// goes on. One that is deleted meanwhile is left out. It reads several at once,
// and so up to 64 that a caller who leaves early does not see.
func (s *Store) Refs(ctx context.Context, prefix string) iter.Seq2[Ref, error] {
	return func(yield func(Ref, error) bool) {
		var some []listedRef
		for e, err := range s.b.List(ctx, strings.TrimSuffix(refPrefix+prefix, "/")) {
			some = append(some, listedRef{Ref: Ref{Name: strings.TrimPrefix(e.Key, refPrefix), ModTime: e.ModTime}, err: err})
			if len(some) == refsAtOnce {
				if !s.yieldRefs(ctx, some, yield) {
					return
				}
				some = some[:0]
			}
		}
		s.yieldRefs(ctx, some, yield)
	}
}

// refsAtOnce is how many references Refs reads ahead.
const refsAtOnce = 64

// A listedRef is a reference whose value is yet to be read, or why it cannot be.
type listedRef struct {
	Ref
	err  error
	gone bool
}

// yieldRefs reads the values together, and reports whether yield wants more.
func (s *Store) yieldRefs(ctx context.Context, some []listedRef, yield func(Ref, error) bool) bool {
	var g errgroup.Group
	g.SetLimit(DefaultJobs)
	for i := range some {
		if some[i].err == nil {
			g.Go(func() error {
				r := &some[i]
				r.Digest, r.err = s.Ref(ctx, r.Name)
				r.gone = errors.Is(r.err, fs.ErrNotExist)
				return nil
			})
		}
	}
	_ = g.Wait() // each has its own error
	for _, r := range some {
		if !r.gone && !yield(r.Ref, r.err) {
			return false
		}
	}
	return true
}

// CheckRefName reports whether name can name a reference.
func CheckRefName(name string) error { return checkPath("reference", name) }

const refPrefix = "refs/"

// maxRef is the length of the value of every reference: a digest and a newline.
const maxRef = int64(len("sha256:") + 2*len(assay.Digest{}) + 1)

func formatRef(d assay.Digest) string { return d.String() + "\n" }

// parseRef reads exactly what formatRef writes.
func parseRef(value []byte) (assay.Digest, error) {
	line, ok := strings.CutSuffix(string(value), "\n")
	if !ok || int64(len(value)) != maxRef {
		return assay.Digest{}, fmt.Errorf("%w: want a digest and a newline, got %.80q", ErrMalformed, value)
	}
	d, err := assay.ParseDigest(line)
	if err != nil {
		return assay.Digest{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if d.IsZero() {
		return assay.Digest{}, fmt.Errorf("%w: the zero digest names nothing", ErrMalformed)
	}
	return d, nil
}
