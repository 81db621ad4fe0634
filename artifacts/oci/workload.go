package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/canonical"
)

// The annotations of a workload's manifest. Name, licence and URL are also
// there under the names that the OCI specification gives them.
const (
	annotationName   = AnnotationPrefix + "name"
	annotationArgs   = AnnotationPrefix + "args"          // JSON array of strings
	annotationEnv    = AnnotationPrefix + "env"           // JSON array of strings, KEY=VALUE
	annotationStdout = AnnotationPrefix + "expect.stdout" // digest of the whole of stdout
	annotationExit   = AnnotationPrefix + "expect.exit"   // decimal
	annotationSteady = AnnotationPrefix + "steady"        // "true": it heeds assay.CallsVariable
	annotationFact   = AnnotationPrefix + "source."       // + "toolchain", "licence", "url"
	blobStdin        = BlobPrefix + "stdin"
	blobSource       = BlobPrefix + "source"
	blobNative       = BlobPrefix + "native." // + "linux/amd64"
	blobImage        = BlobPrefix + "image."  // + "linux/amd64"
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
	Name   string
	Args   []string
	Env    []string
	Stdin  []byte // empty: none
	Expect assay.Expectation
	Steady bool // it heeds assay.CallsVariable

	Module []byte
	Native map[string][]byte // by "linux/amd64"
	Images map[string]Image  // by "linux/amd64"

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
		Name: f.Name, Module: module, Args: f.Args, Env: f.Env, Expect: f.Expect, Steady: f.Steady, Source: map[string]string{},
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

// Workload reads the workload whose manifest is d. All of it is in the
// manifest. One that assay did not write is read if it has one Wasm layer in any
// of the known dialects; it has a name, from its title, and a module.
func Workload(ctx context.Context, r Reader, d assay.Digest) (assay.Workload, error) {
	b, err := r.ReadAll(ctx, d, ManifestLimit)
	if err != nil {
		return assay.Workload{}, err
	}
	w, err := ParseWorkload(b)
	if err != nil {
		return assay.Workload{}, fmt.Errorf("workload %v: %w", d, err)
	}
	return w, nil
}

// ParseWorkload reads a workload's manifest, as Workload does. It reports all that
// is wrong.
func ParseWorkload(b []byte) (assay.Workload, error) {
	m, err := ParseManifest(b)
	if err != nil {
		return assay.Workload{}, err
	}
	_, ours := m.Annotations[annotationName]
	var module Descriptor
	if !ours || m.ArtifactType != TypeWorkload {
		if module, err = m.module(); err != nil {
			return assay.Workload{}, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}
	w := assay.Workload{Manifest: assay.DigestOf(b), Module: module.Digest}
	if !ours {
		w.Name = foreignName(m, module)
		return w, nil
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(m.Annotations)) {
		if err := setField(&w, name, m.Annotations[name]); err != nil {
			errs = append(errs, fmt.Errorf("annotation %s: %w", name, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return assay.Workload{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if w.Module.IsZero() && len(w.Image) == 0 {
		return assay.Workload{}, fmt.Errorf("%w: neither a Wasm module nor a container image", ErrInvalid)
	}
	return w, nil
}

// module returns the one layer that is a Wasm module.
func (m Manifest) module() (Descriptor, error) {
	if len(m.Layers) != 1 {
		return Descriptor{}, fmt.Errorf("%d layers, want exactly one, the Wasm module", len(m.Layers))
	}
	l := m.Layers[0]
	if !slices.Contains(wasmLayers, l.MediaType) {
		return Descriptor{}, fmt.Errorf("layer of type %q, want %s", l.MediaType, MediaTypeWasm)
	}
	return l, nil
}

// foreignName is the best name that others' manifests have.
func foreignName(m Manifest, module Descriptor) string {
	for _, title := range []string{m.Annotations[annotationTitle], module.Annotations[annotationTitle]} {
		title = strings.TrimSuffix(title[strings.LastIndexByte(title, '/')+1:], ".wasm")
		if title != "" && checkName(title) == nil {
			return assay.Filename(title)
		}
	}
	return module.Digest.Short()
}

// setField sets the field of w that the annotation name holds. Annotations of
// other prefixes are not ours to judge.
func setField(w *assay.Workload, name, value string) (err error) {
	switch {
	case name == annotationName:
		w.Name = value
		return checkName(value)
	case name == annotationArgs:
		w.Args, err = parseList(value)
		return err
	case name == annotationEnv:
		w.Env, err = parseList(value)
		for _, kv := range w.Env {
			if k, _, ok := strings.Cut(kv, "="); !ok || k == "" {
				return fmt.Errorf("%q, want KEY=VALUE", kv)
			}
		}
		return err
	case name == annotationStdout:
		w.Expect.Stdout, err = assay.ParseDigest(value)
		return err
	case name == annotationExit:
		exit, err := strconv.ParseUint(value, 10, 8)
		w.Expect.Exit = int(exit)
		return err
	case name == annotationSteady:
		w.Steady = value == "true"
		if !w.Steady {
			return fmt.Errorf("%q, want true or no such annotation", value)
		}
		return nil
	case name == blobStdin:
		w.Stdin, err = assay.ParseDigest(value)
		return err
	case name == blobSource:
		if _, err := assay.ParseDigest(value); err != nil {
			return err
		}
		setFact(w, factDigest, value)
		return nil
	case strings.HasPrefix(name, blobNative):
		return setForm(&w.Native, name[len(blobNative):], value)
	case strings.HasPrefix(name, blobImage):
		return setForm(&w.Image, name[len(blobImage):], value)
	case name == annotationFact+factDigest:
		return fmt.Errorf("the source is named by %s", blobSource)
	case strings.HasPrefix(name, annotationFact):
		setFact(w, name[len(annotationFact):], value)
		return nil
	}
	return nil
}

func setFact(w *assay.Workload, key, value string) {
	if w.Source == nil {
		w.Source = map[string]string{}
	}
	w.Source[key] = value
}

var platformGrammar = regexp.MustCompile(`^[a-z0-9]{1,16}/[a-z0-9]{1,16}$`)

func setForm(form *map[string]assay.Digest, platform, value string) error {
	if !platformGrammar.MatchString(platform) {
		return fmt.Errorf("platform %q, want system/processor", platform)
	}
	d, err := assay.ParseDigest(value)
	if err != nil {
		return err
	}
	if *form == nil {
		*form = map[string]assay.Digest{}
	}
	(*form)[platform] = d
	return nil
}

// parseList parses a JSON array of strings that can be arguments.
func parseList(s string) ([]string, error) {
	var list []string
	dec := json.NewDecoder(strings.NewReader(s))
	if err := dec.Decode(&list); err != nil {
		return nil, err
	}
	if want, err := canonical.JSON(list); err != nil || !bytes.Equal(want, []byte(s)) {
		return nil, errors.New("want a canonical JSON array of strings")
	}
	for _, arg := range list {
		if strings.ContainsRune(arg, 0) {
			return nil, fmt.Errorf("%q has a NUL", arg)
		}
	}
	return list, nil
}

// checkName refuses what would be no name in a table or on a terminal.
func checkName(s string) error {
	switch {
	case s == "" || len(s) > 128:
		return fmt.Errorf("name of %d bytes, want 1 to 128", len(s))
	case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("name %q has characters that do not print", s)
	}
	return nil
}
