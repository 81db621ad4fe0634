package main

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	miniogo "github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/artifacts/minio/miniotest"
	"github.com/assay-notebooks/assay/artifacts/oci"
)

// drawn is an experiment with a figure.
func drawn(t *testing.T) string {
	return greeting + `figures:
  - {name: times, source: ` + abs(t, filepath.Join("testdata", "figures")) + `, func: Times, columns: [runtime, wall_ns], formats: [svg]}
`
}

// blobs returns the digests of the blobs in a workspace's archive.
func blobs(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, ".assay", "store", "blobs", "sha256"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func blobPath(dir string, d assay.Digest) string {
	return filepath.Join(dir, ".assay", "store", "blobs", "sha256", d.Hex())
}

// damage deletes a blob, or flips a bit of it.
func damage(t *testing.T, path string, remove bool) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.Remove(path)
	}
	if err == nil && !remove {
		b[len(b)/2] ^= 1
		err = os.WriteFile(path, b, 0o444)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestStoreHeals loses and damages blobs on either side: they are read from the
// other, and put back.
func TestStoreHeals(t *testing.T) {
	s := miniotest.Start(t)
	dir := newWorkspace(t, drawn(t))
	c := addStore(t, dir, s, "results")
	mustAssay(t, dir, "run", "experiment.yaml")
	archived(t, dir, c)
	figure := readLock(t, dir).Figures["times"]
	trace := figure.Tables[0].Trace
	for _, remove := range []bool{true, false} {
		damage(t, blobPath(dir, trace), remove)
		damage(t, blobPath(dir, figure.Module), remove)
		damage(t, blobPath(dir, figure.Manifest), remove)
		if out, err := assayIn(t, dir, "store", "check").Output(); err == nil || !bytes.Contains(out, []byte(trace.Hex())) {
			t.Errorf("a check of the archive, removed %v: %v\n%s", remove, err, out)
		}
		// A large blob heals while it is read, and may be good only the next time.
		if err := assayIn(t, dir, "replay", "--all").Run(); err != nil {
			mustAssay(t, dir, "replay", "--all")
		}
		mustAssay(t, dir, "store", "check")
	}
	damage(t, blobPath(dir, trace), true)
	damage(t, blobPath(dir, figure.Manifest), false)
	mustAssay(t, dir, "store", "check", "--repair")
	mustAssay(t, dir, "store", "check")

	// The other way round.
	client := newClient(t, c, s)
	object := artifacts.BlobKey(trace)
	if err := client.RemoveObject(t.Context(), c.Bucket, object, miniogo.RemoveObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	put(t, client, c, artifacts.BlobKey(figure.Module), "not a module")
	if out, err := assayIn(t, dir, "store", "check", "lab").Output(); err == nil || !bytes.Contains(out, []byte("corrupt: ")) || !bytes.Contains(out, []byte("orphaned: ")) {
		t.Errorf("a check of the store: %v\n%s", err, out)
	}
	mustAssay(t, dir, "store", "check", "lab", "--repair")
	mustAssay(t, dir, "store", "check", "lab")

	// Nobody has it, and the store does not answer: what is there is read, what
	// is not is an error that says both.
	s.Stop()
	mustAssay(t, dir, "replay", "--all")
	damage(t, blobPath(dir, trace), true)
	cmd := assayIn(t, dir, "replay", "--all")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err == nil || !strings.Contains(stderr.String(), "not reachable") || !strings.Contains(stderr.String(), trace.String()) {
		t.Errorf("replay without the trace: %v\n%s", err, &stderr)
	}
}

// newClient returns a client of the server's administrator.
func newClient(t *testing.T, c minio.Config, s *miniotest.Server) *miniogo.Client {
	t.Helper()
	client, err := miniogo.New(strings.TrimPrefix(c.Endpoint, "http://"), &miniogo.Options{Creds: credentials.NewStaticV4(s.User, s.Secret, "")})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func put(t *testing.T, client *miniogo.Client, c minio.Config, object, value string) {
	t.Helper()
	_, err := client.PutObject(t.Context(), c.Bucket, object, strings.NewReader(value), int64(len(value)), miniogo.PutObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

const times = "runtime,ms\nv8,20\nwamr,2\n"

// importTimes imports a file, as "published".
func importTimes(t *testing.T, dir string) {
	t.Helper()
	file, mapping := filepath.Join(dir, "times.csv"), filepath.Join(dir, "times.yaml")
	if err := errors.Join(os.WriteFile(file, []byte(times), 0o666),
		os.WriteFile(mapping, []byte("columns: {runtime: {role: system}, ms: {kind: float, unit: ms, role: sample}}\n"), 0o666)); err != nil {
		t.Fatal(err)
	}
	mustAssay(t, dir, "import", "table", file, "--mapping", mapping, "--name", "published")
}

// TestPullClone makes a clone as version control does, of the lock and the
// settings alone, pulls, and replays without the store: it has exactly the
// blobs that the lock reaches.
func TestPullClone(t *testing.T) {
	s := miniotest.Start(t)
	dir := newWorkspace(t, drawn(t))
	c := addStore(t, dir, s, "results")
	mustAssay(t, dir, "run", "experiment.yaml")
	mustAssay(t, dir, "run", "experiment.yaml", "--rerun") // the lock names this one; the first is not needed
	importTimes(t, dir)
	archived(t, dir, c)
	lock := readLock(t, dir)

	clone := t.TempDir()
	for _, file := range []string{"assay.lock", "assay.yaml"} {
		overwrite(t, filepath.Join(dir, file), filepath.Join(clone, file))
	}
	mustAssay(t, clone, "pull")
	// What the lock reaches, walked in the archive that it was made in.
	want := map[string]bool{}
	store, _ := openStore(t, c)
	var reach func(d assay.Digest)
	reach = func(d assay.Digest) {
		if want[d.Hex()] {
			return
		}
		want[d.Hex()] = true
		children, err := oci.Children(t.Context(), store, d)
		if err != nil {
			t.Fatal(err)
		}
		for _, child := range children {
			reach(child)
		}
	}
	for _, d := range lock.Workloads {
		reach(d)
	}
	for _, e := range lock.Experiments {
		reach(e.Manifest)
	}
	for _, i := range lock.Imports {
		reach(i.Manifest)
	}
	for _, f := range lock.Figures {
		reach(f.Manifest)
	}
	got := blobs(t, clone)
	for _, name := range got {
		if !want[name] {
			t.Errorf("pulled %s, which the lock does not reach", name)
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("did not pull %s", name)
	}
	t.Logf("%d blobs pulled, of %d in the store", len(got), len(blobs(t, dir)))
	s.Stop()
	mustAssay(t, clone, "store", "check")
	mustAssay(t, clone, "replay", "--all")
	if out := mustAssay(t, clone, "run", filepath.Join(dir, "experiment.yaml")); !strings.Contains(out, "nothing was measured") {
		t.Errorf("the pulled run is not the answer: %s", out)
	}
	mustAssay(t, clone, "traces", "export", "published", "--original", "-o", filepath.Join(clone, "files"))
	if b, err := os.ReadFile(filepath.Join(clone, "files", "times.csv")); err != nil || string(b) != times {
		t.Errorf("the file of a pulled import: %q, %v; want %q", b, err, times)
	}

	// One thing by its name, with the other workspace's first run left alone.
	s.Start()
	other := t.TempDir()
	mustAssay(t, other, "init")
	overwrite(t, filepath.Join(dir, "assay.yaml"), filepath.Join(other, "assay.yaml"))
	for _, e := range lock.Experiments {
		mustAssay(t, other, "pull", e.Run)
		if out := mustAssay(t, other, "show", e.Run); !strings.Contains(out, "state: complete") {
			t.Errorf("show of a pulled run: %s", out)
		}
	}
	mustAssay(t, other, "pull", "published")
	mustAssay(t, other, "traces", "export", "published")
	mustAssay(t, other, "store", "check")
	// By its digest, and by what assay.lock calls it.
	again := t.TempDir()
	mustAssay(t, again, "init")
	overwrite(t, filepath.Join(dir, "assay.yaml"), filepath.Join(again, "assay.yaml"))
	overwrite(t, filepath.Join(dir, "assay.lock"), filepath.Join(again, "assay.lock"))
	for _, e := range lock.Experiments {
		mustAssay(t, again, "pull", e.Manifest.String())
		mustAssay(t, again, "show", e.Run)
		mustAssay(t, again, "pull", e.Name)
	}
	if out, err := assayIn(t, other, "pull", "nothing").CombinedOutput(); err == nil || !strings.Contains(string(out), "has no run, import, workload, figure or verdict") {
		t.Errorf("pull of what is not there: %v\n%s", err, out)
	}
}

// TestPublish has the server refuse to delete what was published, and to retain
// it for less long; a collection keeps it, and an overwrite does no harm.
func TestPublish(t *testing.T) {
	s := miniotest.Start(t)
	dir := newWorkspace(t, drawn(t))
	c := addStore(t, dir, s, "published", "--object-lock")
	mustAssay(t, dir, "run", "experiment.yaml")
	archived(t, dir, c)
	// What has rotted in the store is sent again, and what only it has is taken
	// as it is.
	client := newClient(t, c, s)
	rotten, only := readLock(t, dir).Figures["times"].Module, readLock(t, dir).Figures["times"].Tables[0].Trace
	put(t, client, c, artifacts.BlobKey(rotten), "not a module")
	damage(t, blobPath(dir, only), true)
	now := time.Now().UTC()
	until := now.AddDate(0, 1, 0).Format(time.DateOnly)
	if out := mustAssay(t, dir, "publish", "times", "--until", until, "--mode", "compliance"); !strings.Contains(out, "figures/times") || !strings.Contains(out, "compliance") {
		t.Errorf("publish printed %s", out)
	}
	figure := readLock(t, dir).Figures["times"]
	ref := artifacts.RefKey("publications/figures/times/" + figure.Manifest.Hex())
	store, backend := openStore(t, c)
	if b, err := store.ReadAll(t.Context(), rotten, 1<<30); err != nil {
		t.Errorf("what had rotted is published as %d bytes, %v", len(b), err)
	}
	for _, key := range []string{artifacts.BlobKey(figure.Manifest), artifacts.BlobKey(figure.Module), artifacts.BlobKey(figure.Tables[0].Trace), ref} {
		info, err := client.StatObject(t.Context(), c.Bucket, key, miniogo.StatObjectOptions{})
		if err != nil {
			t.Fatal(err)
		}
		err = client.RemoveObject(t.Context(), c.Bucket, key, miniogo.RemoveObjectOptions{VersionID: info.VersionID, GovernanceBypass: true})
		if err == nil {
			t.Errorf("the server deleted %s", key)
		}
		mode, sooner := miniogo.Compliance, time.Now().Add(time.Hour)
		err = client.PutObjectRetention(t.Context(), c.Bucket, key, miniogo.PutObjectRetentionOptions{Mode: &mode, RetainUntilDate: &sooner, VersionID: info.VersionID, GovernanceBypass: true})
		if err == nil {
			t.Errorf("the server shortened the retention of %s", key)
		}
		if r, err := backend.Retention(t.Context(), key); err != nil || r.Mode != minio.Compliance || r.Until.Format(time.DateOnly) <= until {
			t.Errorf("%s is retained %v, %v; want to the end of %s", key, r, err, until)
		}
	}
	sooner, ends := now.AddDate(0, 0, 1).Format(time.DateOnly), now.AddDate(0, 1, 1).Format(time.DateOnly)
	if out := mustAssay(t, dir, "publish", "times", "--until", sooner, "--mode", "compliance"); !strings.Contains(out, ends) {
		t.Errorf("publish until %s printed %s; it is retained to the begin of %s", sooner, out, ends)
	}
	// Nothing but the publication names it now.
	for ref, err := range store.Refs(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(ref.Name, "publications/") {
			if err := store.DeleteRef(t.Context(), ref.Name); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Remove(filepath.Join(dir, "assay.lock")); err != nil {
		t.Fatal(err)
	}
	mustAssay(t, dir, "store", "gc", "lab", "--min-age", "1ns")
	mustAssay(t, dir, "store", "check", "lab")
	if _, err := store.Stat(t.Context(), figure.Tables[0].Trace); err != nil {
		t.Errorf("after a collection: %v", err)
	}
	// What is written over it is a new version: the old one is still there, and
	// restores it where nobody else has it.
	put(t, client, c, artifacts.BlobKey(figure.Manifest), "something else")
	damage(t, blobPath(dir, figure.Manifest), true)
	if out, err := assayIn(t, dir, "store", "check", "lab").Output(); err == nil {
		t.Errorf("a check does not see the overwrite: %s", out)
	}
	if out := mustAssay(t, dir, "store", "check", "lab", "--repair"); !strings.Contains(out, "restored from store lab (kept versions)") {
		t.Errorf("repair printed %s", out)
	}
	mustAssay(t, dir, "store", "check", "lab")
}

// TestPublishGraph publishes a verdict, a workload and an import: what was
// measured of the workload, and drawn of that, is retained with it.
func TestPublishGraph(t *testing.T) {
	s := miniotest.Start(t)
	dir := newWorkspace(t, drawn(t))
	c := addStore(t, dir, s, "published", "--object-lock")
	mustAssay(t, dir, "run", "experiment.yaml")
	importTimes(t, dir)
	claims := "claims: [{id: quick}]\nchecks: {quick: {metric: sample, comparator: '<=', value: 60, unit: s}}\n"
	if err := os.WriteFile(filepath.Join(dir, "claims.yaml"), []byte(claims), 0o666); err != nil {
		t.Fatal(err)
	}
	mustAssay(t, dir, "claims", "check", "quick", "--against", "published")
	if out := mustAssay(t, dir, "publish", "quick@imports/published"); !strings.Contains(out, "claims/quick") {
		t.Errorf("publish printed %s", out)
	}
	if out := mustAssay(t, dir, "publish", "hello", "published"); !strings.Contains(out, "workloads/hello") {
		t.Errorf("publish printed %s", out)
	}
	store, backend := openStore(t, c)
	kinds := map[string]int{}
	for ref, err := range store.Refs(t.Context(), "publications") {
		if err != nil {
			t.Fatal(err)
		}
		kinds[strings.Split(ref.Name, "/")[1]]++
		if r, err := backend.Retention(t.Context(), artifacts.BlobKey(ref.Digest)); err != nil || r.Until.IsZero() {
			t.Errorf("%s is retained %v, %v", ref.Name, r, err)
		}
	}
	if want := map[string]int{"workloads": 1, "runs": 1, "imports": 1, "figures": 1, "claims": 1}; !maps.Equal(kinds, want) {
		t.Errorf("published %v, want %v", kinds, want)
	}
}

// TestPublishRefused asks for it where it cannot be had.
func TestPublishRefused(t *testing.T) {
	s := miniotest.Start(t)
	dir := newWorkspace(t, greeting)
	addStore(t, dir, s, "ordinary")
	unused := s.Config("unused")
	said := mustAssay(t, dir, "store", "add", "unused", unused.URL(), "--endpoint", unused.Endpoint, "--credentials", unused.Credentials, "--create")
	if !strings.Contains(said, `"assay store use unused"`) {
		t.Errorf("a second store is not said to be out of use:\n%s", said)
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"publish", "hello"}, "without object lock"},
		{[]string{"store", "add", "nested", unused.URL() + "/sub", "--endpoint", unused.Endpoint, "--credentials", unused.Credentials, "--create"}, "inside of store"},
		{[]string{"publish", "hello", "--store", "unused"}, "without object lock"},
		{[]string{"publish", "hello", "--until", "2020-01-01"}, "2020-01-01 is past"},
		{[]string{"publish", "hello", "--until", "9999-12-31"}, "too far off"},
		{[]string{"publish", "hello", "--until", "soon"}, "want a date"},
		{[]string{"publish", "hello", "--mode", "forever"}, "want governance or compliance"},
		{[]string{"publish"}, "give references, or --lock"},
		{[]string{"publish", "nothing"}, `nothing is called "nothing"`},
		{[]string{"store", "link", "hello", "--expires", "200h"}, "want one second to 168h"},
		{[]string{"store", "link", "hello", "--file", "trace.parquet"}, `no file "trace.parquet"`},
		{[]string{"store", "add", "lab", "s3://other-bucket", "--endpoint", s.Endpoint}, "is defined already"},
		{[]string{"store", "use", "nothere"}, `no store "nothere"`},
		{[]string{"pull", "--store", "nothere"}, `no store "nothere"`},
	} {
		out, err := assayIn(t, dir, test.args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), test.want) || bytes.Count(out, []byte("\n")) > 2 {
			t.Errorf("assay %s: %v\n%s, want an error with %q, after progress at most", strings.Join(test.args, " "), err, out, test.want)
		}
	}
	store, _ := openStore(t, unused)
	if report, err := store.Check(t.Context(), artifacts.CheckOptions{}); err != nil || report.Blobs > 0 {
		t.Errorf("a bucket without object lock was sent %d blobs, %v", report.Blobs, err)
	}
}

// TestStoreLink reads a trace by its link, as somebody without an account.
func TestStoreLink(t *testing.T) {
	s := miniotest.Start(t)
	dir := newWorkspace(t, drawn(t))
	c := addStore(t, dir, s, "results")
	mustAssay(t, dir, "run", "experiment.yaml")
	archived(t, dir, c)
	out := mustAssay(t, dir, "store", "link", "greeting", "--file", "trace.parquet", "--expires", "1h")
	fields := strings.Fields(out)
	if len(fields) < 2 || fields[len(fields)-2] != "trace.parquet" || strings.Contains(out, s.Secret) {
		t.Fatalf("link printed %s", out)
	}
	link := fields[len(fields)-1]
	resp, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || assay.DigestOf(b) != readLock(t, dir).Figures["times"].Tables[0].Trace {
		t.Errorf("the link gives %d bytes (%s), %v; want the trace", len(b), resp.Status, err)
	}
	if got := resp.Header.Get("Content-Disposition"); !strings.Contains(got, "trace.parquet") {
		t.Errorf("it is saved as %q, want trace.parquet", got)
	}
	tampered, err := http.Get(strings.Replace(link, "X-Amz-Expires=3600", "X-Amz-Expires=7200", 1))
	if err != nil {
		t.Fatal(err)
	}
	tampered.Body.Close()
	if tampered.StatusCode != http.StatusForbidden {
		t.Errorf("a link that was made longer: %s, want 403", tampered.Status)
	}
	if lines := strings.Count(mustAssay(t, dir, "store", "link", "times"), "http://"); lines < 6 {
		t.Errorf("%d links of a figure, want one for each file", lines)
	}
}
