package stores

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/internal/durable"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/mutex"
)

// A SyncReport is what Sync did.
type SyncReport struct {
	Store    string   `json:"store"`
	Archived int      `json:"archived"` // references that it has now, of those that waited
	Waiting  int      `json:"waiting"`  // those that it still may lack
	Blobs    int      `json:"blobs"`    // that were sent
	Bytes    int64    `json:"bytes"`    // of them
	Problems []string `json:"problems"` // what could not be read here
}

// A Transfer says how far blobs are moved between the archive and a store.
type Transfer struct {
	Done, Total int
	Unit        string // "references" or "blobs"
	Bytes       int64  // moved
	Measuring   bool   // nothing is moved, since something is being measured
	Elsewhere   bool   // another process moves what it has begun
}

// syncBatch is how many references are archived at once: few, so that little is
// looked at again when it is interrupted, and enough to keep a server busy.
const syncBatch = 256

// SyncOptions say how Sync archives.
type SyncOptions struct {
	// Now does not wait until nothing is being measured: that may be disturbed.
	Now bool `json:"now"`
	// Progress, if there is one, is called by one goroutine at a time.
	Progress func(Transfer) `json:"-"`
}

// Sync archives everything in a store, named as in Pull, and returns when it is
// there. It looks at every reference, not only at those known to wait. When an
// experiment of this workspace is being measured, it waits, unless told not to.
// The error matches ErrIncomplete if the store still lacks something.
func (set *Set) Sync(ctx context.Context, name string, opts SyncOptions) (SyncReport, error) {
	p, err := set.Named(name)
	if err != nil {
		return SyncReport{}, err
	}
	if err := os.MkdirAll(p.dir, 0o777); err != nil {
		return SyncReport{Store: p.Name}, fmt.Errorf("store %s: %w", p.Name, err)
	}
	s := &syncer{set: set, p: p, all: true, now: opts.Now, progress: opts.Progress, report: SyncReport{Store: p.Name, Problems: []string{}}}
	leave, err := s.takeOver(ctx)
	if err == nil {
		err = s.run(ctx)
		leave()
	}
	if left, listErr := p.Waits().All(); listErr == nil {
		s.report.Waiting = len(left)
	}
	if err != nil {
		err = failure.Classed(failure.ErrIncomplete, err)
	}
	return s.report, err
}

// A syncer archives what waits for one store.
type syncer struct {
	set      *Set
	p        *Place
	all      bool           // look at every reference, once the store answers
	now      bool           // beside what is being measured, too
	progress func(Transfer) // may be nil
	ends     func() bool    // asked before each batch, and while it waits, whether to leave the rest; may be nil
	report   SyncReport
	bad      map[Value]bool                  // what cannot be read here
	sent     map[assay.Digest]bool           // large blobs
	larges   map[assay.Digest][]assay.Digest // those that a value reaches
	light    map[assay.Digest]bool           // what reaches none
}

// errEnded ends a syncer whose work is not wanted any more.
var errEnded = errors.New("not wanted any more")

func (p *Place) lockFile() string { return filepath.Join(p.dir, "lock") }

// otherSync is how long a Sync that is to go on now waits for another one.
const otherSync = time.Second

// takeOver has the process in the background, if there is one, finish what it is
// sending and leave the rest to this Sync, until leave is called. A Sync waits
// for another one; if it is to go on now, both send.
func (s *syncer) takeOver(ctx context.Context) (leave func(), err error) {
	turn, cancel := context.WithCancel(ctx)
	if s.now {
		turn, cancel = context.WithTimeout(ctx, otherSync)
	}
	defer cancel()
	release, err := mutex.Exclude(turn, s.p.wantedFile())
	if err != nil {
		if s.now && ctx.Err() == nil {
			return func() {}, nil
		}
		return nil, err
	}
	for {
		hold, err := mutex.TryLock(s.p.lockFile(), unix.LOCK_EX)
		if err != nil {
			release()
			return nil, err
		}
		if hold != nil {
			return func() {
				hold.Close()
				release()
				if s.p == s.set.using {
					_ = s.set.Upload(context.WithoutCancel(ctx)) // of what is left, or was noted at the end
				}
			}, nil
		}
		if s.progress != nil {
			left, _ := s.p.Waits().All()
			s.progress(Transfer{Total: len(left), Unit: "references", Elsewhere: true})
		}
		select {
		case <-ctx.Done():
			release()
			return nil, context.Cause(ctx)
		case <-time.After(gateInterval):
		}
	}
}

// wantedFile is held by a Sync that archives, or waits until the process in the
// background leaves that to it.
func (p *Place) wantedFile() string { return filepath.Join(p.dir, "wanted") }

// wanted reports whether a Sync holds that file.
func (p *Place) wanted() bool {
	probe, err := mutex.TryLock(p.wantedFile(), unix.LOCK_SH)
	if probe != nil {
		probe.Close()
	}
	return err == nil && probe == nil
}

// run archives what waits until nothing does, and notes how it ended.
func (s *syncer) run(ctx context.Context) error {
	err := s.drain(ctx)
	if ctx.Err() != nil {
		return err
	}
	note := filepath.Join(s.p.dir, "error")
	if err != nil {
		return errors.Join(err, durable.Write(note, noteOf(err)))
	}
	if err := os.Remove(note); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (s *syncer) drain(ctx context.Context) error {
	s.bad, s.report.Problems = map[Value]bool{}, []string{}
	s.sent, s.light = map[assay.Digest]bool{}, map[assay.Digest]bool{}
	s.larges = map[assay.Digest][]assay.Digest{}
	backend, err := s.p.Open(ctx, s.set.Root)
	if noted := s.set.recognize(ctx, s.p, backend, err); noted != nil {
		return fmt.Errorf("store %s: %w", s.p.Name, noted)
	}
	if err != nil {
		return err
	}
	store := artifacts.New(backend)
	if s.all {
		if err := s.set.awaitAll(ctx, s.p); err != nil {
			return fmt.Errorf("store %s: %w", s.p.Name, err)
		}
	}
	for {
		todo, err := s.p.Waits().All()
		if err != nil {
			return fmt.Errorf("store %s: %w", s.p.Name, err)
		}
		todo = slices.DeleteFunc(todo, func(v Value) bool { return s.bad[v] })
		if len(todo) == 0 {
			break
		}
		batch, large := s.next(ctx, todo)
		waits := func() error {
			s.show(len(todo), 0, true)
			return s.ended()
		}
		err = s.upload(ctx, waits, func(ctx context.Context) error {
			if err := s.ended(); err != nil {
				return err
			}
			return s.archive(ctx, store, batch, len(todo))
		})
		if errors.Is(err, errEnded) {
			return nil
		}
		if err != nil && !errors.Is(err, errMeasuring) {
			return fmt.Errorf("store %s: %w", s.p.Name, err)
		}
		if err == nil {
			for _, d := range large {
				s.sent[d] = true
			}
		}
	}
	if len(s.report.Problems) > 0 {
		return fmt.Errorf("store %s: %d references cannot be archived: %s", s.p.Name, len(s.report.Problems), s.report.Problems[0])
	}
	return nil
}

// ended returns errEnded if the rest is to be left.
func (s *syncer) ended() error {
	if s.ends != nil && s.ends() {
		return errEnded
	}
	return nil
}

// largeBlob is how long a blob is, in bytes, that is worth its own upload: what
// is quick to send does not wait for it, time and again if it is cut off.
const largeBlob = 16 << 20

// next returns what is archived next, and the large blobs that it reaches: a
// batch that reaches none, or else one value that does.
func (s *syncer) next(ctx context.Context, todo []Value) (batch []Value, large []assay.Digest) {
	for _, v := range todo {
		if len(s.unsent(ctx, v.Digest)) > 0 {
			continue
		}
		if batch = append(batch, v); len(batch) == syncBatch {
			break
		}
	}
	if len(batch) > 0 {
		return batch, nil
	}
	return todo[:1], s.unsent(ctx, todo[0].Digest)
}

// unsent returns the large blobs that d reaches and that were not sent.
func (s *syncer) unsent(ctx context.Context, d assay.Digest) []assay.Digest {
	large, known := s.larges[d]
	if !known {
		large = s.large(ctx, d)
		s.larges[d] = large
	}
	return slices.DeleteFunc(slices.Clone(large), func(d assay.Digest) bool { return s.sent[d] })
}

// upload calls do when that disturbs nothing, or at once if it is to.
func (s *syncer) upload(ctx context.Context, waits func() error, do func(context.Context) error) error {
	if s.now {
		return do(ctx)
	}
	return s.set.upload(ctx, waits, do)
}

// large returns the large blobs that d reaches, as far as the archive can tell.
func (s *syncer) large(ctx context.Context, d assay.Digest) []assay.Digest {
	var large []assay.Digest
	seen := map[assay.Digest]bool{d: true}
	for look := []assay.Digest{d}; len(look) > 0; {
		d, look = look[0], look[1:]
		if size, err := s.set.Archive.Stat(ctx, d); err == nil && size >= largeBlob {
			large = append(large, d)
		}
		links, _ := oci.ReadLinks(ctx, s.set.Archive, d) // one that cannot be read is found when it is copied
		for _, l := range links {
			if small := l.Kind == oci.Blob && l.Size < largeBlob; !small && !seen[l.Digest] && !s.light[l.Digest] {
				seen[l.Digest] = true
				look = append(look, l.Digest)
			}
		}
	}
	if len(large) == 0 {
		maps.Copy(s.light, seen)
	}
	return large
}

func (s *syncer) show(left int, bytes int64, measuring bool) {
	if s.progress != nil {
		s.progress(Transfer{s.report.Archived, s.report.Archived + left, "references", s.report.Bytes + bytes, measuring, false})
	}
}

// archive copies some of what waits, and takes it from the list.
func (s *syncer) archive(ctx context.Context, to *artifacts.Store, batch []Value, left int) error {
	opts := artifacts.CopyOptions{
		Children: Children(s.set.reading),
		Progress: func(p artifacts.CopyProgress) { s.show(left, p.Bytes, false) },
	}
	for _, v := range batch {
		opts.Refs = append(opts.Refs, artifacts.Ref{Name: v.Remote(), Digest: v.Digest})
	}
	report, err := artifacts.Copy(ctx, to, s.set.reading, opts)
	s.report.Blobs += report.Copied
	s.report.Bytes += report.Bytes
	if err != nil && len(report.Problems) == 0 {
		return err
	}
	failed := map[assay.Digest]error{}
	for _, p := range report.Problems {
		failed[p.Root] = p
	}
	for _, v := range batch {
		if err := failed[v.Digest]; err != nil {
			live, removeErr := s.forget(ctx, v)
			if removeErr != nil {
				return removeErr
			}
			if live {
				s.bad[v] = true
				s.report.Problems = append(s.report.Problems, fmt.Sprintf(`%s: %v: "assay store check" tells more`, v.Name, err))
			}
			continue
		}
		s.report.Archived++
		if err := s.p.Waits().remove(v); err != nil {
			return err
		}
	}
	return nil
}

// forget takes from the list a value that cannot be archived, unless it is
// still that of its reference: one that never became it, or is it no longer, may
// have been collected.
func (s *syncer) forget(ctx context.Context, v Value) (live bool, err error) {
	release, err := mutex.Exclude(ctx, s.set.path(notingFile))
	if err != nil {
		return false, err
	}
	defer release()
	if d, err := s.set.Archive.Ref(ctx, v.Name); err == nil && d == v.Digest {
		return true, nil
	}
	return false, s.p.Waits().remove(v)
}

// unanswered reports whether err is that a store did not answer or does not let
// us in: asking again at once is of no use.
func unanswered(err error) bool {
	return errors.Is(err, minio.ErrUnreachable) || errors.Is(err, minio.ErrDenied) || errors.Is(err, minio.ErrNoBucket) ||
		errors.Is(err, minio.ErrClock) || errors.Is(err, errNotChosen)
}

// Children says which blob of a store names which.
func Children(s *artifacts.Store) artifacts.Children {
	return func(ctx context.Context, d assay.Digest) ([]assay.Digest, error) { return oci.Children(ctx, s, d) }
}
