package bundle

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/assay-notebooks/assay"
)

// Archive writes an image as one file that both "ctr images import" and "docker
// load" read, for the name ref; args, if there are any, take the place of the
// image's Cmd. The manifest is as for Make.
func Archive(manifest, file, ref string, args []string) error {
	img, err := open(manifest)
	if err != nil {
		return fmt.Errorf("image %s: %w", manifest, err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(file), ".archive-")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	a := archive{tar.NewWriter(part), make(map[assay.Digest]bool)}
	err = a.image(img, ref, args)
	if err = errors.Join(err, a.w.Close(), part.Close()); err != nil {
		return fmt.Errorf("image %s: %w", manifest, err)
	}
	return os.Rename(part.Name(), file)
}

const manifestType = "application/vnd.oci.image.manifest.v1+json"

// An archive is a layout in a tar file, with docker's list of images beside it.
type archive struct {
	w       *tar.Writer
	written map[assay.Digest]bool
}

func blobName(d assay.Digest) string { return "blobs/sha256/" + d.Hex() }

func (a archive) image(img image, ref string, args []string) error {
	described, config := img.text.manifest, img.text.config
	if len(args) > 0 {
		var err error
		if config, err = with(config, args, "config", "Cmd"); err != nil {
			return err
		}
		if described, err = with(described, assay.DigestOf(config), "config", "digest"); err != nil {
			return err
		}
		if described, err = with(described, len(config), "config", "size"); err != nil {
			return err
		}
	}
	var layers []string // of docker's
	for _, l := range img.manifest.Layers {
		layers = append(layers, blobName(l.Digest))
		if err := a.copy(l.Digest, img.blobPath(l.Digest)); err != nil {
			return err
		}
	}
	index := map[string]any{"schemaVersion": 2, "manifests": []any{map[string]any{
		"mediaType": manifestType, "digest": assay.DigestOf(described), "size": len(described),
		"annotations": map[string]string{"io.containerd.image.name": ref},
	}}}
	docker := []any{map[string]any{"Config": blobName(assay.DigestOf(config)), "RepoTags": []string{ref}, "Layers": layers}}
	return errors.Join(
		a.blob(config), a.blob(described),
		a.json("oci-layout", map[string]string{"imageLayoutVersion": "1.0.0"}), a.json("index.json", index), a.json("manifest.json", docker),
	)
}

// with returns a JSON object with v at path.
func with(object []byte, v any, path ...string) ([]byte, error) {
	if len(path) == 0 {
		return json.Marshal(v)
	}
	fields := make(map[string]json.RawMessage)
	if len(object) > 0 {
		if err := json.Unmarshal(object, &fields); err != nil {
			return nil, err
		}
	}
	inner, err := with(fields[path[0]], v, path[1:]...)
	if err != nil {
		return nil, err
	}
	fields[path[0]] = inner
	return json.Marshal(fields)
}

func (a archive) json(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return a.file(name, int64(len(b)), bytes.NewReader(b))
}

func (a archive) blob(b []byte) error {
	return a.file(blobName(assay.DigestOf(b)), int64(len(b)), bytes.NewReader(b))
}

// copy adds the blob d, a file. Two layers may be the same.
func (a archive) copy(d assay.Digest, path string) error {
	if a.written[d] {
		return nil
	}
	a.written[d] = true
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	sum := sha256.New()
	if err := a.file(blobName(d), info.Size(), io.TeeReader(f, sum)); err != nil {
		return err
	}
	return same("layer", assay.Digest(sum.Sum(nil)), d)
}

func (a archive) file(name string, size int64, content io.Reader) error {
	if err := a.w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size}); err != nil {
		return err
	}
	_, err := io.Copy(a.w, content)
	return err
}
