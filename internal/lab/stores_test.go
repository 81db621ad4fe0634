package lab

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
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/internal/mutex"
	"github.com/assay-notebooks/assay/internal/strictyaml"
)

// TestEditStores adds, changes and removes a store in settings as people write
// them: what is theirs stays.
func TestEditStores(t *testing.T) {
	c := &StoreConfig{URL: "s3://b/p", Endpoint: "https://host:9000"}
	const defined = "stores:\n  lab:\n    url: s3://b/p\n    endpoint: https://host:9000\n"
	for _, text := range []string{"# mine\n", "# mine\n\n# and mine\n", "# mine\nfigures: figs\n\n# end\n"} {
		added, err := editStores([]byte(text), "lab", c)
		if err != nil {
			t.Fatal(err)
		}
		removed, err := editStores(added, "lab", nil)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(text) {
			if !strings.Contains(string(removed), line) {
				t.Errorf("%q, a store added and removed: %q", text, removed)
			}
		}
	}
	for _, text := range []string{"- a\n- b\n", "word\n"} {
		if got, err := editStores([]byte(text), "lab", c); err == nil {
			t.Errorf("editStores(%q) = %q, want an error", text, got)
		}
	}
	for _, test := range []struct {
		name, text string
		c          *StoreConfig
		want       string
	}{
		{"none yet", "", c, defined},
		{"comments alone", "# mine\n", c, "# mine\n" + defined},
		{"others", "figures: figs # here\n# between\nmeasure: no\n", c, "figures: figs # here\n# between\nmeasure: no\n" + defined},
		{"no value", "stores:\nfigures: figs\n", c, defined + "figures: figs\n"},
		{"another", "stores:\n  # ours\n  old: {url: 's3://o', endpoint: 'https://o'}\n", c,
			"stores:\n  # ours\n  old: {url: 's3://o', endpoint: 'https://o'}\n" + strings.TrimPrefix(defined, "stores:\n")},
		{"changed", strings.Replace(defined, "b/p", "other", 1), c, defined},
		{"removed", "figures: figs\n" + defined, nil, "figures: figs\n"},
		{"the only one removed", defined, nil, ""},
		{"removed, not there", "figures: figs\n", nil, "figures: figs\n"},
	} {
		got, err := editStores([]byte(test.text), "lab", test.c)
		if err != nil || string(got) != test.want {
			t.Errorf("%s: editStores = %q, %v; want %q", test.name, got, err, test.want)
		}
		if err := strictyaml.Decode(got, &Config{}); err != nil && !errors.Is(err, strictyaml.ErrEmpty) {
			t.Errorf("%s: %q cannot be read: %v", test.name, got, err)
		}
	}
}

// TestStoreSettings reads definitions, and which store is in use, from all the
// places that say so.
func TestStoreSettings(t *testing.T) {
	const lab = "stores:\n  lab: {url: s3://bucket/p, endpoint: https://host:9000}\n"
	for _, test := range []struct {
		name, yaml, file string
		env              map[string]string
		use, where       string // "": none
		err              string
	}{
		{name: "defined, not used", yaml: lab},
		{name: "used here", yaml: lab, file: "lab\n", use: "lab", where: "s3://bucket/p at https://host:9000"},
		{name: "used here, not defined", file: "lab\n"},
		{name: "used here, at another address", yaml: lab, file: "lab 0123456789abcdef\n", err: "another address"},
		{name: "variable", yaml: lab, env: map[string]string{"ASSAY_STORE": "lab", "ASSAY_STORE_REGION": "eu"}, use: "lab", where: "s3://bucket/p at https://host:9000, region eu"},
		{name: "variable says none", yaml: lab, file: "lab\n", env: map[string]string{"ASSAY_STORE": ""}},
		{name: "variable, not defined", env: map[string]string{"ASSAY_STORE": "lab"}, err: `no store "lab"`},
		{name: "all by variables", env: map[string]string{"ASSAY_STORE": "s3://bucket", "ASSAY_STORE_ENDPOINT": "http://h"}, use: "s3://bucket", where: "s3://bucket at http://h"},
		{name: "no endpoint", env: map[string]string{"ASSAY_STORE": "s3://bucket"}, err: "an endpoint"},
		{name: "key in the file", yaml: "stores:\n  lab: {url: s3://bucket, endpoint: https://h, secret_key: hush}\n", err: "keys are not written"},
		{name: "key in the URL", yaml: "stores:\n  lab: {url: s3://bucket, endpoint: 'https://user:hush@h'}\n", err: "keys are not written"},
		{name: "key in what is no URL", yaml: "stores:\n  lab: {url: s3://bucket, endpoint: 'https://user:hu sh@h'}\n", err: "not a URL"},
		{name: "key to be recorded", yaml: "env: [AWS_SECRET_ACCESS_KEY]\n", err: "leave it out"},
		{name: "name", yaml: "stores:\n  ../x: {url: s3://bucket, endpoint: https://h}\n", err: "want a name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := t.TempDir()
			if err := os.Mkdir(filepath.Join(root, workspaceDir), 0o777); err != nil {
				t.Fatal(err)
			}
			for name, text := range map[string]string{ConfigFile: test.yaml, filepath.Join(workspaceDir, inUseFile): test.file} {
				if text == "" {
					continue
				}
				if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			for k, v := range test.env {
				t.Setenv(k, v)
			}
			c, _, err := LoadConfig(root)
			switch {
			case test.err == "" && err != nil:
				t.Fatal(err)
			case test.err != "" && (!errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "hush")):
				t.Errorf("error %v, want a usage error with %q and without the key", err, test.err)
			case err == nil && (c.Store != test.use || test.use != "" && c.Stores[c.Store].String() != test.where):
				t.Errorf("in use: %q, %v; want %q, %v", c.Store, c.Stores[c.Store], test.use, test.where)
			}
		})
	}
}

// TestWaitlist keeps what waits through names that are long or strange.
func TestWaitlist(t *testing.T) {
	l := waitlist(filepath.Join(t.TempDir(), "waiting"))
	d := assay.DigestOf([]byte("x"))
	values := []waiting{{"figures/a%20b", d}, {"links/R/" + d.Hex(), d}, {"runs/20261124T181530Z-3f9a1c", d}, {"workloads/" + strings.Repeat("w", maxWaiting-10), d}}
	for range 2 { // again changes nothing
		if err := l.add(values...); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(string(l), "of someone else"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if got, err := l.all(); err != nil || !slices.Equal(got, values) {
		t.Errorf("all() = %v, %v; want %v", got, err, values)
	}
	if err := l.add(waiting{"workloads/" + strings.Repeat("w", maxWaiting), d}); err == nil {
		t.Error("a name without room for its file was taken")
	}
	for range 2 {
		if err := l.remove(values[1]); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := l.all(); err != nil || !slices.Equal(got, slices.Delete(values, 1, 2)) {
		t.Errorf("after a removal all() = %v, %v", got, err)
	}
}

// TestLastTry reads why an upload failed, as it was noted, for one line of a
// table.
func TestLastTry(t *testing.T) {
	p := &place{name: "lab", dir: t.TempDir()}
	for noted, want := range map[string]string{
		"store lab: store not reachable\nand more\n": "store not reachable",
		strings.Repeat("é", briefWidth+1):            strings.Repeat("é", briefWidth-1) + "…",
		strings.Repeat("é", briefWidth):              strings.Repeat("é", briefWidth),
	} {
		if err := os.WriteFile(filepath.Join(p.dir, "error"), []byte(noted), 0o666); err != nil {
			t.Fatal(err)
		}
		if got, err := p.lastError(); err != nil || got != want {
			t.Errorf("of %q: %q, %v; want %q", noted, got, err, want)
		}
	}
}

// TestNoted has processes that use different stores, or none, make references:
// whichever store is asked, it knows what it lacks.
func TestNoted(t *testing.T) {
	root := t.TempDir()
	none, err := Init(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	d, _, err := none.Archive.Put(t.Context(), strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	const text = "stores:\n  a: {url: s3://aaa, endpoint: 'http://127.0.0.1:1'}\n  b: {url: s3://bbb, endpoint: 'http://127.0.0.1:1'}\n"
	if err := os.WriteFile(filepath.Join(root, ConfigFile), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	uses := func(name string) *Workspace {
		t.Setenv(storeVariable, name)
		w, err := Open(t.Context(), root)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	a, b := uses("a"), uses("b")
	count := 0
	for _, by := range []*Workspace{none, a, b} {
		for _, other := range []*Workspace{a, b} {
			if err := other.lookOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
			count++
			v := waiting{fmt.Sprintf("workloads/w%d", count), d}
			err := by.noted(t.Context(), []waiting{v}, func() error {
				// Nobody may look at what there is, or at what is noted, now.
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
				defer cancel()
				if !other.current() {
					if err := other.lookOnce(ctx); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("%s: looked at the references while one was made: %v", v.name, err)
					}
				}
				if live, err := (&syncer{w: other, p: other.using}).forget(ctx, v); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: taken for dead while it was made: live %v, %v", v.name, live, err)
				}
				return by.Archive.SetRef(t.Context(), v.name, v.digest)
			})
			if err != nil {
				t.Fatal(err)
			}
			states, err := other.Stores(t.Context(), false)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range states {
				if s.InUse && s.Waiting != count {
					t.Errorf("%s made by a process that uses %q: for store %s wait %d, want %d", v.name, by.StoreInUse(), s.Name, s.Waiting, count)
				}
			}
			if live, err := (&syncer{w: other, p: other.using}).forget(t.Context(), v); err != nil || !live {
				t.Errorf("%s: live %v, %v; want true", v.name, live, err)
			}
		}
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
	p := &place{name: "lab", config: StoreConfig{URL: "s3://bucket", Endpoint: server.URL}, chosen: true}
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
	w, err := Init(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var todo []waiting
	for i, size := range []int{largeBlob, 1, largeBlob + 1, 2} {
		d, err := w.Archive.PutBytes(t.Context(), make([]byte, size))
		if err != nil {
			t.Fatal(err)
		}
		todo = append(todo, waiting{fmt.Sprintf("workloads/%d", i), d})
	}
	s := &syncer{w: w, sent: map[assay.Digest]bool{}, larges: map[assay.Digest][]assay.Digest{}, light: map[assay.Digest]bool{}}
	batch, large := s.next(t.Context(), todo)
	if want := []waiting{todo[1], todo[3]}; !slices.Equal(batch, want) || len(large) > 0 {
		t.Errorf("first %v with %v, want %v", batch, large, want)
	}
	todo = []waiting{todo[0], todo[2]}
	batch, large = s.next(t.Context(), todo)
	if !slices.Equal(batch, todo[:1]) || !slices.Equal(large, []assay.Digest{todo[0].digest}) {
		t.Errorf("then %v with %v, want %v", batch, large, todo[:1])
	}
	s.sent[todo[0].digest] = true
	again := waiting{"workloads/again", todo[0].digest}
	if batch, _ = s.next(t.Context(), []waiting{todo[1], again}); !slices.Equal(batch, []waiting{again}) {
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
	w, err := Init(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var looking errgroup.Group
	for range 8 {
		looking.Go(func() error {
			for range 200 {
				if free, err := w.gateFree(); err != nil || !free {
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
	w, err := Init(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	entered := make(chan bool)
	upload := func() error {
		return w.upload(t.Context(), func() {}, func(ctx context.Context) error {
			entered <- true
			<-ctx.Done()
			return ctx.Err()
		})
	}
	ended := make(chan error, 1)
	go func() { ended <- upload() }()
	<-entered
	release, err := w.quiet(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, errMeasuring) {
		t.Errorf("the upload ended with %v, want %v", err, errMeasuring)
	}
	hold, err := w.enterUpload(t.Context())
	if err != nil || hold != nil {
		t.Errorf("an upload began beside a start: %v, %v", hold, err)
	}
	called := false
	now := &syncer{w: w, now: true}
	if err := now.upload(t.Context(), nil, func(context.Context) error { called = true; return nil }); err != nil || !called {
		t.Errorf("an upload that is not to wait: called %v, %v", called, err)
	}
	release()
	if hold, err = w.enterUpload(t.Context()); err != nil || hold == nil {
		t.Fatalf("no upload after a start: %v, %v", hold, err)
	}
	hold.Close()

	// One that does not heed it delays a start, and does not prevent it.
	stubborn, err := mutex.Lock(w.path(uploadFile), unix.LOCK_SH)
	if err != nil {
		t.Fatal(err)
	}
	defer stubborn.Close()
	began := time.Now()
	if release, err = w.quiet(t.Context()); err != nil {
		t.Fatal(err)
	}
	release()
	t.Logf("a start waited %v for an upload that does not end", time.Since(began).Round(time.Millisecond))
}
