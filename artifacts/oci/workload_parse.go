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
		return setFlag(&w.Steady, value)
	case name == annotationScratch:
		return setFlag(&w.Scratch, value)
	case name == blobStdin:
		w.Stdin, err = assay.ParseDigest(value)
		return err
	case name == blobSource:
		if _, err := assay.ParseDigest(value); err != nil {
			return err
		}
		setFact(w, factDigest, value)
		return nil
	case strings.HasPrefix(name, blobVariant):
		return setVariant(w, assay.Variant(name[len(blobVariant):]), value)
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

func setFlag(flag *bool, value string) error {
	if value != "true" {
		return fmt.Errorf("%q, want true or no such annotation", value)
	}
	*flag = true
	return nil
}

var variants = []assay.Variant{assay.MVP, assay.Reactor, assay.ReactorMVP}

func setVariant(w *assay.Workload, v assay.Variant, value string) error {
	if !slices.Contains(variants, v) {
		return fmt.Errorf("variant %q, want one of %q", v, variants)
	}
	d, err := assay.ParseDigest(value)
	if err != nil {
		return err
	}
	if w.Variants == nil {
		w.Variants = map[assay.Variant]assay.Digest{}
	}
	w.Variants[v] = d
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
