package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"math/rand/v2"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/artifacts/minio/miniotest"
)

const greeting = `
name: greeting
workloads: [hello]
runtimes: [wazero/interpreter]
protocol: {cold: {invocations: 2, warmup: 0}}
`

// addStore makes a store in a bucket of the server and has dir archive to it.
func addStore(t *testing.T, dir string, s *miniotest.Server, bucket string, flags ...string) minio.Config {
	t.Helper()
	c := s.Config(bucket)
	args := append([]string{"store", "add", "lab", c.URL(), "--endpoint", c.Endpoint, "--credentials", c.Credentials, "--create"}, flags...)
	mustAssay(t, dir, args...)
	return c
}

// openStore opens the store itself.
func openStore(t *testing.T, c minio.Config) (*artifacts.Store, *minio.Backend) {
	t.Helper()
	b, err := minio.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return artifacts.New(b), b
}

// waiting returns the names of what dir has waiting for stores.
func waiting(t *testing.T, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, ".assay", "stores", "*", "waiting", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// eventually waits until ok, which the processes in the background bring about.
func eventually(t *testing.T, dir, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in two minutes: %s; waiting: %q; last error: %s", what, waiting(t, dir), lastError(t, dir))
		}
	}
}

// archived waits until nothing waits in dir, and checks the store.
func archived(t *testing.T, dir string, c minio.Config) {
	t.Helper()
	eventually(t, dir, "everything is archived", func() bool { return len(waiting(t, dir)) == 0 })
	mustAssay(t, dir, "store", "check", "lab")
	store, _ := openStore(t, c)
	for _, e := range readLock(t, dir).Experiments {
		if d, err := store.Ref(t.Context(), "runs/"+e.Run+"/"+e.Manifest.Hex()); err != nil || d != e.Manifest {
			t.Errorf("run %s in the store: %v, %v; want %v", e.Run, d, err, e.Manifest)
		}
	}
}

// runOK runs the experiment once more and returns what was said on stderr.
func runOK(t *testing.T, dir string) string {
	t.Helper()
	cmd := assayIn(t, dir, "run", "experiment.yaml", "--rerun")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("assay run: %v\n%s", err, &stderr)
	}
	return stderr.String()
}

// lastError returns why the last upload failed.
func lastError(t *testing.T, dir string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, ".assay", "stores", "*", "error"))
	if err != nil || len(paths) == 0 {
		return ""
	}
	b, err := os.ReadFile(paths[0])
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

// A trouble of a store is there from begin to end.
type trouble struct {
	name  string
	begin func(t *testing.T, s *miniotest.Server, c minio.Config)
	said  string // in the end, of why; "": nothing for a long time
	end   func(t *testing.T, s *miniotest.Server, c minio.Config)
	again bool // it takes a command to try again
}

// through measures while the store has the trouble: the run is archived on disk
// and said to wait, and archived in the store by itself when it is over.
func (tr trouble) through(t *testing.T, s *miniotest.Server) {
	dir := newWorkspace(t, greeting)
	c := addStore(t, dir, s, "results")
	archived(t, dir, c)
	tr.begin(t, s, c)
	said := runOK(t, dir)
	if !strings.Contains(said, "store lab: ") || !strings.Contains(said, "waiting to be archived there") {
		t.Errorf("assay run said %q, want that something waits", said)
	}
	if tr.said != "" {
		eventually(t, dir, "the error is noted", func() bool { return strings.Contains(lastError(t, dir), tr.said) })
		out, err := assayIn(t, dir, "runs").CombinedOutput()
		next := "goes on by itself; last try: " + tr.said
		if tr.again {
			next = "the last try ended with: " + tr.said + "; "
		}
		if err != nil || !strings.Contains(string(out), "waits") || !strings.Contains(string(out), next) {
			t.Errorf("assay runs does not say that the run waits, and %q:\n%s%v", next, out, err)
		}
	}
	if len(waiting(t, dir)) == 0 {
		t.Error("nothing waits")
	}
	tr.end(t, s, c)
	if tr.again {
		mustAssay(t, dir, "runs")
	}
	archived(t, dir, c)
	eventually(t, dir, "no error is noted of a store that has everything", func() bool { return lastError(t, dir) == "" })
}

func TestStoreTroubles(t *testing.T) {
	for _, tr := range []trouble{
		{"down", func(_ *testing.T, s *miniotest.Server, _ minio.Config) { s.Stop() }, "store not reachable",
			func(_ *testing.T, s *miniotest.Server, _ minio.Config) { s.Start() }, false},
		{"does not answer", func(_ *testing.T, s *miniotest.Server, _ minio.Config) { s.Pause() }, "",
			func(_ *testing.T, s *miniotest.Server, _ minio.Config) { s.Continue() }, false},
		{"wrong credentials", func(t *testing.T, s *miniotest.Server, c minio.Config) {
			overwrite(t, s.CredentialsFile(s.User, "wrong-secret"), c.Credentials)
		}, "access denied", func(t *testing.T, s *miniotest.Server, c minio.Config) {
			overwrite(t, s.CredentialsFile(s.User, s.Secret), c.Credentials)
		}, true},
		{"no bucket", func(t *testing.T, s *miniotest.Server, c minio.Config) {
			if err := os.Rename(filepath.Join(s.Dir, c.Bucket), filepath.Join(s.Dir, "elsewhere")); err != nil {
				t.Fatal(err)
			}
		}, "no such bucket", func(t *testing.T, s *miniotest.Server, c minio.Config) {
			if err := os.Rename(filepath.Join(s.Dir, "elsewhere"), filepath.Join(s.Dir, c.Bucket)); err != nil {
				t.Fatal(err)
			}
		}, false},
	} {
		t.Run(tr.name, func(t *testing.T) { tr.through(t, miniotest.Start(t)) })
	}
}

// TestStoreMadeAgain loses a store, and makes it again at the same address: what
// the first had waits for the second.
func TestStoreMadeAgain(t *testing.T) {
	s := miniotest.Start(t)
	dir := newWorkspace(t, greeting)
	c := addStore(t, dir, s, "results")
	runOK(t, dir)
	archived(t, dir, c)
	store, first := openStore(t, c)
	had := countRefs(t, store)
	lose := func() {
		t.Helper()
		if err := os.RemoveAll(filepath.Join(s.Dir, c.Bucket)); err != nil {
			t.Fatal(err)
		}
		for !time.Now().Truncate(time.Second).After(first.Made()) { // another second of the server's clock
			time.Sleep(10 * time.Millisecond)
		}
	}

	lose()
	if out := mustAssay(t, dir, "store", "ls"); !strings.Contains(out, fmt.Sprintf(" %d ", had)) {
		t.Errorf("the store is gone, and %d references do not wait:\n%s", had, out)
	}
	again := "assay store add lab " + c.URL() + " --endpoint " + c.Endpoint + " --credentials " + c.Credentials + " --create"
	if out, err := assayIn(t, dir, "store", "sync").CombinedOutput(); err == nil || !strings.Contains(string(out), `"`+again+`" makes it`) {
		t.Errorf("store sync does not say %q: %v\n%s", again, err, out)
	}
	mustAssay(t, dir, strings.Fields(again)[1:]...)
	archived(t, dir, c)
	store, first = openStore(t, c)
	if got := countRefs(t, store); got != had {
		t.Errorf("made again by this workspace, the store has %d references of %d", got, had)
	}

	lose()
	if _, err := minio.Create(t.Context(), c, minio.CreateOptions{MakeBucket: true}); err != nil {
		t.Fatal(err)
	}
	mustAssay(t, dir, "store", "ls")
	mustAssay(t, dir, "runs") // starts the upload
	archived(t, dir, c)
	store, _ = openStore(t, c)
	if got := countRefs(t, store); got != had {
		t.Errorf("made again by another, the store has %d references of %d", got, had)
	}
}

// countRefs returns how many references a store has.
func countRefs(t *testing.T, s *artifacts.Store) (n int) {
	t.Helper()
	for _, err := range s.Refs(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// TestStoreClock is a trouble of this machine: the server sees requests that are
// dated 20 minutes ago. It looks at the date before the signature.
func TestStoreClock(t *testing.T) {
	s := miniotest.Start(t)
	server, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	var slow atomic.Bool
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(server)
		r.Out.Host = r.In.Host // it is signed
		if slow.Load() {
			r.Out.Header.Set("X-Amz-Date", time.Now().Add(-20*time.Minute).UTC().Format("20060102T150405Z"))
		}
	}})
	defer front.Close()
	s.Endpoint = front.URL
	trouble{"clock", func(*testing.T, *miniotest.Server, minio.Config) { slow.Store(true) }, "clocks differ",
		func(*testing.T, *miniotest.Server, minio.Config) { slow.Store(false) }, false}.through(t, s)
}

// TestStoreMendedMeanwhile mends what an upload is about to fail of, and asks for
// an upload while that one has not failed yet: it looks again.
func TestStoreMendedMeanwhile(t *testing.T) {
	s := miniotest.Start(t)
	server, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	var hold atomic.Bool
	held, release := make(chan bool, 1), make(chan bool)
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(server)
		r.Out.Host = r.In.Host // it is signed
		if hold.CompareAndSwap(true, false) {
			held <- true
			<-release
		}
	}})
	defer front.Close()
	s.Endpoint = front.URL
	dir := newWorkspace(t, greeting)
	c := addStore(t, dir, s, "results")
	archived(t, dir, c)
	overwrite(t, s.CredentialsFile(s.User, "wrong-secret"), c.Credentials)
	hold.Store(true)
	runOK(t, dir)
	<-held
	overwrite(t, s.CredentialsFile(s.User, s.Secret), c.Credentials)
	mustAssay(t, dir, "runs")
	close(release)
	archived(t, dir, c)
}

// TestStoreSyncBesideUpload has a sync come while the process in the background
// sends a large blob: it is sent once.
func TestStoreSyncBesideUpload(t *testing.T) {
	s := miniotest.Start(t)
	server, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	var large atomic.Int32 // requests that send it
	begun, release := make(chan bool, 8), make(chan bool)
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(server)
		r.Out.Host = r.In.Host // it is signed
		if r.In.ContentLength >= 20<<20 {
			large.Add(1)
			begun <- true
			<-release
		}
	}})
	defer front.Close()
	s.Endpoint = front.URL
	dir := newWorkspace(t, greeting)
	c := addStore(t, dir, s, "results")
	archived(t, dir, c)
	path := filepath.Join(dir, "large.wasm")
	if err := os.WriteFile(path, withCustomSection(helloModule(t), 20<<20, 1), 0o666); err != nil {
		t.Fatal(err)
	}
	mustAssay(t, dir, "pin", path)
	<-begun
	sync := assayIn(t, dir, "store", "sync")
	said, err := sync.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sync.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAtLeast(said, make([]byte, 4096), 1); err != nil { // that it waits
		t.Error(err)
	}
	close(release)
	rest, _ := io.ReadAll(said)
	if err := sync.Wait(); err != nil {
		t.Errorf("store sync: %v\n%s", err, rest)
	}
	if left := waiting(t, dir); len(left) > 0 {
		t.Errorf("after the sync wait %q", left)
	}
	archived(t, dir, c)
	if got := large.Load(); got != 1 {
		t.Errorf("the large blob was sent %d times", got)
	}
}

func overwrite(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestStoreTogether has two workspaces archive the same and different things in
// one store at once: none takes another's place.
func TestStoreTogether(t *testing.T) {
	s := miniotest.Start(t)
	dirs := []string{newWorkspace(t, greeting), newWorkspace(t, greeting)}
	var configs []minio.Config
	for _, dir := range dirs {
		configs = append(configs, addStore(t, dir, s, "results"))
	}
	var cmds []*exec.Cmd
	for range 3 {
		for _, dir := range dirs {
			cmd := assayIn(t, dir, "run", "experiment.yaml", "--rerun")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			cmds = append(cmds, cmd)
		}
	}
	for _, cmd := range cmds {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	store, _ := openStore(t, configs[0])
	runs := map[string]bool{}
	for i, dir := range dirs {
		archived(t, dir, configs[i])
		for line := range strings.Lines(mustAssay(t, dir, "runs", "--json")) {
			var run struct {
				ID string `json:"id"`
			}
			if err := json.Unmarshal([]byte(line), &run); err != nil {
				t.Fatal(err)
			}
			runs[run.ID] = true
		}
	}
	for ref, err := range store.Refs(t.Context(), "runs") {
		if err != nil {
			t.Fatal(err)
		}
		delete(runs, strings.Split(ref.Name, "/")[1])
	}
	if len(runs) > 0 {
		t.Errorf("the store lacks runs %v", runs)
	}
}

// TestStoreServerKilled kills the server at random bytes of uploads: they go on by
// themselves, and nothing is lost.
func TestStoreServerKilled(t *testing.T) {
	const kills, size = 8, 8 << 20
	s := miniotest.Start(t)
	server, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	cuts, reached, killed := make(chan int64, 1), make(chan bool), make(chan bool)
	front := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(server)
			r.Out.Host = r.In.Host // it is signed
			if r.In.ContentLength < size {
				return
			}
			select {
			case n := <-cuts:
				stop := &stopAt{reached: reached, killed: killed}
				r.Out.Body = struct {
					io.Reader
					io.Closer
				}{io.MultiReader(io.LimitReader(r.In.Body, n), stop, r.In.Body), r.In.Body}
			default:
			}
		},
		ErrorLog: log.New(io.Discard, "", 0), // of what is killed
	})
	defer front.Close()
	s.Endpoint = front.URL
	dir := newWorkspace(t, greeting)
	c := addStore(t, dir, s, "results")
	archived(t, dir, c)
	hello := helloModule(t)
	for i := range kills {
		path := filepath.Join(dir, fmt.Sprintf("big%d.wasm", i))
		if err := os.WriteFile(path, withCustomSection(hello, size, byte(i)), 0o666); err != nil {
			t.Fatal(err)
		}
		cuts <- rng.Int64N(size)
		mustAssay(t, dir, "pin", path)
		<-reached
		if len(waiting(t, dir)) == 0 {
			t.Errorf("kill %d: nothing waits in the middle of an upload", i)
		}
		s.Kill()
		s.Start()
		killed <- true
	}
	archived(t, dir, c)
	store, _ := openStore(t, c)
	lock := readLock(t, dir)
	if got := len(lock.Workloads); got != kills+1 {
		t.Errorf("%d workloads, want %d", got, kills+1)
	}
	for name, d := range lock.Workloads {
		if got, err := store.Ref(t.Context(), "workloads/"+name+"/"+d.Hex()); err != nil || got != d {
			t.Errorf("workload %s in the store: %v, %v; want %v", name, got, err, d)
		}
	}
	t.Logf("%d kills of the server, each in the middle of an upload; 0 lost", kills)
}

// A stopAt is an empty part of a body, which ends when the server was killed.
type stopAt struct{ reached, killed chan bool }

func (s *stopAt) Read([]byte) (int, error) {
	s.reached <- true
	<-s.killed
	return 0, io.EOF
}

func helloModule(t *testing.T) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "runners", "runtimes", "contract", "guests", "hello.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// withCustomSection returns a module with a section that means nothing.
func withCustomSection(module []byte, size int, fill byte) []byte {
	payload := append([]byte{1, 'x'}, bytes.Repeat([]byte{fill}, size)...) // its name is x
	section := binary.AppendUvarint([]byte{0}, uint64(len(payload)))
	return slices.Concat(module, section, payload)
}

// TestStoreNotInUse has an upload in the background leave what waits, if the
// store is in use no more when it is about to send something.
func TestStoreNotInUse(t *testing.T) {
	s := miniotest.Start(t)
	dir := newWorkspace(t, greeting)
	c := addStore(t, dir, s, "results")
	archived(t, dir, c)
	gate, err := os.OpenFile(filepath.Join(dir, ".assay", "measuring.gate"), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close()
	if err := syscall.Flock(int(gate.Fd()), syscall.LOCK_SH); err != nil {
		t.Fatal(err)
	}
	locks, err := filepath.Glob(filepath.Join(dir, ".assay", "stores", "*", "lock"))
	if err != nil || len(locks) != 1 {
		t.Fatalf("%q, %v", locks, err)
	}
	upload, err := os.Open(locks[0])
	if err != nil {
		t.Fatal(err)
	}
	defer upload.Close()
	free := func() bool { return syscall.Flock(int(upload.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil }
	eventually(t, dir, "the first upload ends", free)
	signed := func() string {
		b, err := os.ReadFile(locks[0])
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	first := signed()
	if err := syscall.Flock(int(upload.Fd()), syscall.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	another := filepath.Join(dir, "another.wasm")
	if err := os.WriteFile(another, withCustomSection(helloModule(t), 10, 1), 0o666); err != nil {
		t.Fatal(err)
	}
	mustAssay(t, dir, "pin", another)
	eventually(t, dir, "an upload waits", func() bool { now := signed(); return now != first && now != "" })
	before := len(waiting(t, dir))
	mustAssay(t, dir, "store", "use", "--none")
	if err := gate.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, dir, "the upload ends", free)
	if after := len(waiting(t, dir)); before == 0 || after != before {
		t.Errorf("%d waited, %d after the store was in use no more", before, after)
	}
}

// TestStoreCheckCannotLook has no result of a store that lets nobody look.
func TestStoreCheckCannotLook(t *testing.T) {
	s := miniotest.Start(t)
	dir := newWorkspace(t, greeting)
	c := addStore(t, dir, s, "results")
	archived(t, dir, c)
	overwrite(t, s.CredentialsFile(s.User, "wrong-secret"), c.Credentials)
	for _, flags := range [][]string{nil, {"--repair"}, {"--json"}} {
		out, err := assayIn(t, dir, append([]string{"store", "check", "lab"}, flags...)...).Output()
		if err == nil || len(out) > 0 {
			t.Errorf("store check lab %q: %v, stdout %q; want an error alone", flags, err, out)
		}
	}
}
