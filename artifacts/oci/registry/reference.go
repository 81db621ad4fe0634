package registry

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/assay-notebooks/assay"
)

// A Reference names something in a registry. It has a tag, a digest, both (then
// the digest decides) or neither.
type Reference struct {
	Host       string // "registry.example:5000"
	Repository string // "team/coldstart"
	Tag        string
	Digest     assay.Digest
}

// ParseReference parses HOST/REPOSITORY[:TAG][@sha256:…]. The host is always
// written, and looks like one: see IsReference.
func ParseReference(s string) (Reference, error) {
	if !IsReference(s) {
		return Reference{}, fmt.Errorf("reference %q: want REGISTRY/REPOSITORY[:TAG][@sha256:…], such as registry.example/team/crc:v1 or localhost:5000/crc", s)
	}
	rest, digest, hasDigest := strings.Cut(s, "@")
	var r Reference
	if hasDigest {
		var err error
		if r.Digest, err = assay.ParseDigest(digest); err != nil {
			return Reference{}, fmt.Errorf("reference %q: %w", s, err)
		}
		if r.Digest.IsZero() {
			return Reference{}, fmt.Errorf("reference %q: that is the digest of nothing", s)
		}
	}
	if colon := strings.LastIndexByte(rest, ':'); colon > strings.LastIndexByte(rest, '/') {
		rest, r.Tag = rest[:colon], rest[colon+1:]
		if !tagGrammar.MatchString(r.Tag) {
			return Reference{}, fmt.Errorf("reference %q: tag %q: want at most 128 letters, digits, '.', '_' or '-', the first no '.' or '-'", s, r.Tag)
		}
	}
	r.Host, r.Repository, _ = strings.Cut(rest, "/")
	if !hostGrammar.MatchString(r.Host) {
		return Reference{}, fmt.Errorf("reference %q: registry %q: want a host name or address, and a port if need be", s, r.Host)
	}
	if !repositoryGrammar.MatchString(r.Repository) || len(rest) > 255 {
		return Reference{}, fmt.Errorf("reference %q: repository %q: want at most 255 lower-case letters, digits, and '.', '_', '-' or '/' between them", s, r.Repository)
	}
	return r, nil
}

// The grammars of the OCI distribution specification.
var (
	tagGrammar        = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)
	hostGrammar       = regexp.MustCompile(`^(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?$`)
	repositoryGrammar = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
)

// IsReference reports whether s is meant as a reference rather than as a path:
// its first element has a dot or a port, or is localhost, and it has a second.
func IsReference(s string) bool {
	host, rest, ok := strings.Cut(s, "/")
	return ok && rest != "" && host != "." && host != ".." && !strings.HasPrefix(host, ".") &&
		!strings.ContainsAny(host, "@\\") && (host == "localhost" || strings.ContainsAny(host, ".:"))
}

// String returns the form that ParseReference reads.
func (r Reference) String() string {
	s := r.Host + "/" + r.Repository
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if !r.Digest.IsZero() {
		s += "@" + r.Digest.String()
	}
	return s
}

// version is the last element of a manifest's address.
func (r Reference) version() (string, error) {
	switch {
	case !r.Digest.IsZero():
		return r.Digest.String(), nil
	case r.Tag != "":
		return r.Tag, nil
	}
	return "", fmt.Errorf("reference %v: neither tag nor digest: add :TAG or @sha256:…", r)
}
