package install

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/ulikunitz/xz"
)

// Bounds of what an archive may hold.
const (
	maxFiles = 100_000
	maxBytes = 4 << 30
)

// unpack extracts the archive at file, named as what it is, into dir: those
// entries that keep is true of. Nothing is written outside of dir, through no
// link: an archive that wants that is refused.
func unpack(file, dir string, keep func(name string) bool) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	x := extraction{root: root, keep: keep, left: maxBytes}
	if err := x.any(file); err != nil {
		return fmt.Errorf("unpack %s: %w", filepath.Base(file), err)
	}
	return nil
}

func all(string) bool { return true }

// An extraction is one archive at work.
type extraction struct {
	root  *os.Root
	keep  func(string) bool
	files int
	left  int64 // bytes that it may still write
}

func (x *extraction) any(file string) error {
	if strings.HasSuffix(file, ".zip") || strings.HasSuffix(file, ".whl") {
		return x.zip(file)
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	var r io.Reader
	switch {
	case strings.HasSuffix(file, ".gz"), strings.HasSuffix(file, ".tgz"), strings.HasSuffix(file, ".crate"):
		r, err = gzip.NewReader(f)
	case strings.HasSuffix(file, ".tar.xz"):
		r, err = xz.ReaderConfig{SingleStream: true, DictCap: 1 << 26}.NewReader(f)
	default:
		err = errors.New("want .zip, .tar.gz or .tar.xz")
	}
	if err != nil {
		return err
	}
	return x.tar(tar.NewReader(r))
}

func (x *extraction) zip(file string) error {
	z, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		if f.FileInfo().IsDir() || !x.keep(f.Name) {
			continue
		}
		if !f.Mode().IsRegular() {
			return fmt.Errorf("%q is a %v: want files", f.Name, f.Mode().Type())
		}
		r, err := f.Open()
		if err != nil {
			return fmt.Errorf("%q: %w", f.Name, err)
		}
		err = x.file(f.Name, f.Mode(), r)
		r.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

func (x *extraction) tar(t *tar.Reader) error {
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader || !x.keep(h.Name) {
			continue
		}
		switch h.Typeflag {
		case tar.TypeReg:
			err = x.file(h.Name, h.FileInfo().Mode(), t)
		case tar.TypeSymlink:
			err = x.link(h.Name, h.Linkname, path.Join(path.Dir(h.Name), h.Linkname), x.root.Symlink)
		case tar.TypeLink:
			err = x.link(h.Name, h.Linkname, h.Linkname, x.root.Link)
		default:
			err = fmt.Errorf("%q is neither a file nor a link", h.Name)
		}
		if err != nil {
			return err
		}
	}
}

// ready makes the directory of a new entry.
func (x *extraction) ready(name string) error {
	if x.files++; x.files > maxFiles {
		return fmt.Errorf("it has more than %d files", maxFiles)
	}
	if !filepath.IsLocal(name) {
		return fmt.Errorf("%q is not a path in it", name)
	}
	return x.root.MkdirAll(path.Dir(path.Clean(name)), 0o755)
}

func (x *extraction) file(name string, mode fs.FileMode, r io.Reader) error {
	if err := x.ready(name); err != nil {
		return err
	}
	f, err := x.root.OpenFile(path.Clean(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644|mode.Perm()&0o111)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(r, x.left+1))
	if x.left -= n; x.left < 0 {
		err = fmt.Errorf("it has more than %d bytes", int64(maxBytes))
	}
	return errors.Join(err, f.Close())
}

// link makes name a link as make does; target is where that leads, from the
// top.
func (x *extraction) link(name, written, target string, make func(old, new string) error) error {
	if path.IsAbs(written) || !filepath.IsLocal(target) {
		return fmt.Errorf("%q links to %q, which is not a path in it", name, written)
	}
	if err := x.ready(name); err != nil {
		return err
	}
	return make(written, path.Clean(name))
}
