package stores

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/disk"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/internal/mutex"
	"github.com/assay-notebooks/assay/internal/settings"
)

// newSet returns the stores of a workspace at root that nothing is measured in.
func newSet(t *testing.T, root string) *Set {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(root, settings.Folder), 0o777); err != nil {
		t.Fatal(err)
	}
	backend, err := disk.Create(filepath.Join(root, settings.Folder, "store"))
	if err != nil {
		t.Fatal(err)
	}
	return &Set{
		Root: root, Archive: artifacts.New(backend),
		Reads: func(*artifacts.Store) {}, Idle: func(context.Context) bool { return true },
	}
}

// TestWaitlist keeps what waits through names that are long or strange.
func TestWaitlist(t *testing.T) {
	l := Waitlist(filepath.Join(t.TempDir(), "waiting"))
	d := assay.DigestOf([]byte("x"))
	values := []Value{{"figures/a%20b", d}, {"links/R/" + d.Hex(), d}, {"runs/20261124T181530Z-3f9a1c", d}, {"workloads/" + strings.Repeat("w", MaxName-10), d}}
	for range 2 { // again changes nothing
		if err := l.add(values...); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(string(l), "of someone else"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if got, err := l.All(); err != nil || !slices.Equal(got, values) {
		t.Errorf("all() = %v, %v; want %v", got, err, values)
	}
	if err := l.add(Value{"workloads/" + strings.Repeat("w", MaxName), d}); err == nil {
		t.Error("a name without room for its file was taken")
	}
	for range 2 {
		if err := l.remove(values[1]); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := l.All(); err != nil || !slices.Equal(got, slices.Delete(values, 1, 2)) {
		t.Errorf("after a removal all() = %v, %v", got, err)
	}
}

// TestLastTry reads why an upload failed, as it was noted, for one line of a
// table: the cause, not what was being done.
func TestLastTry(t *testing.T) {
	p := &Place{Name: "lab", config: settings.Store{URL: "s3://results/a"}, dir: t.TempDir()}
	for _, tt := range []struct {
		noted, want string
		stops       bool
	}{
		{"store lab: store not reachable\nand more\n", "store not reachable", false}, // as it once was written
		{string(noteOf(errors.New("store lab: " + strings.Repeat("é", briefWidth+1)))), strings.Repeat("é", briefWidth-1) + "…", true},
		{string(noteOf(errors.New("store lab: open store s3://results/a: credentials: none found"))), "credentials: none found", true},
		{string(noteOf(fmt.Errorf("copy: upload: %w", minio.ErrFull))), "copy: upload: store full", false},
	} {
		if err := os.WriteFile(filepath.Join(p.dir, "error"), []byte(tt.noted), 0o666); err != nil {
			t.Fatal(err)
		}
		if got, stops, err := p.lastError(); err != nil || got != tt.want || stops != tt.stops {
			t.Errorf("of %q: %q, stops %v, %v; want %q, %v", tt.noted, got, stops, err, tt.want, tt.stops)
		}
	}
}

// TestNoted has processes that use different stores, or none, make references:
// whichever store is asked, it knows what it lacks.
func TestNoted(t *testing.T) {
	root := t.TempDir()
	none := newSet(t, root)
	d, _, err := none.Archive.Put(t.Context(), strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	uses := func(name string) *Set {
		set := newSet(t, root)
		set.Defined = map[string]settings.Store{
			"a": {URL: "s3://aaa", Endpoint: "http://127.0.0.1:1"}, "b": {URL: "s3://bbb", Endpoint: "http://127.0.0.1:1"},
		}
		set.Choose(name)
		return set
	}
	a, b := uses("a"), uses("b")
	count := 0
	for _, by := range []*Set{none, a, b} {
		for _, other := range []*Set{a, b} {
			if err := other.lookOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
			count++
			v := Value{fmt.Sprintf("workloads/w%d", count), d}
			err := by.Noted(t.Context(), []Value{v}, func() error {
				// Nobody may look at what there is, or at what is noted, now.
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
				defer cancel()
				if !other.current() {
					if err := other.lookOnce(ctx); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("%s: looked at the references while one was made: %v", v.Name, err)
					}
				}
				if live, err := (&syncer{set: other, p: other.using}).forget(ctx, v); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: taken for dead while it was made: live %v, %v", v.Name, live, err)
				}
				return by.Archive.SetRef(t.Context(), v.Name, v.Digest)
			})
			if err != nil {
				t.Fatal(err)
			}
			states, err := other.List(t.Context(), false)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range states {
				if s.InUse && s.Waiting != count {
					t.Errorf("%s made by a process that uses %q: for store %s wait %d, want %d", v.Name, by.InUse(), s.Name, s.Waiting, count)
				}
			}
			if live, err := (&syncer{set: other, p: other.using}).forget(t.Context(), v); err != nil || !live {
				t.Errorf("%s: live %v, %v; want true", v.Name, live, err)
			}
		}
	}
}

// TestTakeOver has a Sync come while the process in the background archives, and
// while that rests after an error: the one waits, the other leaves.
func TestTakeOver(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "nobody")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "nothing")
	set := newSet(t, t.TempDir())
	set.Defined = map[string]settings.Store{"a": {URL: "s3://aaa", Endpoint: "http://127.0.0.1:1"}}
	set.Choose("a")
	set.Reopen = func(context.Context) (*Set, error) { return set, nil }
	if err := os.MkdirAll(set.using.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	hold, err := mutex.TryLock(set.using.lockFile(), unix.LOCK_EX) // as the one in the background
	if err != nil || hold == nil {
		t.Fatal(hold, err)
	}
	said := make(chan Transfer, 1)
	ended := make(chan error)
	go func() {
		_, err := set.Sync(t.Context(), "a", SyncOptions{Progress: func(p Transfer) {
			select {
			case said <- p:
			default:
			}
		}})
		ended <- err
	}()
	if p := <-said; !p.Elsewhere || !set.using.wanted() {
		t.Errorf("beside one in the background: %+v, wanted %v", p, set.using.wanted())
	}
	if err := set.archiveWaiting(t.Context()); !errors.Is(err, minio.ErrUnreachable) { // it would rest for 20 minutes
		t.Errorf("the one in the background ended with %v, want the error of its try", err)
	}
	hold.Close()
	if err := <-ended; !errors.Is(err, minio.ErrUnreachable) {
		t.Errorf("Sync = %v, want its own try", err)
	}
	if set.using.wanted() {
		t.Error("a Sync that has ended still wants to archive")
	}
}

// TestDistantRests asks a store that denies: it is not asked again for a while,
// which whoever asks meanwhile does not make longer.
func TestDistantRests(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusForbidden)
	}))
	defer server.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "user")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	p := &Place{Name: "lab", config: settings.Store{URL: "s3://bucket", Endpoint: server.URL}, chosen: true}
	d := &distant{place: p, root: t.TempDir(), rest: time.Hour}
	get := func() (string, int) {
		asked = 0
		_, _, err := d.Get(t.Context(), "blobs/x")
		if !errors.Is(err, artifacts.ErrUnavailable) {
			t.Fatalf("Get = %v, want %v", err, artifacts.ErrUnavailable)
		}
		return err.Error(), asked
	}
	first, n := get()
	if n == 0 {
		t.Error("the store was not asked")
	}
	failed := d.failed
	if again, n := get(); n != 0 || again != first || d.failed != failed {
		t.Errorf("while it rests: asked %d times, the rest was begun again: %v, error %q, want %q", n, d.failed != failed, again, first)
	}
	d.rest = 0
	if again, n := get(); n == 0 || again != first {
		t.Errorf("after the rest: asked %d times, error %q, want %q", n, again, first)
	}
}

// TestSmallFirst has what is quick to send not wait for a large blob.
func TestSmallFirst(t *testing.T) {
	set := newSet(t, t.TempDir())
	var todo []Value
	for i, size := range []int{largeBlob, 1, largeBlob + 1, 2} {
		d, err := set.Archive.PutBytes(t.Context(), make([]byte, size))
		if err != nil {
			t.Fatal(err)
		}
		todo = append(todo, Value{fmt.Sprintf("workloads/%d", i), d})
	}
	s := &syncer{set: set, sent: map[assay.Digest]bool{}, larges: map[assay.Digest][]assay.Digest{}, light: map[assay.Digest]bool{}}
	batch, large := s.next(t.Context(), todo)
	if want := []Value{todo[1], todo[3]}; !slices.Equal(batch, want) || len(large) > 0 {
		t.Errorf("first %v with %v, want %v", batch, large, want)
	}
	todo = []Value{todo[0], todo[2]}
	batch, large = s.next(t.Context(), todo)
	if !slices.Equal(batch, todo[:1]) || !slices.Equal(large, []assay.Digest{todo[0].Digest}) {
		t.Errorf("then %v with %v, want %v", batch, large, todo[:1])
	}
	s.sent[todo[0].Digest] = true
	again := Value{"workloads/again", todo[0].Digest}
	if batch, _ = s.next(t.Context(), []Value{todo[1], again}); !slices.Equal(batch, []Value{again}) {
		t.Errorf("with what was sent before: %v, want %v", batch, again)
	}
}

// TestPasses has an upload tried again after what passes by itself.
func TestPasses(t *testing.T) {
	for err, want := range map[error]bool{
		fmt.Errorf("copy: %w", artifacts.ErrConflict): true, minio.ErrFull: true, minio.ErrDenied: false, fs.ErrNotExist: false,
	} {
		if passes(err) != want {
			t.Errorf("passes(%v) = %v, want %v", err, !want, want)
		}
	}
}

// TestGateTogether has many uploads look at the gate at once: none takes another
// for somebody who is about to measure.
func TestGateTogether(t *testing.T) {
	set := newSet(t, t.TempDir())
	var looking errgroup.Group
	for range 8 {
		looking.Go(func() error {
			for range 200 {
				if free, err := set.gateFree(); err != nil || !free {
					return fmt.Errorf("free %v, %v", free, err)
				}
			}
			return nil
		})
	}
	if err := looking.Wait(); err != nil {
		t.Errorf("the gate, which nobody holds: %v", err)
	}
}

// TestQuiet has an upload end when an agent is about to be started, and begin
// again when that is over.
func TestQuiet(t *testing.T) {
	set := newSet(t, t.TempDir())
	entered := make(chan bool)
	upload := func() error {
		return set.upload(t.Context(), func() error { return nil }, func(ctx context.Context) error {
			entered <- true
			<-ctx.Done()
			return ctx.Err()
		})
	}
	ended := make(chan error, 1)
	go func() { ended <- upload() }()
	<-entered
	release, err := set.Quiet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, errMeasuring) {
		t.Errorf("the upload ended with %v, want %v", err, errMeasuring)
	}
	hold, err := set.enterUpload(t.Context())
	if err != nil || hold != nil {
		t.Errorf("an upload began beside a start: %v, %v", hold, err)
	}
	called := false
	now := &syncer{set: set, now: true}
	if err := now.upload(t.Context(), nil, func(context.Context) error { called = true; return nil }); err != nil || !called {
		t.Errorf("an upload that is not to wait: called %v, %v", called, err)
	}
	release()
	if hold, err = set.enterUpload(t.Context()); err != nil || hold == nil {
		t.Fatalf("no upload after a start: %v, %v", hold, err)
	}
	hold.Close()

	// One that does not heed it delays a start, and does not prevent it.
	stubborn, err := mutex.Lock(set.path(uploadFile), unix.LOCK_SH)
	if err != nil {
		t.Fatal(err)
	}
	defer stubborn.Close()
	began := time.Now()
	if release, err = set.Quiet(t.Context()); err != nil {
		t.Fatal(err)
	}
	release()
	t.Logf("a start waited %v for an upload that does not end", time.Since(began).Round(time.Millisecond))
}
