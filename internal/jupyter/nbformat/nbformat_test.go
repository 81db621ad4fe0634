package nbformat

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/tooltest"
)

// python returns the Python that has nbformat: what tools/jupyter/install
// made.
func python(t *testing.T) string {
	t.Helper()
	cache := os.Getenv("ASSAY_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(user, "assay")
	}
	p := filepath.Join(cache, "tools", "jupyter", "bin", "python")
	if _, err := os.Stat(p); err != nil {
		tooltest.Missing(t, "jupyter", err)
	}
	return p
}

// Python's nbformat and we write the same bytes.
func TestSameBytesAsPython(t *testing.T) {
	const program = `
import sys, nbformat
for i in range(1, len(sys.argv), 2):
    nb = nbformat.read(sys.argv[i], as_version=nbformat.NO_CONVERT)
    nbformat.validate(nb)
    nbformat.write(nb, sys.argv[i+1])
`
	inputs, err := filepath.Glob("testdata/*.ipynb")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("testdata: %d notebooks, %v", len(inputs), err)
	}
	args := []string{"-c", program}
	for _, in := range inputs {
		args = append(args, in, filepath.Join(t.TempDir(), "out.ipynb"))
	}
	if out, err := exec.Command(python(t), args...).CombinedOutput(); err != nil {
		t.Fatalf("nbformat: %v\n%s", err, out)
	}
	for i, in := range inputs {
		nb, err := Read(in)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		want, err := os.ReadFile(args[3+2*i])
		if err != nil {
			t.Fatal(err)
		}
		if got := nb.Bytes(); !bytes.Equal(got, want) {
			t.Errorf("%s: got\n%s\nwant, as nbformat writes it,\n%s", in, got, want)
		}
	}
}

// What Upgrade makes is a valid notebook of format 4.5, and the same each time.
func TestUpgrade(t *testing.T) {
	nb, err := Read("testdata/v4.0.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	nb.Upgrade()
	once := nb.Bytes()
	nb.Cells[1].ID = nb.Cells[0].ID
	nb.Cells[2].ID = "not valid"
	nb.Upgrade()
	path := filepath.Join(t.TempDir(), "nb.ipynb")
	if err := os.WriteFile(path, nb.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	again, err := Read("testdata/v4.0.ipynb")
	if err != nil {
		t.Fatal(err)
	}
	again.Upgrade()
	if !bytes.Equal(again.Bytes(), once) {
		t.Errorf("Upgrade gave\n%s\nand then\n%s", once, again.Bytes())
	}
	const program = `
import sys, nbformat
nb = nbformat.read(sys.argv[1], as_version=nbformat.NO_CONVERT)
nbformat.validate(nb)
print(nb.nbformat_minor, len({c.id for c in nb.cells}))
`
	out, err := exec.Command(python(t), "-W", "error", "-c", program, path).CombinedOutput()
	if err != nil || string(out) != "5 4\n" {
		t.Errorf("nbformat says %s, %v; want format 5 and 4 ids", out, err)
	}
}

func TestProblems(t *testing.T) {
	for name, want := range map[string][]string{
		"not-json":    {"not JSON"},
		"format-3":    {"nbformat 3", "jupyter nbconvert --to notebook"},
		"wrong-cells": {"cell 1 has the cell_type", "cell 2: source is neither", "cell 2: outputs is not a list", "cell 3 is not an object"},
	} {
		_, err := Read("testdata/" + name + ".bad")
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v: want %q in it", name, err, w)
			}
		}
	}
	if _, err := Parse([]byte(`{"nbformat":3}`)); !errors.Is(err, ErrVersion) {
		t.Errorf("format 3: %v, want ErrVersion", err)
	}
}

func FuzzParse(f *testing.F) {
	inputs, err := filepath.Glob("testdata/*.ipynb")
	if err != nil {
		f.Fatal(err)
	}
	for _, in := range inputs {
		b, err := os.ReadFile(in)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		nb, err := Parse(b)
		if err != nil {
			return
		}
		once := nb.Bytes()
		nb, err = Parse(once)
		if err != nil {
			t.Fatalf("written, but not read: %v\n%s", err, once)
		}
		if twice := nb.Bytes(); !bytes.Equal(once, twice) {
			t.Fatalf("written\n%s\nand again\n%s", once, twice)
		}
		nb.Upgrade()
		if _, err := Parse(nb.Bytes()); err != nil {
			t.Fatalf("upgraded, but not read: %v", err)
		}
	})
}
