package main

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	miniogo "github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/artifacts/minio/miniotest"
	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/internal/pins"
)

// killRounds is how often TestKilledStores kills; ASSAY_KILL_ROUNDS is another
// number.
const killRounds = 40

// TestKilledStores kills assay at random moments while it archives in a MinIO
// server, collects, repairs and pulls, and looks each time whether what was
// acknowledged is there: a run by the end of assay run, an archived one by its
// not waiting any more.
func TestKilledStores(t *testing.T) {
	rounds := killRounds
	if s := os.Getenv("ASSAY_KILL_ROUNDS"); s != "" {
		var err error
		if rounds, err = strconv.Atoi(s); err != nil {
			t.Fatalf("ASSAY_KILL_ROUNDS: %v", err)
		}
	}
	k := newKiller(t, uint64(rounds))
	order := []string{"sync", "gc", "sync", "gc of the store", "background", "repair", "sync", "repair of the store", "background", "pull"}
	for i := range rounds {
		k.round(order[i%len(order)])
		if t.Failed() {
			t.FailNow()
		}
	}
	// Nothing is in the way any more but leases of the dead, which end.
	k.must("store", "sync")
	k.must("store", "gc", "lab", "--min-age", "1ns")
	k.must("store", "check")
	k.must("store", "check", "lab")
	k.acknowledged(true)
	if out := k.must("runs", "--not-archived"); out != "" {
		t.Errorf("assay runs --not-archived, of runs that all are archived:\n%s", out)
	}
	if n := strings.Count(k.must("runs"), " lab\n"); n != len(k.runs) {
		t.Errorf("assay runs says of %d runs that the store has them, want %d", n, len(k.runs))
	}
	var said []string
	for _, what := range slices.Sorted(maps.Keys(k.tries)) {
		said = append(said, fmt.Sprintf("%s %d of %d", what, k.kills[what], k.tries[what]))
	}
	t.Logf("%d rounds; killed before their end: %s; %d runs archived on disk and in MinIO, 0 lost, 0 problems", rounds, strings.Join(said, ", "), len(k.runs))
}

// A killer is a workspace, a store and a clone, and what must be in them.
type killer struct {
	t           *testing.T
	dir, clone  string
	server      *miniotest.Server
	client      *miniogo.Client
	store       *artifacts.Store // in MinIO
	rng         *rand.Rand
	runs        []string // IDs of those acknowledged
	tries       map[string]int
	kills       map[string]int           // of tries, those killed before they ended
	lasts       map[string]time.Duration // how long what was not killed took
	experiments int
}

const bucket, prefix = "killed", "lab"

func newKiller(t *testing.T, seed uint64) *killer {
	k := &killer{t: t, clone: t.TempDir(), rng: rand.New(rand.NewPCG(1, seed)),
		tries: map[string]int{}, kills: map[string]int{}, lasts: map[string]time.Duration{}}
	k.server = miniotest.Start(t)
	config := k.server.Config(bucket)
	config.Prefix = prefix
	backend, err := minio.Create(t.Context(), config, minio.CreateOptions{MakeBucket: true})
	if err != nil {
		t.Fatal(err)
	}
	k.store = artifacts.New(backend)
	k.client, err = miniogo.New(strings.TrimPrefix(k.server.Endpoint, "http://"), &miniogo.Options{
		Creds: credentials.NewStaticV4(k.server.User, k.server.Secret, "")})
	if err != nil {
		t.Fatal(err)
	}
	k.dir = newWorkspace(t, "")
	k.must("store", "add", "lab", "s3://"+bucket+"/"+prefix, "--endpoint", k.server.Endpoint, "--credentials", config.Credentials)
	k.run()
	k.must("store", "sync")
	return k
}

// must runs assay to its end.
func (k *killer) must(args ...string) string {
	k.t.Helper()
	return mustAssay(k.t, k.dir, args...)
}

// run makes a run, of an experiment of its own, and a reference to it.
func (k *killer) run() {
	k.t.Helper()
	k.experiments++
	name := fmt.Sprintf("killed-%d", k.experiments)
	spec := "name: " + name + "\nworkloads: [hello]\nruntimes: [wazero/interpreter]\nprotocol: {cold: {invocations: 1}}\n"
	if err := os.WriteFile(filepath.Join(k.dir, "experiment.yaml"), []byte(spec), 0o666); err != nil {
		k.t.Fatal(err)
	}
	k.must("run", "experiment.yaml")
	ids := strings.Fields(k.must("runs", name))
	k.runs = append(k.runs, ids[slices.Index(ids, name)-1])
}

// round does one thing, killed, and looks at what is left.
func (k *killer) round(what string) {
	k.t.Helper()
	switch what {
	case "sync":
		k.run()
		k.killed(what, k.dir, "store", "sync")
	case "background":
		k.run()
		k.killUpload()
	case "gc":
		k.orphan(k.open().Archive)
		k.killed(what, k.dir, "store", "gc", "--min-age", "1ns")
	case "gc of the store":
		k.must("store", "sync")
		k.orphan(k.store)
		k.killed(what, k.dir, "store", "gc", "lab", "--min-age", "1ns")
		k.forgetLeases()
	case "repair":
		k.must("store", "sync")
		k.must("store", "gc", "--min-age", "1ns") // of what nothing refers to there is no other copy
		k.wound()
		k.killed(what, k.dir, "store", "check", "--repair")
		k.must("store", "check", "--repair")
		k.must("store", "check")
	case "repair of the store":
		k.must("store", "sync")
		k.forgetLeases()
		k.must("store", "gc", "lab", "--min-age", "1ns")
		k.woundStore()
		k.killed(what, k.dir, "store", "check", "lab", "--repair")
		k.must("store", "check", "lab", "--repair")
		k.must("store", "check", "lab")
	case "pull":
		k.must("store", "sync")
		k.pull(what)
	}
	k.acknowledged(false)
}

// killed starts assay and kills it at some moment of the time that it takes.
func (k *killer) killed(what, dir string, args ...string) {
	k.t.Helper()
	cmd := assayIn(k.t, dir, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if k.lasts[what] == 0 {
		k.lasts[what] = 300 * time.Millisecond
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	killer := time.AfterFunc(k.upTo(k.lasts[what]), func() { cmd.Process.Kill() })
	err := cmd.Wait()
	killer.Stop()
	k.tries[what]++
	switch {
	case err == nil:
		k.lasts[what] = time.Since(start)
	case cmd.ProcessState.Exited():
		k.t.Errorf("assay %s, killed or not: %v\n%s", strings.Join(args, " "), err, &said)
	default:
		k.kills[what]++
		k.lasts[what] += k.lasts[what] / 20 // the next one may be given more time
	}
}

// killUpload kills the process that archives in the background, if it still does.
func (k *killer) killUpload() {
	k.t.Helper()
	time.Sleep(k.upTo(100 * time.Millisecond))
	k.tries["background"]++
	locks, err := filepath.Glob(filepath.Join(k.dir, ".assay", "stores", "*", "lock"))
	if err != nil || len(locks) != 1 {
		k.t.Fatalf("locks of uploads: %q, %v; want one", locks, err)
	}
	b, err := os.ReadFile(locks[0])
	if err != nil {
		k.t.Fatal(err)
	}
	pid := strings.TrimSpace(string(b))
	line, err := os.ReadFile(filepath.Join("/proc", pid, "cmdline"))
	if err != nil || !bytes.Contains(line, []byte("assay-store-sync\x00"+k.dir)) {
		return // it has ended
	}
	n, err := strconv.Atoi(pid)
	if err != nil {
		k.t.Fatal(err)
	}
	p, err := os.FindProcess(n)
	if err == nil {
		err = p.Kill()
	}
	if err == nil {
		k.kills["background"]++
	}
}

// open opens the workspace.
func (k *killer) open() *lab.Workspace {
	k.t.Helper()
	w, err := lab.Open(k.t.Context(), k.dir)
	if err != nil {
		k.t.Fatal(err)
	}
	return w
}

// orphan puts blobs that nothing refers to.
func (k *killer) orphan(s *artifacts.Store) {
	k.t.Helper()
	for range 20 {
		if _, err := s.PutBytes(k.t.Context(), fmt.Appendf(nil, "orphan %d", k.rng.Uint64())); err != nil {
			k.t.Fatal(err)
		}
	}
}

// forgetLeases removes the leases of processes that are known to be dead: others
// would wait half a minute for their end. The test's last collection does wait.
func (k *killer) forgetLeases() {
	k.t.Helper()
	for o := range k.client.ListObjects(k.t.Context(), bucket, miniogo.ListObjectsOptions{Prefix: prefix + "/.lock/", Recursive: true}) {
		if o.Err == nil {
			o.Err = k.client.RemoveObject(k.t.Context(), bucket, o.Key, miniogo.RemoveObjectOptions{})
		}
		if o.Err != nil {
			k.t.Fatal(o.Err)
		}
	}
}

// wound flips a bit of some blobs of the archive, and removes others.
func (k *killer) wound() {
	k.t.Helper()
	blobs, err := filepath.Glob(filepath.Join(k.dir, ".assay", "store", "blobs", "sha256", "*"))
	if err != nil {
		k.t.Fatal(err)
	}
	for i, n := range k.rng.Perm(len(blobs))[:6] {
		err := os.Chmod(blobs[n], 0o600)
		if b, readErr := os.ReadFile(blobs[n]); err == nil && readErr == nil && i%2 == 0 && len(b) > 0 {
			b[k.rng.IntN(len(b))] ^= 1
			err = os.WriteFile(blobs[n], b, 0o600)
		} else if err == nil {
			err = os.Remove(blobs[n])
		}
		if err != nil {
			k.t.Fatal(err)
		}
	}
}

// woundStore replaces some blobs of the store, and removes others.
func (k *killer) woundStore() {
	k.t.Helper()
	var keys []string
	for o := range k.client.ListObjects(k.t.Context(), bucket, miniogo.ListObjectsOptions{Prefix: prefix + "/blobs/", Recursive: true}) {
		if o.Err != nil {
			k.t.Fatal(o.Err)
		}
		keys = append(keys, o.Key)
	}
	for i, n := range k.rng.Perm(len(keys))[:6] {
		var err error
		if i%2 == 0 {
			_, err = k.client.PutObject(k.t.Context(), bucket, keys[n], strings.NewReader("wound"), 5, miniogo.PutObjectOptions{})
		} else {
			err = k.client.RemoveObject(k.t.Context(), bucket, keys[n], miniogo.RemoveObjectOptions{})
		}
		if err != nil {
			k.t.Fatal(err)
		}
	}
}

// pull has a new clone pull what the lock names, killed, and then to its end.
func (k *killer) pull(what string) {
	k.t.Helper()
	if err := os.RemoveAll(filepath.Join(k.clone, ".assay")); err != nil {
		k.t.Fatal(err)
	}
	for _, name := range []string{pins.File, "assay.yaml"} {
		b, err := os.ReadFile(filepath.Join(k.dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(k.clone, name), b, 0o666)
		}
		if err != nil {
			k.t.Fatal(err)
		}
	}
	k.killed(what, k.clone, "pull")
	mustAssay(k.t, k.clone, "pull")
	mustAssay(k.t, k.clone, "store", "check")
	lock := readLock(k.t, k.clone)
	w, err := lab.Open(k.t.Context(), k.clone)
	if err != nil {
		k.t.Fatal(err)
	}
	for _, e := range lock.Experiments {
		if is, err := w.Archive.Ref(k.t.Context(), "runs/"+e.Run); err != nil || is != e.Manifest {
			k.t.Errorf("the clone has %v for run %s, %v; the lock has %v", is, e.Run, err, e.Manifest)
		}
	}
}

// acknowledged reports each run that is lost: from the archive, or from the
// store though it does not wait to be archived there. At the end none may wait.
func (k *killer) acknowledged(end bool) {
	k.t.Helper()
	w := k.open()
	waiting, lastError, err := w.Stores.Unarchived(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	for _, id := range k.runs {
		d, err := w.Archive.Ref(k.t.Context(), "runs/"+id)
		if err != nil {
			k.t.Errorf("run %s is lost: %v", id, err)
		}
		if waiting[id] && !end {
			continue
		}
		if is, err := k.store.Ref(k.t.Context(), "runs/"+id+"/"+d.Hex()); err != nil || is != d {
			k.t.Errorf("run %s is lost in the store: %v, %v; want %v; last error of an upload: %q", id, is, err, d, lastError)
		}
	}
}

// upTo returns a random time below d.
func (k *killer) upTo(d time.Duration) time.Duration { return time.Duration(k.rng.Int64N(int64(d))) }
