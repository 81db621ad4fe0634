package artifactstest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
)

func putBlob(t *testing.T, s *artifacts.Store, b []byte) assay.Digest {
	t.Helper()
	d, err := s.PutBytes(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func setRef(t *testing.T, s *artifacts.Store, name string, d assay.Digest) {
	t.Helper()
	if err := s.SetRef(t.Context(), name, d); err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, s *artifacts.Store, opts artifacts.CheckOptions) artifacts.Report {
	t.Helper()
	report, err := s.Check(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// key is where a store keeps a blob.
func key(d assay.Digest) string { return "blobs/sha256/" + d.Hex() }

// wound overwrites a blob behind the store's back.
func wound(t *testing.T, b artifacts.Backend, d assay.Digest, value string) {
	t.Helper()
	put(t, b, key(d), value, artifacts.Condition{})
}

// Children reads blobs of the form "names" and a digest a line, as a store's
// user would read manifests.
func Children(s *artifacts.Store) artifacts.Children {
	return func(ctx context.Context, d assay.Digest) ([]assay.Digest, error) {
		b, err := s.ReadAll(ctx, d, 1<<20)
		if errors.Is(err, artifacts.ErrTooLarge) {
			return nil, nil // no manifest is so long
		}
		if err != nil {
			return nil, err
		}
		list, ok := strings.CutPrefix(string(b), "names\n")
		if !ok {
			return nil, nil
		}
		var ds []assay.Digest
		for _, line := range strings.Fields(list) {
			d, err := assay.ParseDigest(line)
			if err != nil {
				return nil, err
			}
			ds = append(ds, d)
		}
		return ds, nil
	}
}

// Manifest returns a blob that names others, for Children.
func Manifest(ds ...assay.Digest) []byte {
	b := []byte("names\n")
	for _, d := range ds {
		b = append(b, d.String()+"\n"...)
	}
	return b
}

func testStorePut(t *testing.T, p pair) {
	a, b := artifacts.New(p.a), artifacts.New(p.b)
	for _, size := range []int{0, 1, 100_000, 3 << 20} {
		want := random("put", size)
		for range 2 {
			d, n, err := a.Put(t.Context(), bytes.NewReader(want))
			if err != nil || d != assay.DigestOf(want) || n != int64(size) {
				t.Fatalf("put %d bytes = %v, %d, %v, want %v", size, d, n, err, assay.DigestOf(want))
			}
		}
		d := assay.DigestOf(want)
		if got, err := b.ReadAll(t.Context(), d, int64(size)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("read %d bytes: %d bytes, %v", size, len(got), err)
		}
		if n, err := b.Stat(t.Context(), d); err != nil || n != int64(size) {
			t.Errorf("stat = %d, %v, want %d", n, err, size)
		}
		if size > 0 {
			if _, err := b.ReadAll(t.Context(), d, int64(size-1)); !errors.Is(err, artifacts.ErrTooLarge) {
				t.Errorf("read with limit %d of %d bytes: %v, want ErrTooLarge", size-1, size, err)
			}
		}
	}
	for _, d := range []assay.Digest{{}, assay.DigestOf([]byte("never put"))} {
		_, statErr := a.Stat(t.Context(), d)
		_, openErr := a.Open(t.Context(), d)
		for _, err := range []error{statErr, openErr} {
			if err == nil || !d.IsZero() && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%v, which was never put: %v, want fs.ErrNotExist", d, err)
			}
		}
	}
	if _, _, err := a.Put(t.Context(), brokenReader{}); !errors.Is(err, errReader) {
		t.Errorf("put of a broken reader: %v, want its error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.PutBytes(ctx, []byte("cancelled")); !errors.Is(err, context.Canceled) {
		t.Errorf("put with an ended context: %v, want context.Canceled", err)
	}
	if report := check(t, b, artifacts.CheckOptions{ReadData: true}); report.Blobs != 4 || len(report.Problems) != 0 {
		t.Errorf("check = %+v, want 4 blobs and no problem", report)
	}
}

func testStoreRepair(t *testing.T, p pair) {
	s := artifacts.New(p.a)
	want := random("repair", 100_000)
	flipped := bytes.Clone(want)
	flipped[50_000] ^= 1
	d := putBlob(t, s, want)
	for name, wrong := range map[string][]byte{
		"flipped": flipped, "truncated": want[:99_999], "longer": append(bytes.Clone(want), 0), "empty": nil,
	} {
		wound(t, p.b, d, string(wrong))
		if _, err := s.ReadAll(t.Context(), d, 1<<20); !errors.Is(err, artifacts.ErrCorrupt) {
			t.Errorf("read of %s blob: %v, want ErrCorrupt", name, err)
		}
		rc, err := s.Open(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, rc)
		if _, again := rc.Read(make([]byte, 1)); n != int64(len(wrong)) || !errors.Is(err, artifacts.ErrCorrupt) || again == io.EOF {
			t.Errorf("copy of %s blob = %d, %v, then %v, want %d, ErrCorrupt", name, n, err, again, len(wrong))
		}
		if err := rc.Close(); err != nil {
			t.Error(err)
		}
		report := check(t, s, artifacts.CheckOptions{ReadData: true})
		if len(report.Problems) != 1 || report.Problems[0].Kind != artifacts.Corrupt || report.Problems[0].Subject != key(d) {
			t.Errorf("check of %s blob: %v, want it corrupt", name, report.Problems)
		}
		if got := putBlob(t, s, want); got != d {
			t.Errorf("put = %v, want %v", got, d)
		}
		if got, err := s.ReadAll(t.Context(), d, 1<<20); err != nil || !bytes.Equal(got, want) {
			t.Errorf("read after putting %s blob again: %v", name, err)
		}
	}
}

func testStoreBatch(t *testing.T, p pair) {
	s := artifacts.New(p.a)
	old := putBlob(t, s, []byte("old"))
	bad := putBlob(t, s, []byte("bad"))
	wound(t, p.b, bad, "Bad")
	batch := s.Batch()
	want := map[assay.Digest]string{}
	for _, value := range []string{"one", "two", "one", "old", "bad", ""} {
		d, n, err := batch.Put(t.Context(), strings.NewReader(value))
		if err != nil || n != int64(len(value)) || d != assay.DigestOf([]byte(value)) {
			t.Fatalf("put %q = %v, %d, %v", value, d, n, err)
		}
		want[d] = value
	}
	one := assay.DigestOf([]byte("one"))
	if _, err := s.Stat(t.Context(), one); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat before commit: %v, want fs.ErrNotExist", err)
	}
	// A collector of another process takes one that the batch has seen.
	if err := p.b.Delete(t.Context(), key(old)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := batch.Put(t.Context(), brokenReader{}); !errors.Is(err, errReader) {
		t.Errorf("put of a broken reader: %v, want its error", err)
	}
	if err := batch.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	for d, value := range want {
		if got, err := s.ReadAll(t.Context(), d, 100); err != nil || string(got) != value {
			t.Errorf("read %q = %q, %v", value, got, err)
		}
	}
	discarded := s.Batch()
	d, _, err := discarded.Put(t.Context(), strings.NewReader("discarded"))
	if err != nil {
		t.Fatal(err)
	}
	if err := discarded.Discard(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stat(t.Context(), d); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat after discard: %v, want fs.ErrNotExist", err)
	}
	if err := s.Batch().Commit(t.Context()); err != nil {
		t.Errorf("commit of nothing: %v", err)
	}
	if l := leftovers(t, p.a); len(l) != 0 {
		t.Errorf("leftovers = %v, want none", l)
	}
}

func testStoreRefs(t *testing.T, p pair) {
	a, b := artifacts.New(p.a), artifacts.New(p.b)
	one, two := putBlob(t, a, []byte("one")), putBlob(t, a, []byte("two"))
	never := assay.DigestOf([]byte("never put"))
	for _, d := range []assay.Digest{never, {}} {
		if err := a.SetRef(t.Context(), "runs/x", d); err == nil {
			t.Errorf("set to %v, which the store does not hold: no error", d)
		}
	}
	if _, err := a.Ref(t.Context(), "runs/x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing reference: %v, want fs.ErrNotExist", err)
	}
	for _, name := range []string{"", "/", "a/", "../x", "a/../b", ".hidden", "a b", "a\n"} {
		if err := a.SetRef(t.Context(), name, one); err == nil {
			t.Errorf("set %q: no error", name)
		}
	}
	for _, name := range []string{"top", "runs/1", "runs/2", "figures/cold/start"} {
		setRef(t, a, name, one)
		if d, err := b.Ref(t.Context(), name); err != nil || d != one {
			t.Errorf("%s = %v, %v, want %v", name, d, err, one)
		}
	}
	setRef(t, b, "runs/1", two)
	conflicts := []struct{ old, d assay.Digest }{{one, one}, {assay.Digest{}, one}, {never, two}}
	for _, c := range conflicts {
		if err := a.SwapRef(t.Context(), "runs/1", c.old, c.d); !errors.Is(err, artifacts.ErrConflict) {
			t.Errorf("swap %v, which it is not: %v, want ErrConflict", c.old, err)
		}
	}
	if err := a.SwapRef(t.Context(), "runs/none", one, two); !errors.Is(err, artifacts.ErrConflict) {
		t.Errorf("swap of a missing reference: %v, want ErrConflict", err)
	}
	if err := a.SwapRef(t.Context(), "runs/1", two, one); err != nil {
		t.Error(err)
	}
	if err := a.SwapRef(t.Context(), "runs/3", assay.Digest{}, two); err != nil {
		t.Error(err)
	}
	put(t, p.b, "refs/runs/bad", "not a digest", artifacts.Condition{})
	if _, err := a.Ref(t.Context(), "runs/bad"); !errors.Is(err, artifacts.ErrMalformed) {
		t.Errorf("malformed reference: %v, want ErrMalformed", err)
	}
	got := map[string]assay.Digest{}
	for ref, err := range b.Refs(t.Context(), "runs") {
		if (err != nil) != (ref.Name == "runs/bad") {
			t.Errorf("refs: %s: %v", ref.Name, err)
		}
		got[ref.Name] = ref.Digest
	}
	want := map[string]assay.Digest{"runs/1": one, "runs/2": one, "runs/3": two, "runs/bad": {}}
	if len(got) != len(want) {
		t.Errorf("refs = %v, want %v", got, want)
	}
	for name, d := range want {
		if got[name] != d {
			t.Errorf("refs: %s = %v, want %v", name, got[name], d)
		}
	}
	setRef(t, a, "runs/bad", one)
	if err := b.DeleteRef(t.Context(), "runs/1"); err != nil {
		t.Error(err)
	}
	if err := a.DeleteRef(t.Context(), "runs/1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("delete of a missing reference: %v, want fs.ErrNotExist", err)
	}
}

func testStoreCheck(t *testing.T, p pair) {
	s := artifacts.New(p.a)
	blob := func(value string) assay.Digest { return putBlob(t, s, []byte(value)) }
	lost, good := blob("lost"), blob("good")
	child, flipped, unreferenced := blob("lost child"), blob("flipped"), blob("unreferenced")
	parent := putBlob(t, s, Manifest(good, child))
	top := putBlob(t, s, Manifest(parent, flipped))
	setRef(t, s, "runs/top", top)
	setRef(t, s, "runs/lost", lost)
	opts := artifacts.CheckOptions{ReadData: true, Children: Children(s)}
	if report := check(t, s, opts); report.Blobs != 7 || report.Refs != 2 || report.Bytes == 0 || len(report.Problems) != 0 {
		t.Fatalf("check = %+v, want 7 blobs, 2 references and no problem", report)
	}
	for _, d := range []assay.Digest{lost, child} {
		if err := p.b.Delete(t.Context(), key(d)); err != nil {
			t.Fatal(err)
		}
	}
	wound(t, p.b, flipped, "Flipped")
	wound(t, p.b, unreferenced, "")
	put(t, p.b, "refs/runs/torn", "sha256:00", artifacts.Condition{})
	put(t, p.b, "refs/runs/zero", assay.Digest{}.String()+"\n", artifacts.Condition{})
	put(t, p.b, "blobs/sha256/notes.txt", "x", artifacts.Condition{})
	put(t, p.b, "notes/readme", "x", artifacts.Condition{})
	want := []struct {
		kind    artifacts.ProblemKind
		subject string
		detail  string
	}{
		{artifacts.Corrupt, key(flipped), "digest"},
		{artifacts.Corrupt, key(unreferenced), "0 bytes"},
		{artifacts.Dangling, "refs/runs/lost", lost.String()},
		{artifacts.Malformed, "refs/runs/torn", "sha256:00"},
		{artifacts.Malformed, "refs/runs/zero", "zero"},
		{artifacts.Orphaned, key(parent), child.String()},
		{artifacts.Stray, "blobs/sha256/notes.txt", ""},
		{artifacts.Stray, "notes/readme", ""},
	}
	slices.SortStableFunc(want[:2], func(x, y struct {
		kind    artifacts.ProblemKind
		subject string
		detail  string
	}) int {
		return strings.Compare(x.subject, y.subject)
	})
	report := check(t, s, opts)
	if len(report.Problems) != len(want) {
		t.Fatalf("check found %d problems, want %d:\n%v", len(report.Problems), len(want), report.Problems)
	}
	for i, w := range want {
		got := report.Problems[i]
		if got.Kind != w.kind || got.Subject != w.subject || !strings.Contains(got.Detail, w.detail) || got.Remedy == "" {
			t.Errorf("problem %d = %v\nwant %s of %s with %q and a remedy", i, got, w.kind, w.subject, w.detail)
		}
		if repairs := strings.Contains(got.Remedy, "--repair"); repairs == got.Blob.IsZero() {
			t.Errorf("problem %d = %v: it says to repair: %v, but its blob is %v", i, got, repairs, got.Blob)
		}
	}
	if !report.Damaged() {
		t.Errorf("report is not damaged: %v", report.Problems)
	}
	shallow := check(t, s, artifacts.CheckOptions{})
	if n := len(shallow.Problems); n != 5 {
		t.Errorf("check without reading found %d problems, want 5:\n%v", n, shallow.Problems)
	}
	// What was put again is repaired.
	blob("lost")
	blob("lost child")
	blob("flipped")
	blob("unreferenced")
	for _, name := range []string{"runs/torn", "runs/zero"} {
		setRef(t, s, name, good)
	}
	if report := check(t, s, opts); report.Damaged() || len(report.Problems) != 2 {
		t.Errorf("check after repair: %v, want the two strays", report.Problems)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Check(ctx, opts); !errors.Is(err, context.Canceled) {
		t.Errorf("check with an ended context: %v, want context.Canceled", err)
	}
}

// requireGC skips on a backend that cannot exclude writers, where GC refuses.
func requireGC(t *testing.T, p pair) {
	t.Helper()
	if _, ok := p.a.(artifacts.Locker); ok {
		return
	}
	if _, err := artifacts.New(p.a).GC(t.Context(), artifacts.GCOptions{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("gc without a Locker: %v, want errors.ErrUnsupported", err)
	}
	t.Skip("not a Locker")
}

// later is a clock by which all that was put is old.
func later() time.Time { return time.Now().Add(2 * artifacts.DefaultMinAge) }

func testStoreGC(t *testing.T, p pair) {
	requireGC(t, p)
	s := artifacts.New(p.a)
	leaf, lone, root := putBlob(t, s, []byte("leaf")), putBlob(t, s, []byte("lone")), putBlob(t, s, []byte("root"))
	named := putBlob(t, s, Manifest(leaf))
	setRef(t, s, "runs/1", named)
	missing := assay.DigestOf([]byte("never put"))
	opts := artifacts.GCOptions{Roots: []assay.Digest{root, missing}, Children: Children(s)}
	report, err := s.GC(t.Context(), opts)
	if err != nil || report.Kept != 4 || report.Young != 1 || len(report.Removed) != 0 || !slices.Equal(report.Missing, []assay.Digest{missing}) {
		t.Fatalf("gc of new blobs = %+v, %v, want 4 kept, 1 for its age, and a missing root", report, err)
	}
	ok := p.abandon(t, "abandoned")
	opts.Now = later
	for _, dry := range []bool{true, false} {
		opts.DryRun = dry
		report, err = s.GC(t.Context(), opts)
		if err != nil || report.Kept != 3 || !slices.Equal(report.Removed, []assay.Digest{lone}) || report.RemovedBytes != 4 ||
			ok != (report.Leftovers == 1) || report.DryRun != dry {
			t.Fatalf("gc = %+v, %v, want 3 kept and %v removed", report, err, lone)
		}
		if _, err := s.Stat(t.Context(), lone); errors.Is(err, fs.ErrNotExist) == dry {
			t.Errorf("dry run %v: stat of the removed blob: %v", dry, err)
		}
	}
	if l := leftovers(t, p.b); len(l) != 0 {
		t.Errorf("leftovers after gc = %v, want none", l)
	}
	if report := check(t, s, artifacts.CheckOptions{ReadData: true, Children: Children(s)}); len(report.Problems) != 0 {
		t.Errorf("check after gc: %v", report.Problems)
	}
	if _, err := s.GC(t.Context(), artifacts.GCOptions{MinAge: -1}); err == nil {
		t.Error("gc with a negative age: no error")
	}

	// Damage: what a missing or wrong blob reached cannot be known.
	garbage := putBlob(t, s, []byte("garbage"))
	wounds := map[string]func(){
		"missing leaf":   func() { delete1(t, p.b, key(leaf)) },
		"wrong manifest": func() { wound(t, p.b, named, "names\nnobody") },
		"missing blob":   func() { delete1(t, p.b, key(named)) },
	}
	for name, hurt := range wounds {
		putBlob(t, s, []byte("leaf"))
		putBlob(t, s, Manifest(leaf))
		hurt()
		if report, err := s.GC(t.Context(), opts); err == nil || len(report.Removed) != 0 {
			t.Errorf("gc with a %s = %+v, %v, want an error and nothing removed", name, report, err)
		}
		if _, err := s.Stat(t.Context(), garbage); err != nil {
			t.Errorf("gc with a %s removed a blob: %v", name, err)
		}
	}
}

// testStoreGCMalformed collects a store with something below refs that is no
// reference: what it can have meant is kept, and it is reported.
func testStoreGCMalformed(t *testing.T, p pair) {
	requireGC(t, p)
	s := artifacts.New(p.a)
	lone, leaf := []byte("lone"), []byte("leaf")
	hex := assay.DigestOf(Manifest(assay.DigestOf(leaf))).Hex()
	for _, tt := range []struct {
		name, value string
		kept        int // of the lone blob, and of two of which one names the other
	}{
		{"runs/2", "x", 0},
		{"runs/2", "", 3},
		{"runs/2", strings.Repeat("\x00", 72), 3},
		{"runs/2", "sha2", 3},
		{"runs/2", "sha256:" + hex[:12], 2},
		{"runs/2", hex, 2},
		{"runs/2/" + hex, "x", 2},
	} {
		putBlob(t, s, lone)
		putBlob(t, s, leaf)
		putBlob(t, s, Manifest(assay.DigestOf(leaf)))
		put(t, p.b, "refs/"+tt.name, tt.value, artifacts.Condition{})
		report, err := s.GC(t.Context(), artifacts.GCOptions{Children: Children(s), Now: later})
		if err != nil || report.Kept != tt.kept || !slices.Equal(report.Malformed, []string{tt.name}) {
			t.Errorf("gc with %q as reference %s = %+v, %v, want %d kept and the reference", tt.value, tt.name, report, err, tt.kept)
		}
		delete1(t, p.b, "refs/"+tt.name)
	}
}

func delete1(t *testing.T, b artifacts.Backend, key string) {
	t.Helper()
	if err := b.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
}

// testStoreGCRaces lets another process act between the collector's first look
// and its last.
func testStoreGCRaces(t *testing.T, p pair) {
	requireGC(t, p)
	ours, theirs := artifacts.New(p.a), artifacts.New(p.b)
	blob := func(value string) assay.Digest { return putBlob(t, ours, []byte(value)) }
	held, again, named, child, lone := blob("held"), blob("put again"), blob("named"), blob("child"), blob("lone")
	parent := putBlob(t, ours, Manifest(child))
	setRef(t, ours, "runs/held", held)
	tick()
	cutoff := time.Now()
	tick()
	acted := false
	var fresh assay.Digest
	report, err := ours.GC(t.Context(), artifacts.GCOptions{
		MinAge: time.Hour,
		Now:    func() time.Time { return cutoff.Add(time.Hour) },
		Children: func(ctx context.Context, d assay.Digest) ([]assay.Digest, error) {
			if !acted {
				acted = true
				if got := putBlob(t, theirs, []byte("put again")); got != again {
					t.Errorf("put = %v, want %v", got, again)
				}
				setRef(t, theirs, "runs/named", named)
				// A new manifest over an old blob that is not put again.
				putBlob(t, theirs, append(Manifest(child), '\n'))
				fresh = putBlob(t, theirs, []byte("fresh"))
			}
			return Children(ours)(ctx, d)
		},
	})
	if err != nil || !acted {
		t.Fatalf("gc = %+v, %v", report, err)
	}
	if want := []assay.Digest{lone, parent}; len(report.Removed) != 2 || !slices.Contains(report.Removed, want[0]) || !slices.Contains(report.Removed, want[1]) {
		t.Errorf("gc removed %v, want %v", report.Removed, want)
	}
	for name, d := range map[string]assay.Digest{"held": held, "put again": again, "named": named, "child": child, "fresh": fresh} {
		if _, err := theirs.Stat(t.Context(), d); err != nil {
			t.Errorf("gc removed the blob %q: %v", name, err)
		}
	}
}

// testStoreExclusion holds the lock as a collector that removes does, and as a
// writer that has looked but not yet written.
func testStoreExclusion(t *testing.T, p pair) {
	requireGC(t, p)
	s, other := artifacts.New(p.a), p.b.(artifacts.Locker)
	d := putBlob(t, s, []byte("blob"))
	setRef(t, s, "runs/1", d)
	ops := []struct {
		name      string
		exclusive bool // the other's lock
		do        func(context.Context) error
	}{
		{"put", true, func(ctx context.Context) error { _, err := s.PutBytes(ctx, []byte("new")); return err }},
		{"put again", true, func(ctx context.Context) error { _, err := s.PutBytes(ctx, []byte("blob")); return err }},
		{"set", true, func(ctx context.Context) error { return s.SetRef(ctx, "runs/2", d) }},
		{"swap", true, func(ctx context.Context) error { return s.SwapRef(ctx, "runs/1", d, d) }},
		{"gc", true, func(ctx context.Context) error { _, err := s.GC(ctx, artifacts.GCOptions{}); return err }},
		{"gc", false, func(ctx context.Context) error { _, err := s.GC(ctx, artifacts.GCOptions{}); return err }},
	}
	for _, op := range ops {
		unlock, err := other.Lock(t.Context(), op.exclusive)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		if err := op.do(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s while another holds the lock (exclusive %v): %v, want to wait", op.name, op.exclusive, err)
		}
		cancel()
		if err := unlock(); err != nil {
			t.Fatal(err)
		}
		if err := op.do(t.Context()); err != nil {
			t.Errorf("%s after that: %v", op.name, err)
		}
	}
}
