package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/minio/miniotest"
)

// TestStoreStranger has the settings of a stranger name a server: it is told
// nothing of the user's own keys, not even asked, until the user names it.
func TestStoreStranger(t *testing.T) {
	var asked atomic.Int32
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusForbidden)
	}))
	defer stranger.Close()
	home := t.TempDir()
	aws := filepath.Join(home, ".aws", "credentials")
	if err := os.Mkdir(filepath.Dir(aws), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(aws, []byte("[default]\naws_access_key_id = user\naws_secret_access_key = hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	from := newWorkspace(t, greeting)
	mustAssay(t, from, "pin", abs(t, filepath.Join("..", "..", "runners", "runtimes", "contract", "guests", "hello.wasm")))
	for _, credentials := range []string{"", ", credentials: ~/.aws/credentials", ", credentials: " + aws, ", credentials: link"} {
		dir := t.TempDir()
		overwrite(t, filepath.Join(from, "assay.lock"), filepath.Join(dir, "assay.lock"))
		text := "stores:\n  lab: {url: s3://bucket, endpoint: '" + stranger.URL + "'" + credentials + "}\n"
		if err := os.WriteFile(filepath.Join(dir, "assay.yaml"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(aws, filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"pull"}, {"store", "ls"}, {"store", "check", "--repair"}, {"store", "sync"}} {
			out, _ := assayIn(t, dir, args...).CombinedOutput()
			if !strings.Contains(string(out), "only to a store that you choose") {
				t.Errorf("%q: assay %s: %s", credentials, strings.Join(args, " "), out)
			}
		}
		if n := asked.Swap(0); n > 0 {
			t.Errorf("%q: the server was asked %d times", credentials, n)
		}
		out, err := assayIn(t, dir, "pull", "--store", "lab").CombinedOutput()
		if n := asked.Swap(0); err == nil || n == 0 {
			t.Errorf("%q: a store that is named was asked %d times: %v\n%s", credentials, n, err, out)
		}
	}
}

// TestPullFromShared pulls what others have written to a store, by names that
// mean something else here or there.
func TestPullFromShared(t *testing.T) {
	s := miniotest.Start(t)
	ours, theirs := newWorkspace(t, drawn(t)), newWorkspace(t, drawn(t))
	for _, dir := range []string{ours, theirs} { // theirs is archived last
		c := addStore(t, dir, s, "results")
		mustAssay(t, dir, "run", "experiment.yaml")
		archived(t, dir, c)
	}
	c := s.Config("results")
	store, _ := openStore(t, c)
	figure, other := readLock(t, ours).Figures["times"], readLock(t, theirs).Figures["times"]

	archive := filepath.Join(ours, ".assay", "store", "refs", "figures", "times")
	before, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := assayIn(t, ours, "pull", "times").CombinedOutput(); err != nil || !strings.Contains(string(out), "figures/times is something else here") {
		t.Errorf("pull of a name that is something else here: %v\n%s", err, out)
	}
	if after, err := os.ReadFile(archive); err != nil || string(after) != string(before) {
		t.Errorf("figures/times was %s, is %s, %v", before, after, err)
	}
	if out := mustAssay(t, ours, "show", other.Manifest.String()); !strings.Contains(out, "times") {
		t.Errorf("show of what came: %s", out)
	}

	// A figure under the name of a run, and names without their digest.
	hex := figure.Manifest.Hex()
	for _, name := range []string{"runs/20260101T000000Z-000000/" + hex, "runs/20260101T000000Z-000001/x", "runs/20260101T000000Z-000001/x/" + hex} {
		if err := store.SetRef(t.Context(), name, figure.Manifest); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]string{"20260101T000000Z-000000": "something else", "20260101T000000Z-000001": "has no run"} {
		if out, err := assayIn(t, theirs, "pull", id).CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("pull %s: %v\n%s, want %q", id, err, out, want)
		}
	}

	// What is damaged here is repaired by a pull.
	damage(t, blobPath(ours, figure.Tables[0].Trace), false)
	damage(t, blobPath(ours, figure.Manifest), false)
	if out := mustAssay(t, ours, "pull"); !strings.Contains(out, "2 were damaged here, and are repaired") {
		t.Errorf("pull over damaged blobs: %s", out)
	}
	mustAssay(t, ours, "store", "check")

	// A pull that fails leaves nothing waiting for another store that is in use.
	clone := t.TempDir()
	for _, file := range []string{"assay.lock", "assay.yaml"} {
		overwrite(t, filepath.Join(ours, file), filepath.Join(clone, file))
	}
	mustAssay(t, clone, "init")
	elsewhere := s.Config("another")
	mustAssay(t, clone, "store", "add", "another", elsewhere.URL(), "--endpoint", elsewhere.Endpoint, "--credentials", elsewhere.Credentials, "--create")
	mustAssay(t, clone, "store", "use", "another")
	client := newClient(t, c, s)
	put(t, client, c, artifacts.BlobKey(figure.Module), "not a module")
	if out, err := assayIn(t, clone, "pull", "--store", "lab").CombinedOutput(); err == nil || len(waiting(t, clone)) > 0 {
		t.Errorf("a pull of damaged blobs: %v, waiting %v\n%s", err, waiting(t, clone), out)
	}
	mustAssay(t, ours, "store", "check", "lab", "--repair")

	// A server that sends more than a manifest says.
	put(t, client, c, artifacts.BlobKey(figure.Module), strings.Repeat("more", 1<<20))
	if out, err := assayIn(t, clone, "pull", "--store", "lab").CombinedOutput(); err == nil || !strings.Contains(string(out), "bytes") {
		t.Errorf("a pull of a blob that is too long: %v\n%s", err, out)
	}
	mustAssay(t, ours, "store", "check", "lab", "--repair")
	mustAssay(t, clone, "pull", "--store", "lab")
	archived(t, clone, elsewhere)

	// A reference that a repair sets is archived like others.
	another, _ := openStore(t, elsewhere)
	for _, e := range readLock(t, ours).Experiments {
		name := "runs/" + e.Run + "/" + e.Manifest.Hex()
		if err := another.DeleteRef(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(clone, ".assay", "store", "refs", "runs", e.Run), []byte("no digest"), 0o666); err != nil {
			t.Fatal(err)
		}
		mustAssay(t, clone, "store", "check", "--repair")
		mustAssay(t, clone, "runs")
		archived(t, clone, elsewhere)
		if d, err := another.Ref(t.Context(), name); err != nil || d != e.Manifest {
			t.Errorf("%s in the store in use, after a repair: %v, %v; want %v", name, d, err, e.Manifest)
		}
	}
}
