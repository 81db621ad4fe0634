package lab

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/artifacts/oci/registry"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/stores"
)

// offer pushes an artifact of a type with one JSON layer of the same type, and
// returns its reference.
func offer(t *testing.T, w *Workspace, to, kind string, record any, subject *oci.Descriptor) string {
	t.Helper()
	b, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	a := oci.Artifact{Type: kind, Subject: subject}
	if err := w.addLayer(t.Context(), &a, "record.json", kind, b); err != nil {
		t.Fatal(err)
	}
	d, err := oci.PutArtifact(t.Context(), w.Archive, a)
	if err != nil {
		t.Fatal(err)
	}
	content, err := oci.Closure(t.Context(), w.Archive, []assay.Digest{d.Digest})
	if err != nil {
		t.Fatal(err)
	}
	ref, err := registry.ParseReference(to)
	if err != nil {
		t.Fatal(err)
	}
	opts := registry.PushOptions{Options: registry.Options{PlainHTTP: true}}
	if err := registry.Push(t.Context(), w.Archive, content, d.Digest, ref, opts); err != nil {
		t.Fatal(err)
	}
	return to
}

func initWorkspace(t *testing.T) *Workspace {
	t.Helper()
	w, err := Init(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestFetchHostile fetches records that no assay wrote: nothing is named after
// them.
func TestFetchHostile(t *testing.T) {
	host, there := registryFor(t), initWorkspace(t)
	run := func(id string) assay.Run { return assay.Run{Format: assay.RunFormat, ID: id} }
	for name, from := range map[string]string{
		"run-path":     offer(t, there, host+"/a:v1", runType, run("../../assay.lock"), nil),
		"run-no-id":    offer(t, there, host+"/b:v1", runType, run(""), nil),
		"run-format":   offer(t, there, host+"/c:v1", runType, assay.Run{Format: "assay.run.v9", ID: "x"}, nil),
		"run-no-json":  offer(t, there, host+"/d:v1", runType, "text", nil),
		"figure-name":  offer(t, there, host+"/e:v1", figureType, assay.Figure{Format: assay.FigureFormat, Name: "../x"}, nil),
		"figure-lines": offer(t, there, host+"/f:v1", figureType, assay.Figure{Format: assay.FigureFormat, Name: "a\nb"}, nil),
		"figure-kind": offer(t, there, host+"/g:v1", figureType, assay.Figure{Format: assay.FigureFormat, Name: "x",
			Outputs: map[string]assay.Digest{"exe": assay.DigestOf(nil)}}, nil),
		"other": offer(t, there, host+"/h:v1", "application/vnd.example", "text", nil),
	} {
		w := initWorkspace(t)
		if f, err := w.Fetch(t.Context(), "", from, PullOptions{PlainHTTP: true}); err == nil {
			t.Errorf("%s: Fetch = %+v, want an error", name, f)
		}
		for ref, err := range w.Archive.Refs(t.Context(), "") {
			t.Errorf("%s: reference %s, %v, want none", name, ref.Name, err)
		}
		if lock, err := w.Lock(); err != nil || len(lock.Figures)+len(lock.Workloads) > 0 {
			t.Errorf("%s: lock %+v, %v, want nothing", name, lock, err)
		}
	}
	if err := remote.Write(at(t, host+"/image:v1"), empty.Image); err != nil {
		t.Fatal(err)
	}
	if _, err := initWorkspace(t).Fetch(t.Context(), "", host+"/image:v1", PullOptions{PlainHTTP: true}); !errors.Is(err, failure.ErrUsage) || !strings.Contains(err.Error(), "assay pin") {
		t.Errorf("an image: %v, want failure.ErrUsage and assay pin as the remedy", err)
	}
}

// TestFetchConflict fetches a run whose ID another one has here.
func TestFetchConflict(t *testing.T) {
	host, there, here := registryFor(t), initWorkspace(t), initWorkspace(t)
	first := offer(t, there, host+"/a:v1", runType, assay.Run{Format: assay.RunFormat, ID: "r"}, nil)
	second := offer(t, there, host+"/b:v1", runType, assay.Run{Format: assay.RunFormat, ID: "r", Name: "forged"}, nil)
	f, err := here.Fetch(t.Context(), "r", first, PullOptions{PlainHTTP: true})
	if err != nil || f.Name != "runs/r" {
		t.Fatalf("Fetch = %+v, %v, want runs/r", f, err)
	}
	if _, err := here.Fetch(t.Context(), "r", second, PullOptions{PlainHTTP: true}); !errors.Is(err, artifacts.ErrConflict) {
		t.Errorf("Fetch of another run of that ID: %v, want ErrConflict", err)
	}
	if d, err := here.Archive.Ref(t.Context(), "runs/r"); err != nil || d != f.Digest {
		t.Errorf("runs/r is %v, %v, want %v", d, err, f.Digest)
	}
}

// TestFetchAttached fetches a workload that others have attached something to.
func TestFetchAttached(t *testing.T) {
	host, there, here := registryFor(t), initWorkspace(t), initWorkspace(t)
	wl, err := there.Pin(t.Context(), "../../runners/runtimes/contract/guests/hello.wasm", PinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := there.Push(t.Context(), "hello", host+"/hello:v1", PushOptions{PlainHTTP: true}); err != nil {
		t.Fatal(err)
	}
	subject, err := oci.Describe(t.Context(), there.Archive, wl.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	offer(t, there, host+"/hello:sbom", "application/spdx+json", "an SBOM", &subject)
	f, err := here.Fetch(t.Context(), wl.Manifest.String(), host+"/hello", PullOptions{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(f.Pinned, []string{"hello"}) || len(f.Refs) != 2 || !strings.HasPrefix(f.Refs[1], attached) {
		t.Errorf("Fetch = %+v, want hello pinned and something attached", f)
	}
	opts := artifacts.CheckOptions{ReadData: true, Children: stores.Children(here.Archive)}
	if report, err := here.Archive.Check(t.Context(), opts); err != nil || report.Damaged() || report.Refs != 2 {
		t.Errorf("Check: %+v, %v, want two references and no problems", report, err)
	}
}

// TestFetchSkipped fetches a workload to which somebody attached what is no
// record of assay's, and a run that has the ID of another one here.
func TestFetchSkipped(t *testing.T) {
	host, there, here := registryFor(t), initWorkspace(t), initWorkspace(t)
	wl, err := there.Pin(t.Context(), "../../runners/runtimes/contract/guests/hello.wasm", PinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := there.Push(t.Context(), "hello", host+"/hello:v1", PushOptions{PlainHTTP: true}); err != nil {
		t.Fatal(err)
	}
	subject, err := oci.Describe(t.Context(), there.Archive, wl.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	run := func(id, name string) assay.Run { return assay.Run{Format: assay.RunFormat, ID: id, Name: name} }
	offer(t, there, host+"/hello:a", runType, run("../../assay.lock", ""), &subject)
	offer(t, there, host+"/hello:b", runType, run(strings.Repeat("r", 250), ""), &subject)
	offer(t, there, host+"/hello:c", runType, "text", &subject)
	offer(t, there, host+"/hello:d", runType, run("r", "forged"), &subject)
	offer(t, there, host+"/hello:e", runType, run("good", ""), &subject)
	mine, err := here.Fetch(t.Context(), "", offer(t, there, host+"/run:v1", runType, run("r", ""), nil), PullOptions{PlainHTTP: true})
	if err != nil {
		t.Fatal(err)
	}
	f, err := here.Fetch(t.Context(), "", host+"/hello:v1", PullOptions{PlainHTTP: true})
	if err != nil || !slices.Equal(f.Refs, []string{"workloads/hello", "runs/good"}) || len(f.Skipped) != 4 {
		t.Errorf("Fetch = %+v, %v, want hello and one run, and four skipped", f, err)
	}
	if d, err := here.Archive.Ref(t.Context(), "runs/r"); err != nil || d != mine.Digest {
		t.Errorf("runs/r is %v, %v, want %v", d, err, mine.Digest)
	}
}

// TestPushUnread pushes a workload from an archive in which a run and a figure
// that have nothing to do with it are lost.
func TestPushUnread(t *testing.T) {
	host, w := registryFor(t), initWorkspace(t)
	if _, err := w.Pin(t.Context(), "../../runners/runtimes/contract/guests/hello.wasm", PinOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"runs/r", "figures/f"} {
		d, err := w.Archive.PutBytes(t.Context(), []byte(name))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Archive.SetRef(t.Context(), name, d); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(w.path(storeDir, artifacts.BlobKey(d))); err != nil {
			t.Fatal(err)
		}
	}
	p, err := w.Push(t.Context(), "hello", host+"/hello:v1", PushOptions{PlainHTTP: true})
	if err != nil || p.Name != "workloads/hello" || len(p.Unread) != 2 {
		t.Errorf("Push = %+v, %v, want hello, and two that cannot be read", p, err)
	}
}
