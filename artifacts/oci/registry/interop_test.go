package registry_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/artifacts/oci/registry"
	team "github.com/assay-notebooks/assay/internal/registry"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// said runs a tool and returns its standard output.
func said(t *testing.T, path string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append(os.Environ(), "NO_COLOR=1")
	out, err := cmd.Output()
	if err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = errors.New(string(exit.Stderr))
		}
		t.Fatalf("%s %s: %v", filepath.Base(path), strings.Join(args, " "), err)
	}
	return string(out)
}

// serveEnv has the options of the registry that a process of this test is.
const serveEnv = "ASSAY_TEST_REGISTRY"

// teamRegistry starts the registry of "assay serve --registry" and returns its
// host and port. It has a process of its own: of olareg, which looks at a flag of
// a folder without its lock, the race detector would tell.
func teamRegistry(t *testing.T, o team.Options) string {
	t.Helper()
	o.Dir = t.TempDir()
	options, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestServe$")
	cmd.Env = append(os.Environ(), serveEnv+"="+string(options))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close(); cmd.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	_, host, ok := strings.Cut(strings.TrimSpace(line), "://")
	if err != nil || !ok {
		t.Fatalf("the registry's process says %q, %v, want a URL", line, err)
	}
	return host
}

// TestServe is the registry's process. It ends when its standard input does.
func TestServe(t *testing.T) {
	options := os.Getenv(serveEnv)
	if options == "" {
		return
	}
	var o team.Options
	if err := json.Unmarshal([]byte(options), &o); err != nil {
		t.Fatal(err)
	}
	s, err := team.Open(o, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	fmt.Println(s.URL)
	io.Copy(io.Discard, os.Stdin)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A graph is a workload, a run of it and a figure of that.
type graph struct {
	store       *artifacts.Store
	workload    assay.Workload
	run, figure oci.Descriptor
}

// pushGraph pushes a graph to host/sum:v1.
func pushGraph(t *testing.T, host string) graph {
	t.Helper()
	g := graph{store: store(t)}
	g.workload, g.run = put(t, g.store, []byte("PAR1"))
	d, err := g.store.PutBytes(t.Context(), []byte("<svg/>"))
	if err != nil {
		t.Fatal(err)
	}
	g.figure, err = oci.PutArtifact(t.Context(), g.store, oci.Artifact{
		Type: "application/vnd.assay.figure.v1+json", Subject: &g.run,
		Layers: []oci.Layer{{MediaType: "image/svg+xml", Title: "figure.svg", Digest: d}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := push(t, g.store, reference(t, host+"/sum:v1"), plain, g.roots()...); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g graph) roots() []assay.Digest {
	return []assay.Digest{g.workload.Manifest, g.run.Digest, g.figure.Digest}
}

// pull pulls ref and checks that it is the whole graph.
func (g graph) pull(t *testing.T, ref string) {
	t.Helper()
	there := store(t)
	if _, err := registry.Pull(t.Context(), there, reference(t, ref), registry.PullOptions{Options: plain}); err != nil {
		t.Fatal(err)
	}
	blobs(t, there, g.roots()...)
}

// TestOras has oras read what we pushed, and copy it to where we read it.
func TestOras(t *testing.T) {
	oras, host := tooltest.Built(t, "oras"), teamRegistry(t, team.Options{})
	g := pushGraph(t, host)
	if got := strings.TrimSpace(said(t, oras, "resolve", "--plain-http", host+"/sum:v1")); got != g.workload.Manifest.String() {
		t.Errorf("oras resolve: %s, want %v", got, g.workload.Manifest)
	}
	dir := t.TempDir()
	said(t, oras, "pull", "--plain-http", host+"/sum:v1", "-o", dir)
	if b, err := os.ReadFile(filepath.Join(dir, "sum.wasm")); err != nil || assay.DigestOf(b) != g.workload.Module {
		t.Errorf("oras pull: %q, %v, want the module", b, err)
	}
	said(t, oras, "pull", "--plain-http", host+"/sum@"+g.figure.Digest.String(), "-o", dir)
	if b, err := os.ReadFile(filepath.Join(dir, "figure.svg")); err != nil || string(b) != "<svg/>" {
		t.Errorf("oras pull of a figure: %q, %v", b, err)
	}
	for subject, about := range map[string]oci.Descriptor{host + "/sum:v1": g.run, host + "/sum@" + g.run.Digest.String(): g.figure} {
		var found struct{ Referrers []struct{ Digest string } }
		out := said(t, oras, "discover", "--plain-http", "--artifact-type", about.ArtifactType, "--format", "json", "--depth", "1", subject)
		if err := json.Unmarshal([]byte(out), &found); err != nil || len(found.Referrers) != 1 || found.Referrers[0].Digest != about.Digest.String() {
			t.Errorf("oras discover %s: %v, %s, want %v", subject, err, out, about.Digest)
		}
	}
	said(t, oras, "cp", "-r", "--from-plain-http", "--to-plain-http", host+"/sum:v1", host+"/copied:v2")
	g.pull(t, host+"/copied:v2")

	// It goes down from a figure to the workload, and not up to what that names by annotation.
	said(t, oras, "cp", "-r", "--from-plain-http", "--to-plain-http", host+"/sum@"+g.figure.Digest.String(), host+"/figure:v1")
	_, err := registry.Pull(t.Context(), store(t), reference(t, host+"/figure:v1"), registry.PullOptions{Options: plain})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "workloads") {
		t.Errorf("Pull of the figure's copy: %v, want what is missing and the remedy", err)
	}
	said(t, oras, "cp", "-r", "--from-plain-http", "--to-plain-http", host+"/sum@"+g.workload.Manifest.String(), host+"/figure")
	g.pull(t, host+"/figure:v1")
}

// TestCrane has crane check and copy every manifest that we pushed.
func TestCrane(t *testing.T) {
	crane, host := tooltest.Built(t, "crane"), teamRegistry(t, team.Options{})
	g := pushGraph(t, host)
	for _, d := range g.roots() {
		ref := host + "/sum@" + d.String()
		want, err := g.store.ReadAll(t.Context(), d, oci.ManifestLimit)
		if err != nil {
			t.Fatal(err)
		}
		if got := said(t, crane, "manifest", ref); got != string(want) {
			t.Errorf("crane manifest %s: %s, want %s", ref, got, want)
		}
		if got := strings.TrimSpace(said(t, crane, "digest", ref)); got != d.String() {
			t.Errorf("crane digest %s: %s", ref, got)
		}
		if got := said(t, crane, "validate", "--remote", ref); !strings.HasPrefix(got, "PASS") {
			t.Errorf("crane validate %s: %s", ref, got)
		}
	}
	said(t, crane, "copy", host+"/sum:v1", host+"/copied:v2")
	if d, err := registry.Resolve(t.Context(), reference(t, host+"/copied:v2"), plain); err != nil || d.Digest != g.workload.Manifest {
		t.Errorf("the copy: %v, %v, want %v", d.Digest, err, g.workload.Manifest)
	}
	// It copies a manifest and its layers, and no more.
	_, err := registry.Pull(t.Context(), store(t), reference(t, host+"/copied:v2"), registry.PullOptions{Options: plain})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "oras cp -r") {
		t.Errorf("Pull of the copy: %v, want what is missing and the remedy", err)
	}
}

// TestSkopeo has skopeo read and copy what we pushed.
func TestSkopeo(t *testing.T) {
	skopeo, err := exec.LookPath("skopeo")
	if err != nil {
		tooltest.Missing(t, "skopeo", err)
	}
	host := teamRegistry(t, team.Options{})
	g := pushGraph(t, host)
	want, err := g.store.ReadAll(t.Context(), g.workload.Manifest, oci.ManifestLimit)
	if err != nil {
		t.Fatal(err)
	}
	if got := said(t, skopeo, "inspect", "--raw", "--tls-verify=false", "docker://"+host+"/sum:v1"); got != string(want) {
		t.Errorf("skopeo inspect: %s, want %s", got, want)
	}
	said(t, skopeo, "copy", "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false", "docker://"+host+"/sum:v1", "docker://"+host+"/copied:v2")
	d, err := registry.Resolve(t.Context(), reference(t, host+"/copied:v2"), plain)
	if err != nil || d.Digest != g.workload.Manifest {
		t.Errorf("the copy: %v, %v, want %v", d.Digest, err, g.workload.Manifest)
	}
}
