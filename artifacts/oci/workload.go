package oci

import (
	"context"
	"fmt"
	"strconv"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/canonical"
)

// The annotations of a workload's manifest. Name, licence and URL are also
// there under the names that the OCI specification gives them.
const (
	annotationName    = AnnotationPrefix + "name"
	annotationArgs    = AnnotationPrefix + "args"          // JSON array of strings
	annotationEnv     = AnnotationPrefix + "env"           // JSON array of strings, KEY=VALUE
	annotationStdout  = AnnotationPrefix + "expect.stdout" // digest of the whole of stdout
	annotationExit    = AnnotationPrefix + "expect.exit"   // decimal
	annotationSteady  = AnnotationPrefix + "steady"        // "true": it heeds assay.CallsVariable
	annotationScratch = AnnotationPrefix + "scratch"       // "true": it wants an empty working directory
	annotationFact    = AnnotationPrefix + "source."       // + "toolchain", "licence", "url"
	blobStdin         = BlobPrefix + "stdin"
	blobSource        = BlobPrefix + "source"
	blobNative        = BlobPrefix + "native."  // + "linux/amd64"
	blobImage         = BlobPrefix + "image."   // + "linux/amd64"
	blobVariant       = BlobPrefix + "variant." // + "mvp"
)

// The keys of Workload.Source that have a meaning here.
const (
	factDigest  = "digest" // of the source archive
	factLicence = "licence"
	factURL     = "url"
)

// WorkloadFiles is a workload that is not yet stored: its bytes, and what is
// said about them.
type WorkloadFiles struct {
	Name    string
	Args    []string
	Env     []string
	Stdin   []byte // empty: none
	Expect  assay.Expectation
	Steady  bool // it heeds assay.CallsVariable
	Scratch bool // it wants an empty working directory

	Module   []byte
	Variants map[assay.Variant][]byte
	Native   map[string][]byte // by "linux/amd64"
	Images   map[string]Image  // by "linux/amd64"

	Source []byte            // archive of the source; nil: not known
	Facts  map[string]string // becomes Workload.Source, with "digest" added
}

// An Image is a container image: its manifest, and every blob it names.
type Image struct {
	Manifest []byte
	Blobs    [][]byte
}

// PutWorkload stores f and the manifest that names all of it. The same files
// give the same manifest, whenever and wherever. The manifest is written last: if
// it is there, so is everything.
func PutWorkload(ctx context.Context, w Writer, f WorkloadFiles) (assay.Workload, error) {
	out, err := putWorkload(ctx, w, f)
	if err != nil {
		return assay.Workload{}, fmt.Errorf("workload %s: %w", f.Name, err)
	}
	return out, nil
}

func putWorkload(ctx context.Context, w Writer, f WorkloadFiles) (assay.Workload, error) {
	if _, ok := f.Facts[factDigest]; ok {
		return assay.Workload{}, fmt.Errorf("%w: fact %q is not given but taken from Source", ErrInvalid, factDigest)
	}
	module, err := w.PutBytes(ctx, f.Module)
	if err != nil {
		return assay.Workload{}, err
	}
	out := assay.Workload{
		Name: f.Name, Module: module, Args: f.Args, Env: f.Env, Expect: f.Expect, Steady: f.Steady, Scratch: f.Scratch,
		Source: map[string]string{},
	}
	for k, v := range f.Facts {
		out.Source[k] = v
	}
	if len(f.Stdin) > 0 {
		if out.Stdin, err = w.PutBytes(ctx, f.Stdin); err != nil {
			return assay.Workload{}, err
		}
	}
	if f.Source != nil {
		d, err := w.PutBytes(ctx, f.Source)
		if err != nil {
			return assay.Workload{}, err
		}
		out.Source[factDigest] = d.String()
	}
	for v, b := range f.Variants {
		if out.Variants == nil {
			out.Variants = map[assay.Variant]assay.Digest{}
		}
		if out.Variants[v], err = w.PutBytes(ctx, b); err != nil {
			return assay.Workload{}, err
		}
	}
	for p, b := range f.Native {
		if out.Native == nil {
			out.Native = map[string]assay.Digest{}
		}
		if out.Native[p], err = w.PutBytes(ctx, b); err != nil {
			return assay.Workload{}, err
		}
	}
	for p, img := range f.Images {
		if out.Image == nil {
			out.Image = map[string]assay.Digest{}
		}
		if out.Image[p], err = putImage(ctx, w, img); err != nil {
			return assay.Workload{}, fmt.Errorf("container image for %s: %w", p, err)
		}
	}
	return putManifest(ctx, w, out, int64(len(f.Module)))
}

// PutManifest stores the manifest of a workload whose bytes the store has: a
// module, or container images and no module. Its Manifest is not looked at.
func PutManifest(ctx context.Context, s Store, w assay.Workload) (assay.Workload, error) {
	size := int64(0)
	if !w.Module.IsZero() {
		var err error
		if size, err = s.Stat(ctx, w.Module); err != nil {
			return assay.Workload{}, fmt.Errorf("workload %s: %w", w.Name, err)
		}
	}
	out, err := putManifest(ctx, s, w, size)
	if err != nil {
		return assay.Workload{}, fmt.Errorf("workload %s: %w", w.Name, err)
	}
	return out, nil
}

// putManifest stores the manifest of a workload whose module, if it has one, is
// size bytes long.
func putManifest(ctx context.Context, s Writer, w assay.Workload, size int64) (assay.Workload, error) {
	config, manifest, err := encodeWorkload(w, size)
	if err != nil {
		return assay.Workload{}, err
	}
	if w, err = ParseWorkload(manifest); err != nil {
		return assay.Workload{}, err
	}
	for _, b := range [][]byte{config, manifest} {
		if _, err := s.PutBytes(ctx, b); err != nil {
			return assay.Workload{}, err
		}
	}
	return w, nil
}

// putImage stores img, which must be complete.
func putImage(ctx context.Context, w Writer, img Image) (assay.Digest, error) {
	m, err := ParseManifest(img.Manifest)
	if err != nil {
		return assay.Digest{}, err
	}
	put := map[assay.Digest]bool{}
	for _, b := range img.Blobs {
		d, err := w.PutBytes(ctx, b)
		if err != nil {
			return assay.Digest{}, err
		}
		put[d] = true
	}
	for _, d := range append(m.Layers, m.Config) {
		if !put[d.Digest] {
			return assay.Digest{}, fmt.Errorf("%w: no blob %v", ErrInvalid, d.Digest)
		}
	}
	return w.PutBytes(ctx, img.Manifest)
}

// A wasmConfig is the config of the CNCF layout. Its time is fixed.
type wasmConfig struct {
	Created      string         `json:"created"`
	Architecture string         `json:"architecture"`
	OS           string         `json:"os"`
	LayerDigests []assay.Digest `json:"layerDigests"`
}

const epoch = "1970-01-01T00:00:00Z"

// encodeWorkload returns the config and manifest of w, whose module, if it has
// one, is size bytes long.
func encodeWorkload(w assay.Workload, size int64) (config, manifest []byte, err error) {
	m := Manifest{SchemaVersion: 2, MediaType: MediaTypeManifest}
	if w.Module.IsZero() {
		config = emptyConfig
		m.ArtifactType, m.Config, m.Layers = TypeWorkload, emptyDescriptor(), []Descriptor{emptyDescriptor()}
	} else {
		config, err = canonical.JSON(wasmConfig{
			Created: epoch, Architecture: "wasm", OS: "wasip1", LayerDigests: []assay.Digest{w.Module},
		})
		if err != nil {
			return nil, nil, err
		}
		m.Config = Descriptor{MediaType: MediaTypeWasmConfig, Digest: assay.DigestOf(config), Size: int64(len(config))}
		m.Layers = []Descriptor{Layer{MediaTypeWasm, assay.Filename(w.Name) + ".wasm", w.Module, size}.descriptor()}
	}
	a := map[string]string{annotationName: w.Name, annotationTitle: w.Name}
	for name, list := range map[string][]string{annotationArgs: w.Args, annotationEnv: w.Env} {
		if len(list) > 0 {
			b, err := canonical.JSON(list)
			if err != nil {
				return nil, nil, err
			}
			a[name] = string(b)
		}
	}
	setDigest(a, blobStdin, w.Stdin)
	setDigest(a, annotationStdout, w.Expect.Stdout)
	if w.Expect.Exit != 0 {
		a[annotationExit] = strconv.Itoa(w.Expect.Exit)
	}
	if w.Steady {
		a[annotationSteady] = "true"
	}
	if w.Scratch {
		a[annotationScratch] = "true"
	}
	for v, d := range w.Variants {
		setDigest(a, blobVariant+string(v), d)
	}
	for p, d := range w.Native {
		setDigest(a, blobNative+p, d)
	}
	for p, d := range w.Image {
		setDigest(a, blobImage+p, d)
	}
	for k, v := range w.Source {
		switch k {
		case factDigest:
			a[blobSource] = v
			continue
		case factLicence:
			a[annotationLicences] = v
		case factURL:
			a[annotationSource] = v
		}
		a[annotationFact+k] = v
	}
	m.Annotations = a
	manifest, err = encodeManifest(m)
	return config, manifest, err
}

func setDigest(a map[string]string, name string, d assay.Digest) {
	if !d.IsZero() {
		a[name] = d.String()
	}
}
