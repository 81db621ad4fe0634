package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/oci"
)

// acceptManifests are the types of manifest that are read.
var acceptManifests = strings.Join([]string{
	oci.MediaTypeManifest, oci.MediaTypeIndex, oci.MediaTypeDockerManifest, oci.MediaTypeDockerList,
}, ", ")

// Resolve returns what ref names: with a tag, what the registry has it for now.
// There being no such thing matches fs.ErrNotExist.
func Resolve(ctx context.Context, ref Reference, opts Options) (oci.Descriptor, error) {
	c, err := dial(ctx, ref, "pull", opts)
	if err != nil {
		return oci.Descriptor{}, fmt.Errorf("resolve %v: %w", ref, err)
	}
	defer c.close()
	d, _, err := c.root(ctx, ref)
	if err != nil {
		return oci.Descriptor{}, fmt.Errorf("resolve %v: %w", ref, err)
	}
	return d, nil
}

// root returns the manifest that ref names.
func (c *client) root(ctx context.Context, ref Reference) (oci.Descriptor, []byte, error) {
	version, err := ref.version()
	if err != nil {
		return oci.Descriptor{}, nil, err
	}
	b, err := c.manifest(ctx, version)
	if err != nil {
		return oci.Descriptor{}, nil, err
	}
	d, err := oci.DescribeBytes(b)
	if err != nil {
		return oci.Descriptor{}, nil, err
	}
	return d, b, nil
}

// manifest returns the manifest of that tag or digest. With a digest it is
// verified.
func (c *client) manifest(ctx context.Context, version string) ([]byte, error) {
	resp, err := c.do(ctx, request{
		method: http.MethodGet, url: c.at("manifests/" + version), header: map[string]string{"Accept": acceptManifests},
	}, http.StatusOK)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, oci.ManifestLimit+1))
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", version, err)
	}
	if len(b) > oci.ManifestLimit {
		return nil, fmt.Errorf("manifest %s: longer than %d bytes: %w", version, oci.ManifestLimit, ErrLimit)
	}
	want := version
	if !strings.Contains(version, ":") { // a tag: what the registry says of itself must at least agree
		want = resp.Header.Get("Docker-Content-Digest")
	}
	if got := assay.DigestOf(b).String(); want != "" && got != want {
		return nil, fmt.Errorf("manifest %s for %s: %w", version, want, sentAnother(got))
	}
	return b, nil
}

// sentAnother is the error of bytes that are not those of the digest that was
// asked for.
func sentAnother(digest string) error {
	return fmt.Errorf("%w: the registry sent %s; if it does so again, its copy is damaged: have it restored from a backup, or pull from elsewhere", artifacts.ErrCorrupt, digest)
}

// putManifest puts a manifest under a tag or its digest. It reports whether the
// registry itself minds subjects.
func (c *client) putManifest(ctx context.Context, version, mediaType string, b []byte) (minds bool, err error) {
	resp, err := c.do(ctx, request{
		method: http.MethodPut, url: c.at("manifests/" + version), header: map[string]string{"Content-Type": mediaType},
		body: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }, size: int64(len(b)),
	}, http.StatusCreated, http.StatusOK, http.StatusAccepted)
	if err != nil {
		return false, err
	}
	drain(resp)
	return resp.Header.Get("OCI-Subject") != "", nil
}

// maxPages bounds the answer to one question about referrers.
const maxPages = 1000

// referrers returns what is about d. A registry that keeps no account of that
// is asked for the tag under which others do.
func (c *client) referrers(ctx context.Context, d assay.Digest) ([]oci.Descriptor, error) {
	var all []oci.Descriptor
	next := c.at("referrers/" + d.String())
	for page := 0; next != ""; page++ {
		if page == maxPages {
			return nil, fmt.Errorf("referrers of %v: more than %d pages: %w", d, maxPages, ErrLimit)
		}
		resp, err := c.do(ctx, request{
			method: http.MethodGet, url: next, header: map[string]string{"Accept": oci.MediaTypeIndex},
		}, http.StatusOK)
		if page == 0 && noSuchQuestion(err) {
			return c.fallback(ctx, d)
		}
		if err != nil {
			return nil, fmt.Errorf("referrers of %v: %w", d, err)
		}
		x, err := readIndex(resp.Body)
		resp.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("referrers of %v: %w", d, err)
		}
		all = append(all, x.Manifests...)
		if next, err = nextPage(resp); err != nil {
			return nil, fmt.Errorf("referrers of %v: %w", d, err)
		}
	}
	return all, nil
}

func readIndex(r io.Reader) (oci.Index, error) {
	b, err := io.ReadAll(io.LimitReader(r, oci.ManifestLimit+1))
	if err != nil {
		return oci.Index{}, err
	}
	return oci.ParseIndex(b)
}

// nextPage returns the address that a Link header gives as the next, or "".
func nextPage(resp *http.Response) (string, error) {
	for _, link := range resp.Header.Values("Link") {
		target, params, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(link), "<"), ">")
		if !ok || !strings.Contains(strings.ReplaceAll(params, `"`, ""), "rel=next") {
			continue
		}
		u, err := resp.Request.URL.Parse(target)
		if err != nil {
			return "", err
		}
		if u.Host != resp.Request.URL.Host {
			return "", fmt.Errorf("the next page is at another host, %s", u.Host)
		}
		return u.String(), nil
	}
	return "", nil
}

// noSuchQuestion reports whether a registry answered that it keeps no account
// of what is about what. It has to be 404, but older ones have other words.
func noSuchQuestion(err error) bool {
	answer, ok := errors.AsType[*transport.Error](err)
	return ok && slices.Contains([]int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented}, answer.StatusCode)
}

// fallback returns what is about d by the index that clients keep where the
// registry does not: it has a tag made of the digest.
func (c *client) fallback(ctx context.Context, d assay.Digest) ([]oci.Descriptor, error) {
	b, err := c.manifest(ctx, fallbackTag(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	x, err := oci.ParseIndex(b)
	return x.Manifests, err
}

// putFallback puts that index. Registries have no way to do so only if nobody
// else did meanwhile: the caller looks again.
func (c *client) putFallback(ctx context.Context, d assay.Digest, about []oci.Descriptor) error {
	b, err := json.Marshal(oci.Index{SchemaVersion: 2, MediaType: oci.MediaTypeIndex, Manifests: about})
	if err != nil {
		return err
	}
	if len(b) > oci.ManifestLimit {
		return fmt.Errorf("the index of tag %s would be longer than %d bytes: %w", fallbackTag(d), oci.ManifestLimit, ErrLimit)
	}
	_, err = c.putManifest(ctx, fallbackTag(d), oci.MediaTypeIndex, b)
	return err
}

func fallbackTag(d assay.Digest) string { return "sha256-" + d.Hex() }
