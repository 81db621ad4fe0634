package images

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/assay-notebooks/assay"
)

// Input describes all that Build makes a workload from: its source, and which
// Go is on PATH, told by the file's size and time. Where it is the same, so is
// what is built. It takes no build's time.
func Input(dir string) (string, error) {
	src, err := readSource(dir)
	if err != nil {
		return "", err
	}
	tar, err := src.tar()
	if err != nil {
		return "", err
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
