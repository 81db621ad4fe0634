package lab

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci/registry"
	"github.com/assay-notebooks/assay/internal/failure"
)

// A refKind says what a reference is.
type refKind int

const (
	nameRef   refKind = iota // a name in assay.lock
	digestRef                // sha256:…
	pathRef                  // a file or a folder, there or not
	layoutRef                // a folder that is an OCI image layout, with a tag or digest
	ociRef                   // REGISTRY/REPOSITORY…
)

// A ref is a reference that a person wrote, read. This is the one place that
// decides what such a thing is.
type ref struct {
	kind    refKind
	digest  assay.Digest       // of digestRef
	path    string             // of pathRef and layoutRef, relative as it was written
	version string             // of layoutRef: a tag or a digest; "": the only tag there is
	oci     registry.Reference // of ociRef
	bare    bool               // a pathRef that could be a name as well
}

// parseRef reads s; paths are relative to dir, "" for the working directory.
//
// What begins with "sha256:" is a digest. What is absolute, begins with "." or
// exists is a path, a layout folder also with :TAG or @sha256:… behind it. Of
// the rest, what begins with a host (it has a dot, a port, or is localhost) is an
// OCI reference, what has a separator or ends in ".wasm" is a path that is not
// there, and a bare word is a name.
func parseRef(dir, s string) (ref, error) {
	if strings.HasPrefix(s, "sha256:") {
		d, err := assay.ParseDigest(s)
		if err != nil {
			return ref{}, failure.Usagef("%w", err)
		}
		return ref{kind: digestRef, digest: d}, nil
	}
	at := func(path string) string {
		if filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(dir, path)
	}
	bare := !strings.ContainsAny(s, `/\`)
	if s == "" {
		return ref{}, failure.Usagef("an empty reference")
	}
	if st, err := os.Stat(at(s)); err == nil {
		if st.IsDir() && isLayout(at(s)) {
			return ref{kind: layoutRef, path: s}, nil
		}
		return ref{kind: pathRef, path: s, bare: bare}, nil
	}
	if path, version, ok := strings.Cut(s, "@"); ok {
		if _, err := assay.ParseDigest(version); err != nil {
			return ref{}, failure.Usagef("%w", err)
		}
		if isLayout(at(path)) {
			return ref{kind: layoutRef, path: path, version: version}, nil
		}
	}
	if colon := strings.LastIndexByte(s, ':'); colon > strings.LastIndexAny(s, `/\`) && isLayout(at(s[:colon])) {
		return ref{kind: layoutRef, path: s[:colon], version: s[colon+1:]}, nil
	}
	switch {
	case !filepath.IsAbs(s) && registry.IsReference(s):
		r, err := registry.ParseReference(s)
		if err != nil {
			return ref{}, failure.Usagef("%w", err)
		}
		return ref{kind: ociRef, oci: r}, nil
	case !bare || s[0] == '.' || strings.HasSuffix(s, ".wasm"):
		return ref{kind: pathRef, path: s}, nil
	}
	return ref{kind: nameRef}, nil
}

// isLayout reports whether dir is an OCI image layout and not a workload's
// source.
func isLayout(dir string) bool {
	_, layout := os.Stat(filepath.Join(dir, "oci-layout"))
	_, source := os.Stat(filepath.Join(dir, "workload.yaml"))
	return layout == nil && source != nil
}

// Within returns the reference s, written beside other files in dir, as it has
// to be written elsewhere: a path is made one that begins with dir. A bare word
// stays: it is a name.
func Within(dir, s string) string {
	if strings.HasPrefix(s, plainPrefix) {
		return s
	}
	r, err := parseRef(dir, s)
	isPath := err == nil && (r.kind == pathRef || r.kind == layoutRef)
	if !isPath || r.bare || filepath.IsAbs(s) || !strings.ContainsAny(s, `/\`) {
		return s
	}
	return filepath.Join(dir, s)
}
