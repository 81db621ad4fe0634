package images

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// container returns an image that holds the executable and nothing else. Its
// layer is gzip that does not compress: compressed bytes, and with them the
// digest, would change with the compressor, while bare tar is more than some
// tools read.
func container(platform string, executable []byte, args, env []string) (Container, error) {
	var blob bytes.Buffer
	zip, err := gzip.NewWriterLevel(&blob, gzip.NoCompression)
	if err != nil {
		return Container{}, err
	}
	w := tar.NewWriter(zip)
	if err := addFile(w, "workload", 0o755, executable); err != nil {
		return Container{}, err
	}
	if err := errors.Join(w.Close(), zip.Close()); err != nil {
		return Container{}, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(blob.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return Container{}, err
	}
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	img = mutate.ConfigMediaType(img, types.OCIConfigJSON)
	img, err = mutate.Append(img, mutate.Addendum{
		Layer:   layer,
		History: v1.History{Created: v1.Time{Time: epoch}, CreatedBy: "assay", Comment: "the static executable"},
	})
	if err != nil {
		return Container{}, err
	}
	file, err := img.ConfigFile()
	if err != nil {
		return Container{}, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, _ = strings.Cut(platform, "/")
	file.Created = v1.Time{Time: epoch}
	file.Config = v1.Config{Entrypoint: []string{"/workload"}, Cmd: args, Env: env, WorkingDir: "/"}
	if img, err = mutate.ConfigFile(img, file); err != nil {
		return Container{}, err
	}
	config, err := img.RawConfigFile()
	if err != nil {
		return Container{}, err
	}
	manifest, err := img.RawManifest()
	if err != nil {
		return Container{}, err
	}
	return Container{Manifest: manifest, Blobs: [][]byte{config, blob.Bytes()}}, nil
}
