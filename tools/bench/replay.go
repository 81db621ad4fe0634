package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/kernelext/figure"
	"github.com/assay-notebooks/assay/tools/bench/figures"
)

const (
	program      = "bin/assay"
	experiment   = "tools/bench/figures/experiment.yaml"
	replayRounds = 11
)

// replay times the replay command on a workspace made for it, and
// figure.Render of the same function and table in this process.
func replay(ctx context.Context) (samples, error) {
	tmp, err := os.MkdirTemp("", "assay-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	dir := filepath.Join(tmp, "workspace")
	for _, args := range [][]string{
		{"init", dir}, {"-C", dir, "pin", "images/workloads/noop"}, {"-C", dir, "run", experiment},
	} {
		if _, err := timeCommand(ctx, "", args...); err != nil {
			return nil, err
		}
	}
	w, err := lab.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	drawn, err := w.Figures(ctx)
	if err != nil {
		return nil, err
	}
	made := drawn[0].Figure
	run, err := w.FindRun(ctx, made.Tables[0].Run)
	if err != nil {
		return nil, err
	}
	table, err := w.Table(ctx, run, made.Tables[0].Columns)
	if err != nil {
		return nil, err
	}
	request := figure.Request{Formats: drawn[0].Formats(), Width: made.Width}
	draw := func(f *figure.Figure, t ...figure.Table) error { return figures.ColdStart(f, t[0]) }
	_, node := exec.LookPath("node")

	s := samples{}
	add := func(metric string, d time.Duration) { s[metric] = append(s[metric], d.Seconds()) }
	for round := range replayRounds {
		warm, err := timeCommand(ctx, "", "-C", dir, "replay", made.Name)
		if err != nil {
			return nil, err
		}
		add(" warm-s", warm)

		start := time.Now()
		if _, err := figure.Render(request, 1, [][]byte{table}, draw); err != nil {
			return nil, err
		}
		add(" native-s", time.Since(start))

		empty := filepath.Join(tmp, fmt.Sprint("cache", round))
		cold, err := timeCommand(ctx, empty, "-C", dir, "replay", made.Name)
		if err != nil {
			return nil, err
		}
		add(" cold-s", cold)

		if node == nil {
			referee, err := timeCommand(ctx, "", "-C", dir, "replay", "--engine", "node", made.Name)
			if err != nil {
				return nil, err
			}
			add(" node-s", referee)
		}
	}
	return s, nil
}

// timeCommand runs assay, with its cache in a directory other than the
// environment's unless that is "", and returns how long it took.
func timeCommand(ctx context.Context, cache string, args ...string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	if cache != "" {
		cmd.Env = append(os.Environ(), "ASSAY_CACHE="+cache)
	}
	start := time.Now()
	out, err := cmd.CombinedOutput()
	elapsed := time.Since(start)
	if err != nil {
		return 0, fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return elapsed, nil
}
