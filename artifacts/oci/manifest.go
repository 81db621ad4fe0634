package oci

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/assay-notebooks/assay"
)

// A Descriptor names a blob and says what it is.
type Descriptor struct {
	MediaType    string            `json:"mediaType"`
	Digest       assay.Digest      `json:"digest"`
	Size         int64             `json:"size"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Platform     *Platform         `json:"platform,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

// A Platform is what a container image runs on.
type Platform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
}

// A Manifest is an OCI image manifest.
type Manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	ArtifactType  string            `json:"artifactType,omitempty"`
	Config        Descriptor        `json:"config"`
	Layers        []Descriptor      `json:"layers"`
	Subject       *Descriptor       `json:"subject,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// An Index is an OCI image index.
type Index struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	ArtifactType  string            `json:"artifactType,omitempty"`
	Manifests     []Descriptor      `json:"manifests"`
	Subject       *Descriptor       `json:"subject,omitempty"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// ParseManifest parses an image manifest. Its errors match ErrInvalid and are
// complete: every descriptor that is wrong is named.
func ParseManifest(b []byte) (Manifest, error) {
	var m Manifest
	if err := decode(b, &m); err != nil {
		return Manifest{}, fmt.Errorf("manifest: %w", err)
	}
	errs := []error{checkVersion(m.SchemaVersion, m.MediaType, MediaTypeManifest, MediaTypeDockerManifest), m.Config.check("config")}
	for i, l := range m.Layers {
		errs = append(errs, l.check(fmt.Sprintf("layer %d", i)))
	}
	if m.Subject != nil {
		errs = append(errs, m.Subject.check("subject"))
	}
	if err := errors.Join(errs...); err != nil {
		return Manifest{}, fmt.Errorf("manifest: %w: %w", ErrInvalid, err)
	}
	return m, nil
}

// ParseIndex parses an image index, as ParseManifest does a manifest.
func ParseIndex(b []byte) (Index, error) {
	var x Index
	if err := decode(b, &x); err != nil {
		return Index{}, fmt.Errorf("index: %w", err)
	}
	errs := []error{checkVersion(x.SchemaVersion, x.MediaType, MediaTypeIndex, MediaTypeDockerList)}
	for i, d := range x.Manifests {
		errs = append(errs, d.check(fmt.Sprintf("manifest %d", i)))
	}
	if x.Subject != nil {
		errs = append(errs, x.Subject.check("subject"))
	}
	if err := errors.Join(errs...); err != nil {
		return Index{}, fmt.Errorf("index: %w: %w", ErrInvalid, err)
	}
	return x, nil
}

// checkVersion allows a missing media type: the image specification does.
func checkVersion(schema int, got, want, docker string) error {
	if schema != 2 {
		return fmt.Errorf("schemaVersion %d, want 2", schema)
	}
	if got != want && got != docker && got != "" {
		return fmt.Errorf("mediaType %q, want %q", got, want)
	}
	return nil
}

func (d Descriptor) check(what string) error {
	const exact = 1 << 53 // beyond it JSON numbers are not
	switch {
	case d.Digest.IsZero():
		return fmt.Errorf("%s: no digest", what)
	case d.Size < 0 || d.Size > exact:
		return fmt.Errorf("%s: size %d", what, d.Size)
	case d.MediaType == "":
		return fmt.Errorf("%s: no mediaType", what)
	}
	return nil
}

// Describe returns the descriptor of the manifest or index d, to be the
// subject of another.
func Describe(ctx context.Context, r Reader, d assay.Digest) (Descriptor, error) {
	b, err := r.ReadAll(ctx, d, ManifestLimit)
	if err != nil {
		return Descriptor{}, err
	}
	out, err := DescribeBytes(b)
	if err != nil {
		return Descriptor{}, fmt.Errorf("%v: %w", d, err)
	}
	return out, nil
}

// DescribeBytes returns the descriptor of a manifest or index. Its errors match
// ErrInvalid.
func DescribeBytes(b []byte) (Descriptor, error) {
	out := Descriptor{Digest: assay.DigestOf(b), Size: int64(len(b))}
	m, err := ParseManifest(b)
	if err == nil {
		out.MediaType, out.ArtifactType = cmp.Or(m.MediaType, MediaTypeManifest), m.artifactType()
		return out, nil
	}
	if x, indexErr := ParseIndex(b); indexErr == nil {
		out.MediaType, out.ArtifactType = cmp.Or(x.MediaType, MediaTypeIndex), x.ArtifactType
		return out, nil
	}
	return Descriptor{}, err
}

// artifactType is what the image specification says it is: where there is no
// artifactType, the media type of the config designates it.
func (m Manifest) artifactType() string {
	if m.ArtifactType != "" {
		return m.ArtifactType
	}
	return m.Config.MediaType
}

// decode parses b into v. It refuses what two parsers could read differently:
// a name twice in one object (in any case: encoding/json ignores it), bytes that
// are not UTF-8, anything after the value.
func decode(b []byte, v any) error {
	if len(b) > ManifestLimit {
		return fmt.Errorf("%w: %d bytes, more than %d", ErrInvalid, len(b), ManifestLimit)
	}
	if !utf8.Valid(b) {
		return fmt.Errorf("%w: not UTF-8", ErrInvalid)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if err := checkNames(b); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}

// checkNames refuses a name that is twice in one object of b, which is known
// to be JSON. It does not recurse: depth is the input's.
func checkNames(b []byte) error {
	type frame struct {
		seen map[string]bool // nil for an array
		name bool            // the next token is a name
	}
	var stack []frame
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if n := len(stack); n > 0 && stack[n-1].seen != nil && tok != json.Delim('}') {
			top := &stack[n-1]
			if top.name {
				key := strings.ToLower(strings.ToUpper(tok.(string))) // both: so encoding/json folds
				if top.seen[key] {
					return fmt.Errorf("name %q twice in one object", tok)
				}
				top.seen[key] = true
			}
			top.name = !top.name
		}
		switch tok {
		case json.Delim('{'):
			stack = append(stack, frame{seen: map[string]bool{}, name: true})
		case json.Delim('['):
			stack = append(stack, frame{})
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:len(stack)-1]
		}
	}
}
