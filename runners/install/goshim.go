package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/filedigest"
	"github.com/assay-notebooks/assay/runners/shims"
)

// goShim builds a program of ours, with a module cache of its own.
func (j job) goShim(ctx context.Context, g runners.GoShim) (record, error) {
	goCmd, err := need("go", "install Go 1.26 or later")
	if err != nil {
		return record{}, err
	}
	source, err := layOut(g.Source, filepath.Join(j.work, "source"))
	if err != nil {
		return record{}, err
	}
	env, err := GoEnv(ctx, goCmd, j.work)
	if err != nil {
		return record{}, err
	}
	goIn := func(args ...string) *exec.Cmd {
		cmd := command(ctx, goCmd, args...)
		cmd.Dir, cmd.Env = source, env
		return cmd
	}
	version, err := run(goIn("env", "GOVERSION"), nil)
	if err != nil {
		return record{}, err
	}
	r := record{Origin: fmt.Sprintf("go build of assay's %s, with %s", g.Source, strings.TrimSpace(version))}
	if g.Wheel != nil {
		if r.Files, err = j.libraries(ctx, *g.Wheel); err != nil {
			return record{}, err
		}
		r.Origin += fmt.Sprintf(" and PyPI %s %s", g.Wheel.Project, g.Wheel.Version)
	}
	cmd := goIn("build", "-x", "-trimpath", "-buildvcs=false", "-tags=shim", "-ldflags=-s -w", "-o", filepath.Join(j.out, j.p.Program), ".")
	j.progress(Progress{Doing: "building with go"})
	_, err = run(cmd, func(line string) {
		if what, ok := strings.CutPrefix(line, "# get "); ok {
			j.progress(Progress{Doing: "downloading " + what})
		}
	})
	if err != nil {
		return record{}, fmt.Errorf("%w\ncheck the network and GOPROXY", err)
	}
	return r, nil
}

// libraries puts the kept files of a wheel beside the program.
func (j job) libraries(ctx context.Context, w runners.Wheel) ([]assay.File, error) {
	beside := filepath.Dir(j.p.Program)
	if err := os.MkdirAll(filepath.Join(j.out, beside), 0o755); err != nil {
		return nil, err
	}
	unpacked := j
	unpacked.out = filepath.Join(j.work, "unpacked")
	if err := errors.Join(os.RemoveAll(unpacked.out), os.MkdirAll(unpacked.out, 0o755)); err != nil {
		return nil, err
	}
	if _, err := unpacked.wheel(ctx, w); err != nil {
		return nil, err
	}
	var files []assay.File
	err := filepath.WalkDir(unpacked.out, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f := assay.File{Path: filepath.Join(beside, d.Name())}
		if f.Digest, err = filedigest.Of(path); err != nil {
			return err
		}
		files = append(files, f)
		return os.Rename(path, filepath.Join(j.out, f.Path))
	})
	return files, err
}

// layOut writes what a program of ours is built from below dir, and returns the
// directory that it is built in.
func layOut(name, dir string) (string, error) {
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	files, err := shims.Source(name)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, name), WriteFiles(dir, files)
}

// WriteFiles writes files, by their slash paths, below dir.
func WriteFiles(dir string, files map[string][]byte) error {
	for path, data := range files {
		file := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
