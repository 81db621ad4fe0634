package artifactstest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
)

// A closure is blobs under manifests, as a run has, and a reference to the top.
type closure struct {
	leaves [][]byte
	shared assay.Digest // named by both manifests
	below  assay.Digest // a manifest of the first leaves
	top    assay.Digest // a manifest of the rest, and of below
	blobs  map[assay.Digest][]byte
}

func putClosure(t *testing.T, s *artifacts.Store, seed string, sizes ...int) closure {
	t.Helper()
	c := closure{blobs: map[assay.Digest][]byte{}}
	add := func(b []byte) assay.Digest {
		d := putBlob(t, s, b)
		c.blobs[d] = b
		return d
	}
	var ds []assay.Digest
	for i, size := range sizes {
		c.leaves = append(c.leaves, random(seed+string(rune('a'+i)), size))
		ds = append(ds, add(c.leaves[i]))
	}
	c.shared = ds[0]
	c.below = add(Manifest(ds[:2]...))
	c.top = add(Manifest(append(ds[2:], c.below, c.shared)...))
	return c
}

// wantClosure looks in s alone.
func wantClosure(t *testing.T, s *artifacts.Store, c closure) {
	t.Helper()
	for d, want := range c.blobs {
		if got, err := s.ReadAll(t.Context(), d, 8<<20); err != nil || !bytes.Equal(got, want) {
			t.Errorf("read %v: %d bytes, %v, want %d bytes", d, len(got), err, len(want))
		}
	}
}

// spyOf returns a named store that records what it healed.
func spyOf(s *artifacts.Store, name string) (artifacts.Named, *[]error) {
	var healed []error
	return artifacts.Named{Name: name, Store: s, Healed: func(_ assay.Digest, err error) { healed = append(healed, err) }}, &healed
}

const large = 3 << 20 // not verified before it is handed out

func testStoreBehind(t *testing.T, p pair) {
	own, good, bad := artifacts.New(p.b), artifacts.New(new(Memory)), artifacts.New(new(Memory))
	spy, healed := spyOf(good, "good")
	s := artifacts.New(p.a).Behind(artifacts.Named{Name: "bad", Store: bad}, spy)
	read := map[string]func(d assay.Digest) ([]byte, error){
		"ReadAll": func(d assay.Digest) ([]byte, error) { return s.ReadAll(t.Context(), d, 8<<20) },
		"Open": func(d assay.Digest) ([]byte, error) {
			rc, err := s.Open(t.Context(), d)
			if err != nil {
				return nil, err
			}
			b, err := io.ReadAll(rc)
			return b, errors.Join(err, rc.Close())
		},
	}
	for how, read := range read {
		for _, size := range []int{10, 100_000, large} {
			want := random("behind "+how, size)
			d := putBlob(t, good, want)
			for _, wrong := range []string{"missing", "damaged"} {
				*healed = nil
				if wrong == "damaged" {
					wound(t, p.b, d, string(want)+"!")
				}
				got, err := read(d)
				if wrong == "damaged" && size == large && how == "Open" {
					if !errors.Is(err, artifacts.ErrCorrupt) || !strings.Contains(err.Error(), "restored from store good") {
						t.Errorf("%s of %s %d bytes: %v, want ErrCorrupt and that they were restored", how, wrong, size, err)
					}
					got, err = read(d)
				}
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s of %s %d bytes: %d bytes, %v", how, wrong, size, len(got), err)
				}
				if !slices.Equal(*healed, []error{nil}) {
					t.Errorf("%s of %s %d bytes: healed %v, want once", how, wrong, size, *healed)
				}
				if got, err := own.ReadAll(t.Context(), d, 8<<20); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s did not heal %s %d bytes: %v", how, wrong, size, err)
				}
			}
		}
		// A blob that no copy has, or only a damaged one.
		lost := assay.DigestOf([]byte("lost"))
		if _, err := read(lost); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "store good") {
			t.Errorf("%s of a blob that nobody has: %v, want fs.ErrNotExist and the copies' names", how, err)
		}
	}

	// Nothing but Open and ReadAll falls through, and a check changes nothing.
	leaf := putBlob(t, good, []byte("leaf"))
	if _, err := s.Stat(t.Context(), leaf); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat of a blob that a copy has: %v, want fs.ErrNotExist", err)
	}
	putBlob(t, good, Manifest(leaf))
	named := putBlob(t, own, Manifest(leaf))
	setRef(t, own, "runs/1", named)
	wound(t, p.b, named, "names\nnobody")
	report := check(t, s, artifacts.CheckOptions{Children: Children(s)})
	if len(report.Problems) != 1 || report.Problems[0].Kind != artifacts.Corrupt || report.Problems[0].Blob != named {
		t.Errorf("check of a store behind copies: %v, want a corrupt manifest", report.Problems)
	}
	if _, ok := p.a.(artifacts.Locker); ok {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := s.GC(ctx, artifacts.GCOptions{Children: Children(s)}); !errors.Is(err, artifacts.ErrCorrupt) {
			t.Errorf("gc of a store behind copies: %v, want ErrCorrupt", err)
		}
	}

	// Copies that are damaged or cannot be reached, and a store that cannot be
	// written.
	want := random("all damaged", 1000)
	d := putBlob(t, good, want)
	away := artifacts.Named{Name: "away", Store: unreachable()}
	_, err := artifacts.New(p.a).Behind(away).ReadAll(t.Context(), d, 1000)
	if !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, artifacts.ErrUnavailable) {
		t.Errorf("read of a missing blob with all copies away: %v, want both errors", err)
	}
	*healed = nil
	locked := artifacts.New(readOnly{p.a}).Behind(away, spy)
	if got, err := locked.ReadAll(t.Context(), d, 1000); err != nil || !bytes.Equal(got, want) {
		t.Errorf("read in front of a store that cannot be written: %v", err)
	}
	if len(*healed) != 1 || !errors.Is((*healed)[0], syscall.EROFS) {
		t.Errorf("told %v, want that it was not healed", *healed)
	}
	rc, err := locked.Open(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(rc); err != nil || rc.Close() != nil || !bytes.Equal(got, want) {
		t.Errorf("open in front of a store that cannot be written: %v", err)
	}
	wound(t, p.b, d, "own wound")
	wounded := new(Memory)
	wound(t, wounded, d, "its wound")
	if _, err := artifacts.New(p.a).Behind(artifacts.Named{Name: "wounded", Store: artifacts.New(wounded)}).ReadAll(t.Context(), d, 1000); !errors.Is(err, artifacts.ErrCorrupt) {
		t.Errorf("read with the only copy damaged: %v, want ErrCorrupt", err)
	}
	if got, _, err := get(t.Context(), p.b, key(d)); err != nil || got != "own wound" {
		t.Errorf("after that the store holds %q, %v, want it unchanged", got, err)
	}
}

// readOnly refuses to write, and has no other abilities than a plain Backend.
type readOnly struct{ artifacts.Backend }

func (readOnly) Put(context.Context, string, io.Reader, artifacts.Condition) (artifacts.Version, error) {
	return "", syscall.EROFS
}

// unreachable returns a store whose every operation fails.
func unreachable() *artifacts.Store { return artifacts.New(away{}) }

type away struct{ artifacts.Backend }

func (away) Get(context.Context, string) (io.ReadCloser, artifacts.Info, error) {
	return nil, artifacts.Info{}, artifacts.ErrUnavailable
}

func (away) Stat(context.Context, string) (artifacts.Info, error) {
	return artifacts.Info{}, artifacts.ErrUnavailable
}

func testStoreCopy(t *testing.T, p pair) {
	var m Memory
	memory, ours, theirs := artifacts.New(&m), artifacts.New(p.a), artifacts.New(p.b)
	whole := putClosure(t, memory, "whole", 0, 70_000, large, 10)
	// Damage to its closure keeps a root back, and no other.
	lost := putClosure(t, memory, "lost", 10, 20, 30)
	delete1(t, &m, key(lost.below))
	torn := putClosure(t, memory, "torn", 100_000, 20, 30)
	wound(t, &m, torn.shared, string(random("torn", 100_000)))
	refs := []artifacts.Ref{
		{Name: "runs/1/" + whole.top.Hex(), Digest: whole.top}, {Name: "runs/2", Digest: lost.top},
		{Name: "runs/3", Digest: torn.top}, {Name: "runs/4", Digest: whole.below},
	}
	var last artifacts.CopyProgress
	within := false // a blob
	opts := artifacts.CopyOptions{Refs: refs, Children: Children(memory), Progress: func(at artifacts.CopyProgress) {
		within = within || at.Bytes > last.Bytes && at.Blobs == last.Blobs
		if at.Blobs < last.Blobs || at.Bytes < last.Bytes {
			t.Errorf("progress %+v after %+v", at, last)
		}
		last = at
	}}
	report, err := artifacts.Copy(t.Context(), ours, memory, opts)
	if !errors.Is(err, artifacts.ErrCorrupt) || !errors.Is(err, fs.ErrNotExist) || len(report.Problems) != 2 || report.Refs != 2 {
		t.Fatalf("copy of three closures, two damaged = %+v, %v, want 2 references, 2 problems, and both errors", report, err)
	}
	for i, want := range []struct{ root, blob assay.Digest }{{lost.top, lost.below}, {torn.top, torn.shared}} {
		if got := report.Problems[i]; got.Root != want.root || got.Blob != want.blob || got.Why == "" {
			t.Errorf("problem %d = %+v, want %v of %v", i, got, want.blob, want.root)
		}
	}
	if last.Blobs < len(whole.blobs) || last.Bytes != report.Bytes || report.Bytes < large || !within {
		t.Errorf("last progress %+v, report %+v, within a blob %v: want all blobs, the same bytes, and true", last, report, within)
	}
	wantClosure(t, theirs, whole)
	for _, ref := range refs {
		if d, err := theirs.Ref(t.Context(), ref.Name); (err == nil) != (ref.Digest == whole.top || ref.Digest == whole.below) || err == nil && d != ref.Digest {
			t.Errorf("after the copy, %s = %v, %v", ref.Name, d, err)
		}
	}
	// A copy goes on where another ended.
	putBlob(t, memory, Manifest(lost.shared, assay.DigestOf(lost.leaves[1])))
	putBlob(t, memory, torn.leaves[0])
	last = artifacts.CopyProgress{}
	report, err = artifacts.Copy(t.Context(), theirs, memory, opts)
	if err != nil || report.Refs != len(refs) || report.Blobs != len(whole.blobs)+len(lost.blobs)+len(torn.blobs) {
		t.Errorf("copy after the repair = %+v, %v, want all", report, err)
	}
	last = artifacts.CopyProgress{}
	report, err = artifacts.Copy(t.Context(), ours, memory, opts)
	if err != nil || report.Copied != 0 || report.Bytes != 0 || report.Refs != len(refs) {
		t.Errorf("copy once more = %+v, %v, want nothing copied", report, err)
	}
	if report := check(t, ours, artifacts.CheckOptions{ReadData: true, Children: Children(ours)}); len(report.Problems) != 0 {
		t.Errorf("check after the copy: %v", report.Problems)
	}
	// And back, to a store of another kind.
	back := artifacts.New(new(Memory))
	if _, err := artifacts.Copy(t.Context(), back, ours, artifacts.CopyOptions{Roots: []assay.Digest{whole.top}, Children: Children(ours)}); err != nil {
		t.Error(err)
	}
	wantClosure(t, back, whole)

	opts.Progress = nil
	more := putClosure(t, memory, "more", 10, 20)
	opts.Refs = []artifacts.Ref{{Name: "runs/5", Digest: more.top}}
	opts.Children = Children(unreachable())
	if _, err := artifacts.Copy(t.Context(), ours, unreachable(), opts); !errors.Is(err, artifacts.ErrUnavailable) {
		t.Errorf("copy from a store that is away: %v, want ErrUnavailable", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	opts.Children = Children(memory)
	if _, err := artifacts.Copy(ctx, ours, memory, opts); !errors.Is(err, context.Canceled) {
		t.Errorf("copy with an ended context: %v, want context.Canceled", err)
	}
	opts.Refs[0].Name = "../x"
	if _, err := artifacts.Copy(t.Context(), ours, memory, opts); err == nil {
		t.Error("copy with a bad name: no error")
	}
}

// testStoreCopyBounds copies blobs longer than allowed, than named, and than
// their storage says.
func testStoreCopyBounds(t *testing.T, p pair) {
	var m Memory
	memory, to := artifacts.New(&m), artifacts.New(p.a)
	for _, tt := range []struct {
		what string
		from *artifacts.Store
		max  int64
		size int64 // that is named, of the last leaf
		long int   // which leaf is not copied; -1: all are
	}{
		{"without an end", artifacts.New(endless{&m}), 100_000, 500, 0},
		{"longer than allowed", memory, 69_999, 500, 1},
		{"longer than named", memory, 0, 499, 2},
		{"no longer", memory, 70_000, 500, -1},
	} {
		c := putClosure(t, memory, tt.what, 10, 70_000, 500)
		report, err := artifacts.Copy(t.Context(), to, tt.from, artifacts.CopyOptions{
			Refs: []artifacts.Ref{{Name: "runs/" + strings.ReplaceAll(tt.what, " ", "-"), Digest: c.top}}, Children: Children(memory), MaxBytes: tt.max,
			Size: func(d assay.Digest) int64 {
				if d == assay.DigestOf(c.leaves[2]) {
					return tt.size
				}
				return -1
			},
		})
		if tt.long < 0 {
			wantClosure(t, artifacts.New(p.b), c)
			if err != nil || report.Refs != 1 {
				t.Errorf("copy of blobs %s = %+v, %v, want all", tt.what, report, err)
			}
			continue
		}
		if !errors.Is(err, artifacts.ErrTooLarge) || report.Refs != 0 || len(report.Problems) != 1 {
			t.Errorf("copy of blobs %s = %+v, %v, want a problem, and ErrTooLarge", tt.what, report, err)
		}
		if _, err := to.Stat(t.Context(), assay.DigestOf(c.leaves[tt.long])); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("stat of a blob %s after the copy: %v, want fs.ErrNotExist", tt.what, err)
		}
	}
	d := putBlob(t, memory, []byte("endless"))
	if _, err := artifacts.New(endless{&m}).ReadAll(t.Context(), d, 1000); !errors.Is(err, artifacts.ErrTooLarge) {
		t.Errorf("read of a blob without an end: %v, want ErrTooLarge", err)
	}
	if l := leftovers(t, p.b); len(l) != 0 {
		t.Errorf("leftovers = %v, want none", l)
	}
}

// endless says of its values how long they should be, and never ends them.
type endless struct{ artifacts.Backend }

func (b endless) Get(ctx context.Context, key string) (io.ReadCloser, artifacts.Info, error) {
	rc, info, err := b.Backend.Get(ctx, key)
	if err == nil {
		rc = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(rc, zeros{}), rc}
	}
	return rc, info, err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// testStoreCopyRaces copies closures that share blobs, one alone and several at
// once, while a collector takes away what a copy has seen.
func testStoreCopyRaces(t *testing.T, p pair) {
	memory := artifacts.New(new(Memory))
	c := putClosure(t, memory, "races", 10, 70_000, 20, 30)
	seen := assay.DigestOf(c.leaves[1])
	copyTo := func(b artifacts.Backend, name string) {
		taken := false
		opts := artifacts.CopyOptions{
			Refs:     []artifacts.Ref{{Name: "runs/" + name, Digest: c.top}},
			Children: Children(memory), Jobs: 2,
			Progress: func(artifacts.CopyProgress) { // called first when it has looked for all blobs
				if taken {
					return
				}
				taken = true
				if err := p.b.Delete(t.Context(), key(seen)); err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Error(err)
				}
			},
		}
		if _, err := artifacts.Copy(t.Context(), artifacts.New(b), memory, opts); err != nil {
			t.Errorf("copy: %v", err)
		}
	}
	s := artifacts.New(p.b)
	putBlob(t, s, c.leaves[1])
	copyTo(p.a, "alone")
	if _, err := s.Stat(t.Context(), seen); err != nil {
		t.Errorf("after a copy that a collector took a blob from: %v", err)
	}
	both(p, 4, func(b artifacts.Backend, i int) { copyTo(b, string(rune('a'+i))) })
	report := check(t, s, artifacts.CheckOptions{ReadData: true, Children: Children(s)})
	if len(report.Problems) != 0 || report.Refs != 5 {
		t.Errorf("check after five copies = %+v, want 5 references and no problem", report)
	}
}

func testStoreRepairFromCopies(t *testing.T, p pair) {
	var m Memory
	s, memory := artifacts.New(p.a), artifacts.New(&m)
	a, b := putClosure(t, s, "a", 100, 70_000, 20), putClosure(t, s, "b", 200, 300, 400)
	loose, gone := putBlob(t, s, []byte("loose")), putBlob(t, s, []byte("gone"))
	setRef(t, s, "runs/a", a.top)
	setRef(t, s, "runs/b", b.top)
	setRef(t, s, "runs/c", gone)
	for _, d := range []assay.Digest{a.top, a.below} { // as they are kept in a store that others share
		if _, err := artifacts.Copy(t.Context(), memory, s, artifacts.CopyOptions{
			Refs: []artifacts.Ref{{Name: "runs/a/" + d.Hex(), Digest: d}}, Children: Children(s)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := artifacts.Copy(t.Context(), memory, s, artifacts.CopyOptions{
		Refs: []artifacts.Ref{{Name: "runs/b/" + b.top.Hex(), Digest: b.top}}, Children: Children(s)}); err != nil {
		t.Fatal(err)
	}
	wound(t, p.b, a.shared, "wrong")
	delete1(t, p.b, key(a.below)) // and with it two of
	delete1(t, p.b, key(assay.DigestOf(a.leaves[1])))
	delete1(t, p.b, key(b.top))
	put(t, p.b, "refs/runs/b", "torn", artifacts.Condition{})
	put(t, p.b, "refs/runs/d", "torn", artifacts.Condition{})
	put(t, p.b, "notes/readme", "x", artifacts.Condition{})
	wound(t, p.b, loose, "Loose")
	delete1(t, p.b, key(gone))
	// Damage to the copy is not spread.
	wound(t, &m, assay.DigestOf(b.leaves[2]), "wrong")
	delete1(t, p.b, key(assay.DigestOf(b.leaves[2])))
	opts := artifacts.RepairOptions{Copies: []artifacts.Named{{Name: "away", Store: unreachable()}, {Name: "memory", Store: memory}}, Children: Children(s)}
	lines := func(repairs []artifacts.Repair) string {
		var all []string
		for _, r := range repairs {
			all = append(all, r.String())
		}
		return strings.Join(all, "\n")
	}
	report, err := s.Repair(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	repaired := []string{"corrupt: " + key(a.shared), "orphaned: " + key(a.top), "malformed: refs/runs/b", "orphaned: " + key(assay.DigestOf(a.leaves[1])), key(b.top)}
	left := []string{"corrupt: " + key(loose), "dangling: refs/runs/c", "malformed: refs/runs/d", "stray: notes/readme", "orphaned: " + key(assay.DigestOf(b.leaves[2]))}
	if len(report.Repaired) != len(repaired) || len(report.Left) != len(left) || !report.Damaged() {
		t.Errorf("repaired %d, want %d:\n%s\nleft %d, want %d:\n%s", len(report.Repaired), len(repaired), lines(report.Repaired),
			len(report.Left), len(left), lines(report.Left))
	}
	for _, want := range repaired {
		if !strings.Contains(lines(report.Repaired), want) {
			t.Errorf("not repaired: %s", want)
		}
	}
	for _, want := range left {
		if !strings.Contains(lines(report.Left), want) {
			t.Errorf("not left: %s", want)
		}
	}
	wantClosure(t, artifacts.New(p.b), a)
	if got, err := s.Ref(t.Context(), "runs/b"); err != nil || got != b.top {
		t.Errorf("runs/b = %v, %v, want %v", got, err, b.top)
	}
	// What was left is reported again, and nothing is done twice.
	putBlob(t, memory, b.leaves[2])
	putBlob(t, memory, []byte("gone"))
	again, err := s.Repair(t.Context(), opts)
	if err != nil || len(again.Repaired) != 2 || len(again.Left) != 3 {
		t.Errorf("second repair: %v, repaired %s\nleft %s\nwant 2 and 3", err, lines(again.Repaired), lines(again.Left))
	}
	wantClosure(t, artifacts.New(p.b), b)
	// Roots that nothing names are restored, too.
	c := putClosure(t, memory, "c", 10, 20)
	opts.Roots = []assay.Digest{c.top}
	if _, err := s.Repair(t.Context(), opts); err != nil {
		t.Error(err)
	}
	wantClosure(t, artifacts.New(p.b), c)
}
