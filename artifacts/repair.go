package artifacts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/assay-notebooks/assay"
)

// RepairOptions say from where Repair restores what.
type RepairOptions struct {
	// Copies are asked in turn. Nil: those that the store is Behind.
	Copies []Named `json:"-"`

	// Roots must be in the store with all they reach, as if a reference named
	// each.
	Roots []assay.Digest `json:"roots"`

	// Children says what a blob reaches, reading the store under repair.
	// Without it nobody knows what a restored blob names and is missing, too.
	Children Children `json:"-"`

	// Jobs is how many blobs are worked on at once. 0 is DefaultJobs.
	Jobs int `json:"jobs"`
}

// A RepairReport is what Repair found and did.
type RepairReport struct {
	Checked  Report   `json:"checked"` // before the repair
	Repaired []Repair `json:"repaired"`
	Left     []Repair `json:"left"` // problems that remain
}

// Damaged reports whether something is still lost or wrong.
func (r RepairReport) Damaged() bool {
	return slices.ContainsFunc(r.Left, func(r Repair) bool { return r.Kind != Stray && r.Kind != Temporary })
}

// A Repair is what became of one problem.
type Repair struct {
	Problem
	From string `json:"from,omitempty"` // the copy it was restored from; "" if someone else put it back
	Why  string `json:"why,omitempty"`  // it remains
}

// String returns one line.
func (r Repair) String() string {
	if r.Why != "" {
		return fmt.Sprintf("%s: %s: %s; not repaired: %s", r.Kind, r.Subject, r.Detail, r.Why)
	}
	return fmt.Sprintf("%s: %s: restored from store %s", r.Kind, r.Subject, r.From)
}

// Repair reads everything, as Check with ReadData does, and restores from
// copies what is corrupt, unreadable or missing: blobs, all that a restored blob
// reaches, and references whose value cannot be read. What a copy gives is
// verified before it takes the place of anything. Strays and unfinished writes
// it leaves alone.
//
// It may run beside readers and writers, be killed, and be done again. Its error
// is that it could not look at all, not that something is left.
func (s *Store) Repair(ctx context.Context, opts RepairOptions) (RepairReport, error) {
	if opts.Copies == nil {
		opts.Copies = s.copies
	}
	if opts.Jobs <= 0 {
		opts.Jobs = DefaultJobs
	}
	r := repairer{
		s: s, opts: opts, refs: map[string]found{}, damaged: map[assay.Digest]bool{},
		restored: map[assay.Digest]string{}, lost: map[assay.Digest]error{}, down: map[string]bool{},
	}
	r.report = RepairReport{Repaired: []Repair{}, Left: []Repair{}}
	var err error
	r.report.Checked, err = s.Check(ctx, CheckOptions{ReadData: true, Children: opts.Children, Jobs: opts.Jobs})
	if err == nil {
		err = r.repair(alone(ctx))
	}
	if err != nil {
		return r.report, fmt.Errorf("repair: %w", err)
	}
	return r.report, nil
}

type repairer struct {
	s       *Store
	opts    RepairOptions
	report  RepairReport
	refs    map[string]found      // values for those that cannot be read
	damaged map[assay.Digest]bool // true: must be replaced; false: is missing

	mu       sync.Mutex              // guards what follows
	restored map[assay.Digest]string // from which copy
	lost     map[assay.Digest]error  // could not be restored
	down     map[string]bool         // copies that cannot be used
	missing  []Problem               // that Check could not know of
}

func (r *repairer) repair(ctx context.Context) error {
	var roots []Ref
	for _, d := range r.opts.Roots {
		roots = append(roots, Ref{Digest: d})
	}
	for _, p := range r.report.Checked.Problems {
		if name, ok := p.ref(); ok {
			value := r.find(ctx, name)
			r.refs[name] = value
			if value.err == nil {
				roots = append(roots, Ref{Digest: value.digest})
			}
		}
		if !p.Blob.IsZero() {
			r.damaged[p.Blob] = r.damaged[p.Blob] || p.Kind == Corrupt || p.Kind == Unreadable
			roots = append(roots, Ref{Digest: p.Blob})
		}
	}
	if err := newGraph().walk(ctx, roots, r.opts.Jobs, r.look); err != nil {
		return err
	}
	slices.SortFunc(r.missing, func(a, b Problem) int { return strings.Compare(a.Subject, b.Subject) })
	for _, p := range slices.Concat(r.report.Checked.Problems, r.missing) {
		repair := Repair{Problem: p}
		repair.From, repair.Why = r.outcome(ctx, p)
		if repair.Why != "" {
			r.report.Left = append(r.report.Left, repair)
		} else {
			r.report.Repaired = append(r.report.Repaired, repair)
		}
	}
	return nil
}

// outcome says where p was repaired from, or why it was not. A reference it
// sets again.
func (r *repairer) outcome(ctx context.Context, p Problem) (from, why string) {
	name, isRef := p.ref()
	switch {
	case isRef:
		return r.setRef(ctx, name)
	case p.Blob.IsZero():
		return "", "it is not a matter of lost bytes"
	case r.lost[p.Blob] != nil:
		return "", r.lost[p.Blob].Error()
	}
	return r.restored[p.Blob], ""
}

// setRef sets a reference to the value that a copy has for it.
func (r *repairer) setRef(ctx context.Context, name string) (from, why string) {
	value := r.refs[name]
	if value.err == nil {
		value.err = r.s.SetRef(ctx, name, value.digest)
	}
	if value.err != nil {
		return "", value.err.Error()
	}
	return value.from, ""
}

// ref returns the name of the reference whose value the problem is.
func (p Problem) ref() (string, bool) {
	name, ok := strings.CutPrefix(p.Subject, refPrefix)
	return name, ok && (p.Kind == Malformed || p.Kind == Unreadable) && CheckRefName(name) == nil
}

// find asks the copies for the value of a reference. A copy may keep the
// versions of one below its name, each under its digest; then there must be one
// only.
func (r *repairer) find(ctx context.Context, name string) found {
	var errs []error
	for _, from := range r.usable() {
		d, err := from.Store.Ref(ctx, name)
		if errors.Is(err, fs.ErrNotExist) {
			d, err = onlyVersion(ctx, from.Store, name)
		}
		if err == nil {
			return found{digest: d, from: from.Name}
		}
		errs = append(errs, r.failed(from, err))
	}
	return found{err: noCopy(errs)}
}

// found is a value for a reference.
type found struct {
	digest assay.Digest
	from   string
	err    error
}

func noCopy(errs []error) error {
	if len(errs) == 0 {
		return errors.New("there is no copy to restore it from")
	}
	return errors.Join(errs...)
}

func onlyVersion(ctx context.Context, s *Store, name string) (assay.Digest, error) {
	var only assay.Digest
	for ref, err := range s.Refs(ctx, name) {
		switch {
		case err != nil:
			return assay.Digest{}, err
		case ref.Name != (Ref{Name: name, Digest: ref.Digest}).Version():
		case !only.IsZero():
			return assay.Digest{}, fmt.Errorf("reference %s has several versions; set it to one of them", name)
		default:
			only = ref.Digest
		}
	}
	if only.IsZero() {
		return only, fmt.Errorf("reference %s: %w", name, fs.ErrNotExist)
	}
	return only, nil
}

// usable returns the copies that can be used as far as known.
func (r *repairer) usable() []Named {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.opts.Copies), func(n Named) bool { return r.down[n.Name] })
}

// failed remembers a copy that cannot be used, so that it is waited for once.
func (r *repairer) failed(from Named, err error) error {
	if errors.Is(err, ErrUnavailable) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.down[from.Name] = true
	}
	return from.explain(err)
}

// look restores a blob if it must be, and returns what it names.
func (r *repairer) look(ctx context.Context, n *node) ([]assay.Digest, error) {
	has, err := r.s.has(ctx, n.digest)
	if errors.Is(err, ErrUnavailable) {
		return nil, err
	}
	replace, known := r.damaged[n.digest]
	if !has || replace {
		from, err := r.restore(ctx, n.digest)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		r.restoredFrom(n.digest, from, err, known)
		if err != nil {
			return nil, nil
		}
	}
	if r.opts.Children == nil {
		return nil, nil
	}
	children, err := r.opts.Children(ctx, n.digest)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil: // damaged since it was checked
		r.restoredFrom(n.digest, "", err, known)
	}
	return children, nil
}

func (r *repairer) restoredFrom(d assay.Digest, from string, err error, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !known {
		r.missing = append(r.missing, Problem{Orphaned, blobKey(d), d, "is to be in the store, and is not", restored})
	}
	if err != nil {
		r.lost[d] = err
	} else {
		r.restored[d] = from
	}
}

// restore returns the copy that d was restored from.
func (r *repairer) restore(ctx context.Context, d assay.Digest) (string, error) {
	var errs []error
	for _, from := range r.usable() {
		readErr, writeErr := r.s.restore(ctx, d, from)
		switch {
		case writeErr != nil:
			return "", writeErr
		case readErr == nil:
			return from.Name, nil
		}
		errs = append(errs, r.failed(from, readErr))
	}
	return "", noCopy(errs)
}
