package oci

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/assay-notebooks/assay"
)

// ErrNotImage reports a manifest that is not a container image's.
var ErrNotImage = errors.New("not a container image")

// What a container image may make assay read to find a module in it.
const (
	moduleLimit = 256 << 20 // of the module
	layersLimit = 4 << 30   // of all layers, decompressed
	namesLimit  = 16 << 20  // of the names of files that matter
)

// A Container is what is known about a container image from its config.
type Container struct {
	Platform   Platform
	Entrypoint []string // followed by the command
	compat     bool     // says of itself that it holds a Wasm module
}

// ReadContainer reads the manifest and config of a container image. Errors match
// ErrNotImage where it is something else.
func ReadContainer(ctx context.Context, r Reader, manifest assay.Digest) (Container, error) {
	m, err := readManifest(ctx, r, manifest)
	if err != nil {
		return Container{}, err
	}
	if m.Config.MediaType != MediaTypeImageConfig && m.Config.MediaType != MediaTypeDockerImageConfig || m.ArtifactType != "" {
		return Container{}, fmt.Errorf("manifest %v: %w: config of type %q", manifest, ErrNotImage, m.artifactType())
	}
	b, err := r.ReadAll(ctx, m.Config.Digest, ManifestLimit)
	if err != nil {
		return Container{}, err
	}
	var config struct {
		Platform
		Config struct {
			Entrypoint []string
			Cmd        []string
		} `json:"config"`
	}
	if err := decode(b, &config); err != nil {
		return Container{}, fmt.Errorf("config %v: %w", m.Config.Digest, err)
	}
	return Container{
		Platform:   config.Platform,
		Entrypoint: slices.Concat(config.Config.Entrypoint, config.Config.Cmd),
		compat:     m.Annotations["module.wasm.image/variant"] == "compat",
	}, nil
}

// Wasm reports whether the image is a wrapping for a Wasm module: by its
// annotation, its platform, what it starts, or that it starts nothing.
func (c Container) Wasm() bool {
	return c.compat || c.Platform.Wasm() || len(c.Entrypoint) == 0 || strings.HasSuffix(c.Entrypoint[0], ".wasm")
}

// Wasm reports whether p is no machine but a Wasm runtime: "wasi/wasm".
func (p Platform) Wasm() bool {
	return strings.HasPrefix(p.Architecture, "wasm") || strings.HasPrefix(p.OS, "wasi")
}

func readManifest(ctx context.Context, r Reader, d assay.Digest) (Manifest, error) {
	b, err := r.ReadAll(ctx, d, ManifestLimit)
	if err != nil {
		return Manifest{}, err
	}
	m, err := ParseManifest(b)
	if err != nil {
		return Manifest{}, fmt.Errorf("%v: %w", d, err)
	}
	return m, nil
}

// ModuleIn returns the Wasm module in the file system of a container image: the
// file that the image starts, else plugin.wasm, else the only one there is. Its
// file name is returned as well.
func ModuleIn(ctx context.Context, r Reader, manifest assay.Digest) (module []byte, name string, err error) {
	m, err := readManifest(ctx, r, manifest)
	if err != nil {
		return nil, "", err
	}
	c, err := ReadContainer(ctx, r, manifest)
	if err != nil {
		return nil, "", err
	}
	s := search{left: layersLimit, hidden: map[string]bool{}}
	if len(c.Entrypoint) > 0 {
		s.entry = cleanName(c.Entrypoint[0])
	}
	for _, l := range slices.Backward(m.Layers) { // what is above hides what is below
		if err := s.layer(ctx, r, l); err != nil {
			return nil, "", fmt.Errorf("layer %v: %w", l.Digest, err)
		}
	}
	if s.module == nil || s.rank == anyFile && len(s.found) > 1 {
		return nil, "", fmt.Errorf("%w: its files hold no Wasm module that it starts, no plugin.wasm, and not exactly one file *.wasm but %q", ErrInvalid, s.found)
	}
	return s.module, s.name, nil
}

// How sure it is that a file is the module that was meant.
const (
	anyFile = iota + 1
	plugin
	started
)

// A search looks for a module in the layers of an image.
type search struct {
	left   int64           // bytes that may yet be decompressed
	names  int             // bytes of names so far
	entry  string          // the file that is started
	hidden map[string]bool // by the layers above: with a slash at the end, all that is in a folder
	found  []string
	rank   int
	module []byte
	name   string
}

// layer looks at one layer.
func (s *search) layer(ctx context.Context, r Reader, l Descriptor) (err error) {
	rc, err := r.Open(ctx, l.Digest)
	if err != nil {
		return err
	}
	defer func() {
		if err == nil { // the reader says at its end whether the bytes were good
			_, err = io.Copy(io.Discard, rc)
		}
		err = errors.Join(err, rc.Close())
	}()
	files, err := decompress(rc, l.MediaType)
	if err != nil {
		return err
	}
	defer files.Close()
	limited := &io.LimitedReader{R: files, N: s.left}
	t := tar.NewReader(limited)
	var hides []string // below this layer
	defer func() {
		for _, name := range hides {
			s.hidden[name] = true
		}
	}()
	for {
		h, err := t.Next()
		s.left = limited.N
		if limited.N == 0 {
			return fmt.Errorf("%w: more than %d bytes of files", ErrInvalid, int64(layersLimit))
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		name := cleanName(h.Name)
		hidden := hiddenBy(name, h.Typeflag)
		if hidden == "" {
			continue
		}
		if s.names += len(hidden); s.names > namesLimit {
			return fmt.Errorf("%w: more than %d bytes of names of files", ErrInvalid, namesLimit)
		}
		hides = append(hides, hidden)
		if h.Typeflag == tar.TypeReg && hidden == name {
			if err := s.file(name, h.Size, t); err != nil {
				return err
			}
		}
	}
}

// What begins the name of a file in a layer that stands for one that is not
// there, and the name of one that stands for all in its folder.
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// hiddenBy returns what an entry of a layer hides in those below: as in
// search.hidden; "" for nothing that matters.
func hiddenBy(name string, kind byte) string {
	dir, base := path.Split(name)
	switch {
	case base == opaque:
		return dir
	case strings.HasPrefix(base, whiteout):
		return dir + base[len(whiteout):]
	case kind != tar.TypeDir && strings.HasSuffix(base, ".wasm"):
		return name
	}
	return ""
}

// hides reports whether a layer above hides a file, or a folder it is in.
func (s *search) hides(name string) bool {
	for ; name != "/"; name = path.Dir(name) {
		dir, _ := path.Split(name)
		if s.hidden[name] || s.hidden[dir] {
			return true
		}
	}
	return false
}

// file looks at a file *.wasm.
func (s *search) file(name string, size int64, r io.Reader) error {
	if s.hides(name) || slices.Contains(s.found, name) {
		return nil
	}
	s.found = append(s.found, name)
	rank := anyFile
	switch name {
	case s.entry:
		rank = started
	case "/plugin.wasm":
		rank = plugin
	}
	if rank <= s.rank {
		return nil
	}
	if size > moduleLimit {
		return fmt.Errorf("%w: %s: %d bytes, more than %d", ErrInvalid, name, size, moduleLimit)
	}
	var b bytes.Buffer
	if _, err := io.Copy(&b, r); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrInvalid, name, err)
	}
	s.module, s.name, s.rank = b.Bytes(), path.Base(name), rank
	return nil
}

// cleanName makes "/a" of "./a", "/a" and "a".
func cleanName(name string) string { return path.Clean("/" + name) }

// decompress returns the tar in a layer.
func decompress(r io.Reader, mediaType string) (io.ReadCloser, error) {
	switch {
	case strings.HasSuffix(mediaType, "gzip"):
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		return z, nil
	case strings.HasSuffix(mediaType, "zstd"):
		z, err := zstd.NewReader(r, zstd.WithDecoderMaxMemory(256<<20), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		return z.IOReadCloser(), nil
	case strings.HasSuffix(mediaType, "tar"):
		return io.NopCloser(r), nil
	}
	return nil, fmt.Errorf("%w: layer of type %q, want a tar", ErrInvalid, mediaType)
}
