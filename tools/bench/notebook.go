package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	quickstart     = "notebooks/quickstart.ipynb"
	notebookRounds = 6 // the fewest that have an interval
)

// notebooks times the quickstart with three invocations a trial: executed by
// assay in a workspace that has no runs, and again, its runs archived, by assay
// and by Jupyter's own tools with the same kernel; and the replay of the
// figures it draws.
func notebooks(ctx context.Context) (samples, error) {
	tmp, err := os.MkdirTemp("", "assay-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	// The notebook finds the sources of its workloads in ../images.
	for _, dir := range []string{"images", "notebooks"} {
		if err := os.CopyFS(filepath.Join(tmp, dir), os.DirFS(dir)); err != nil {
			return nil, err
		}
	}
	assay, err := filepath.Abs(program)
	if err != nil {
		return nil, err
	}
	book := filepath.Join(tmp, quickstart)
	env := append(os.Environ(), "ASSAY_PARAM_INVOCATIONS=3", "JUPYTER_PATH="+filepath.Join(tmp, "share", "jupyter"))
	timed := func(name string, args ...string) (time.Duration, error) {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir, cmd.Env = filepath.Join(tmp, "notebooks"), env
		start := time.Now()
		out, err := cmd.CombinedOutput()
		if err != nil {
			return 0, fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
		}
		return time.Since(start), nil
	}
	out := filepath.Join(tmp, "out.ipynb")
	ours := []string{"notebook", "run", book, "-o", out}
	if _, err := timed(assay, "kernel", "install", "--prefix", tmp); err != nil {
		return nil, err
	}
	tools := jupyterTools()
	s := samples{}
	for range notebookRounds {
		if err := os.RemoveAll(filepath.Join(tmp, ".assay")); err != nil {
			return nil, err
		}
		if err := os.Remove(filepath.Join(tmp, "assay.lock")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if _, err := timed(assay, "init", tmp); err != nil {
			return nil, err
		}
		commands := []struct {
			metric string
			argv   []string
		}{
			{" measured-s", append([]string{assay}, ours...)},
			{" assay-s", append([]string{assay}, ours...)},
			{" replay-s", []string{assay, "replay", "--all"}},
		}
		if tools != "" {
			commands = append(commands, []struct {
				metric string
				argv   []string
			}{
				{" nbconvert-s", []string{filepath.Join(tools, "jupyter-nbconvert"), "--execute", "--to", "notebook", book, "--output", out}},
				{" papermill-s", []string{filepath.Join(tools, "papermill"), "--no-progress-bar", book, out}},
			}...)
		}
		for _, c := range commands {
			d, err := timed(c.argv[0], c.argv[1:]...)
			if err != nil {
				return nil, err
			}
			s[c.metric] = append(s[c.metric], d.Seconds())
		}
	}
	return s, nil
}

// jupyterTools returns the folder of the programs that tools/jupyter/install
// installs, or "" where they cannot be had.
func jupyterTools() string {
	python, err := exec.Command("sh", "tools/jupyter/install").Output()
	if err != nil {
		return ""
	}
	return filepath.Dir(strings.TrimSpace(string(python)))
}
