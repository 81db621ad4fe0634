package bundle

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/assay-notebooks/assay"
)

// Bounds of an image.
const (
	maxJSON    = 4 << 20
	maxLayers  = 256
	maxEntries = 1 << 20
	maxBytes   = 16 << 30 // of all files together
)

// An image is a manifest and its config.
type image struct {
	dir      string // of the blobs
	text     struct{ manifest, config []byte }
	manifest struct {
		Config descriptor   `json:"config"`
		Layers []descriptor `json:"layers"`
	}
	config struct {
		Config struct {
			User       string
			Env        []string
			Entrypoint []string
			Cmd        []string
			WorkingDir string
		} `json:"config"`
	}
}

type descriptor struct {
	MediaType string       `json:"mediaType"`
	Digest    assay.Digest `json:"digest"`
}

// open reads an image's manifest and config, which is the one that the manifest
// names.
func open(manifest string) (img image, err error) {
	img.dir = filepath.Dir(manifest)
	if img.text.manifest, err = readJSON(manifest, &img.manifest); err != nil {
		return img, fmt.Errorf("manifest: %w", err)
	}
	if n := len(img.manifest.Layers); n > maxLayers {
		return img, fmt.Errorf("%d layers: at most %d", n, maxLayers)
	}
	want := img.manifest.Config.Digest
	if img.text.config, err = readJSON(img.blobPath(want), &img.config); err != nil {
		return img, fmt.Errorf("config: %w", err)
	}
	return img, same("config", assay.DigestOf(img.text.config), want)
}

// same returns an error if what was read is not of the digest that names it.
func same(what string, got, want assay.Digest) error {
	if got != want {
		return fmt.Errorf("%s %v: its bytes have digest %v: fetch the image again", what, want, got)
	}
	return nil
}

func readJSON(name string, v any) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxJSON+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxJSON {
		return nil, fmt.Errorf("more than %d bytes", maxJSON)
	}
	return b, json.Unmarshal(b, v)
}

// unpacked is how much may still be unpacked.
type unpacked struct {
	bytes   int64
	entries int
}

// unpack puts a layer over what is in root.
func (img image) unpack(root *os.Root, l descriptor, left *unpacked) error {
	f, err := os.Open(img.blobPath(l.Digest))
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	blob := io.TeeReader(f, sum)
	var files io.Reader = blob
	switch {
	case strings.HasSuffix(l.MediaType, "+gzip"), strings.HasSuffix(l.MediaType, ".gzip"):
		zip, err := gzip.NewReader(blob)
		if err != nil {
			return err
		}
		files = zip
	case strings.HasSuffix(l.MediaType, ".tar"):
	default:
		return fmt.Errorf("media type %q: build the image with layers of tar or gzip", l.MediaType)
	}
	if err := extract(root, tar.NewReader(files), left); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, blob); err != nil { // what follows the archive
		return err
	}
	return same("layer", assay.Digest(sum.Sum(nil)), l.Digest)
}

// A file of this name in a layer removes another, or all that was in its
// directory.
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// extract writes an archive's files over what is in root. Devices are left
// out: a runtime makes /dev.
func extract(root *os.Root, archive *tar.Reader, left *unpacked) error {
	written := make(map[string]bool) // by this layer
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if left.entries--; left.entries < 0 {
			return fmt.Errorf("more than %d files", maxEntries)
		}
		if left.bytes -= h.Size; left.bytes < 0 {
			return fmt.Errorf("more than %d bytes", int64(maxBytes))
		}
		name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
		if name == "" {
			continue
		}
		if err := place(root, name, h, archive, written); err != nil {
			return fmt.Errorf("%q: %w", h.Name, err)
		}
	}
}

func place(root *os.Root, name string, h *tar.Header, content io.Reader, written map[string]bool) error {
	dir, base := path.Split(name)
	dir = path.Clean("./" + dir)
	if base == opaque {
		return clear(root, dir, written)
	}
	if hidden, ok := strings.CutPrefix(base, whiteout); ok {
		if hidden == "" || hidden == "." || hidden == ".." {
			return errors.New("a whiteout of nothing")
		}
		return root.RemoveAll(path.Join(dir, hidden))
	}
	written[name] = true
	if err := root.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if info, err := root.Lstat(name); err == nil && !(info.IsDir() && h.Typeflag == tar.TypeDir) {
		if err := root.RemoveAll(name); err != nil {
			return err
		}
	}
	switch h.Typeflag {
	case tar.TypeDir:
		if err := root.Mkdir(name, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	case tar.TypeReg:
		f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, content)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	case tar.TypeSymlink:
		if err := root.Symlink(h.Linkname, name); err != nil {
			return err
		}
		return owned(root.Lchown(name, h.Uid, h.Gid))
	case tar.TypeLink:
		return root.Link(strings.TrimPrefix(path.Clean("/"+h.Linkname), "/"), name)
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		return nil
	default:
		return fmt.Errorf("type %q of a file", h.Typeflag)
	}
	// The owner first: changing it takes away the bits of setuid and setgid.
	if err := owned(root.Lchown(name, h.Uid, h.Gid)); err != nil {
		return err
	}
	return root.Chmod(name, h.FileInfo().Mode()&(fs.ModePerm|fs.ModeSetuid|fs.ModeSetgid|fs.ModeSticky))
}

// owned drops the error of a change of owner, where only root may change it.
func owned(err error) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return err
}

// clear removes from dir what this layer has not written.
func clear(root *os.Root, dir string, written map[string]bool) error {
	f, err := root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	names, err := f.Readdirnames(-1)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	for _, n := range names {
		if full := path.Join(dir, n); !written[full] {
			if err := root.RemoveAll(full); err != nil {
				return err
			}
		}
	}
	return nil
}
