package images

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/assay-notebooks/assay"
)

// Input describes all that Build makes a workload from: its source, and which
// toolchain: the Go on PATH is told by the file's size and time. Where it is the
// same, so is what is built. It takes no build's time.
func Input(dir string) (string, error) {
	src, spec, err := readWorkload(dir)
	if err != nil {
		return "", err
	}
	tar, err := src.tar()
	if err != nil {
		return "", err
	}
	switch spec.Language {
	case C:
		return fmt.Sprintf("%v zig %s", assay.DigestOf(tar), ZigVersion), nil
	case Rust:
		return fmt.Sprintf("%v rust %s", assay.DigestOf(tar), RustVersion), nil
	}
	path, err := exec.LookPath("go")
	if err != nil {
		return "", err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return "", err
	}
	st, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%v %s %d %d", assay.DigestOf(tar), path, st.Size(), st.ModTime().UnixNano()), nil
}

// NameOf returns the name of the workload in dir.
func NameOf(dir string) (string, error) {
	_, spec, err := readWorkload(dir)
	return spec.Name, err
}

// LanguageOf returns what the workload in dir is written in; "" for a ready
// module.
func LanguageOf(dir string) (Language, error) {
	_, spec, err := readWorkload(dir)
	return spec.language(), err
}

// LanguageOfArchive is LanguageOf for a source archive.
func LanguageOfArchive(archive []byte) (Language, error) {
	src, err := readTar(archive)
	if err != nil {
		return "", err
	}
	spec, err := src.spec()
	return spec.language(), err
}

func (s Spec) language() Language {
	if s.Module == "" && s.Language == "" {
		return Go
	}
	return s.Language
}
