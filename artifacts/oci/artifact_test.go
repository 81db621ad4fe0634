package oci_test

import (
	"errors"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/oci"
)

// put stores b or ends the test.
func put(t testing.TB, s memory, b string) assay.Digest {
	t.Helper()
	d, err := s.PutBytes(t.Context(), []byte(b))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// run is an artifact as one run is kept.
func run(t testing.TB, s memory, subject *oci.Descriptor) oci.Artifact {
	t.Helper()
	return oci.Artifact{
		Type:    "application/vnd.assay.run.v1",
		Subject: subject,
		Layers: []oci.Layer{
			{MediaType: "application/json", Title: "run.json", Digest: put(t, s, `{"id":"r"}`), Size: 10},
			{MediaType: "application/vnd.apache.parquet", Title: "trace.parquet", Digest: put(t, s, "PAR1"), Size: 4},
		},
		Blobs:       map[string]assay.Digest{"plan": put(t, s, "{}")},
		Annotations: map[string]string{"org.opencontainers.image.title": "coldstart"},
	}
}

func TestArtifactRoundTrip(t *testing.T) {
	store := memory{}
	w, err := oci.PutWorkload(t.Context(), store, files(t))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := oci.Describe(t.Context(), store, w.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	if subject.MediaType != oci.MediaTypeManifest || subject.ArtifactType != oci.MediaTypeWasmConfig {
		t.Errorf("Describe(workload) = %+v", subject)
	}
	want := run(t, store, &subject)
	d, err := oci.PutArtifact(t.Context(), store, want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := oci.ReadArtifact(t.Context(), store, d.Digest)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("ReadArtifact: %v\n got %+v\nwant %+v", err, got, want)
	}
	if described, err := oci.Describe(t.Context(), store, d.Digest); err != nil || !reflect.DeepEqual(described, d) {
		t.Errorf("Describe: got %+v, %v, want %+v", described, err, d)
	}
	children, err := oci.Children(t.Context(), store, d.Digest)
	if err != nil {
		t.Fatal(err)
	}
	all := []assay.Digest{
		assay.DigestOf([]byte("{}")), w.Manifest, want.Layers[0].Digest, want.Layers[1].Digest, want.Blobs["plan"],
	}
	for _, c := range all {
		if !slices.Contains(children, c) {
			t.Errorf("Children: no %v in %v", c, children)
		}
	}
}

func TestArtifactWithoutFiles(t *testing.T) {
	store := memory{}
	want := oci.Artifact{
		Type:  "application/vnd.assay.link.v1",
		Blobs: map[string]assay.Digest{"run": put(t, store, "run")},
	}
	d, err := oci.PutArtifact(t.Context(), store, want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := oci.ReadArtifact(t.Context(), store, d.Digest); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if m, err := oci.ParseManifest(store[d.Digest]); err != nil || len(m.Layers) != 1 {
		t.Errorf("layers %v, %v, want the empty one: registries refuse none", m.Layers, err)
	}
}

func TestPutArtifactRefuses(t *testing.T) {
	absent := assay.DigestOf([]byte("absent"))
	for name, tt := range map[string]struct {
		artifact oci.Artifact
		want     error
	}{
		"no-type":         {oci.Artifact{}, oci.ErrInvalid},
		"layer-absent":    {oci.Artifact{Type: "a/b", Layers: []oci.Layer{{MediaType: "c/d", Digest: absent}}}, fs.ErrNotExist},
		"blob-absent":     {oci.Artifact{Type: "a/b", Blobs: map[string]assay.Digest{"x": absent}}, fs.ErrNotExist},
		"blob-annotation": {oci.Artifact{Type: "a/b", Annotations: map[string]string{oci.BlobPrefix + "x": "y"}}, oci.ErrInvalid},
		"subject-empty":   {oci.Artifact{Type: "a/b", Subject: &oci.Descriptor{}}, oci.ErrInvalid},
	} {
		store := memory{}
		if d, err := oci.PutArtifact(t.Context(), store, tt.artifact); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, error %v, want %v", name, d, err, tt.want)
		}
	}
}

// TestArtifactOfOras reads what "oras attach" writes: another order of names,
// white space, a time.
func TestArtifactOfOras(t *testing.T) {
	store := memory{}
	note := put(t, store, "note")
	d := put(t, store, `{
  "schemaVersion": 2,
  "mediaType": "application/vnd.oci.image.manifest.v1+json",
  "artifactType": "text/x.note",
  "config": {
    "mediaType": "application/vnd.oci.empty.v1+json",
    "digest": "`+assay.DigestOf([]byte("{}")).String()+`",
    "size": 2,
    "data": "e30="
  },
  "layers": [
    {
      "mediaType": "text/plain",
      "digest": "`+note.String()+`",
      "size": 4,
      "annotations": {"org.opencontainers.image.title": "note.txt"}
    }
  ],
  "annotations": {"org.opencontainers.image.created": "2026-11-24T00:00:00Z"}
}`)
	got, err := oci.ReadArtifact(t.Context(), store, d)
	want := oci.Artifact{
		Type:        "text/x.note",
		Layers:      []oci.Layer{{MediaType: "text/plain", Title: "note.txt", Digest: note, Size: 4}},
		Annotations: map[string]string{"org.opencontainers.image.created": "2026-11-24T00:00:00Z"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestChildren(t *testing.T) {
	store := memory{}
	for name, b := range map[string]string{
		"empty":           "",
		"wasm":            "\x00asm\x01\x00\x00\x00",
		"json":            `{"plan":"` + assay.DigestOf(nil).String() + `"}`,
		"other-schema":    `{"schemaVersion":1,"config":{"digest":"` + assay.DigestOf(nil).String() + `"}}`,
		"broken-manifest": `{"schemaVersion":2,"config":`,
		"long":            `{"schemaVersion":2,"x":"` + strings.Repeat("x", oci.ManifestLimit) + `"}`,
	} {
		if got, err := oci.Children(t.Context(), store, put(t, store, b)); err != nil || len(got) != 0 {
			t.Errorf("%s: got %v, %v, want none", name, got, err)
		}
	}
	a, b := put(t, store, "a"), put(t, store, "b")
	partly := put(t, store, `{"schemaVersion":2,"manifests":[{"digest":"sha512:00"},{"digest":"`+a.String()+`"},{"digest":"`+
		a.String()+`"}],"annotations":{"x":"`+assay.DigestOf(nil).String()+`","`+oci.BlobPrefix+`y":"`+b.String()+`"}}`)
	if got, err := oci.Children(t.Context(), store, partly); err != nil || !slices.Equal(got, []assay.Digest{a, b}) {
		t.Errorf("partly readable: got %v, %v, want %v, %v", got, err, a, b)
	}
	store[partly][0] ^= 1
	if got, err := oci.Children(t.Context(), store, partly); !errors.Is(err, artifacts.ErrCorrupt) {
		t.Errorf("flipped bit: got %v, %v, want ErrCorrupt: its children would be collected", got, err)
	}
	if got, err := oci.Children(t.Context(), store, assay.DigestOf([]byte("absent"))); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: got %v, %v, want fs.ErrNotExist", got, err)
	}
}
