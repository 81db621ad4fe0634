package images

import (
	"archive/tar"
	"bytes"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// container returns an image that holds the executable and nothing else. Its
// layer is not compressed: compressed bytes, and with them the digest, would
// change with the compressor.
func container(platform string, executable []byte, args, env []string) (Container, error) {
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	if err := addFile(w, "workload", 0o755, executable); err != nil {
		return Container{}, err
	}
	if err := w.Close(); err != nil {
		return Container{}, err
	}
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	img = mutate.ConfigMediaType(img, types.OCIConfigJSON)
	img, err := mutate.Append(img, mutate.Addendum{
		Layer:   static.NewLayer(layer.Bytes(), types.OCIUncompressedLayer),
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
	return Container{Manifest: manifest, Blobs: [][]byte{config, layer.Bytes()}}, nil
}
