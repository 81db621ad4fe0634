package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/internal/lab/labtest"
)

// listed is a workspace with many runs and one with none, for all rounds: the
// first takes minutes to make.
var listed struct {
	tmp       string // "": not made yet
	workspace *lab.Workspace
	empty     string
	runs      int
}

// makeListed makes listed, and the list of its runs in runs.json.
func makeListed(b *testing.B) {
	b.Helper()
	const runs = 100_000
	tmp, err := os.MkdirTemp("", "assay-bench-")
	if err != nil {
		b.Fatal(err)
	}
	listed.tmp, listed.empty = tmp, filepath.Join(tmp, "empty")
	if _, err := lab.Init(b.Context(), listed.empty); err != nil {
		b.Fatal(err)
	}
	if listed.workspace, err = lab.Init(b.Context(), filepath.Join(tmp, "full")); err != nil {
		b.Fatal(err)
	}
	archiveRuns(b, runs)
	list, err := command(b, listed.workspace.Root, "runs", "--json").Output()
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(listed.workspace.Root, "runs.json"), list, 0o666); err != nil {
		b.Fatal(err)
	}
}

// archiveRuns adds n runs.
func archiveRuns(b *testing.B, n int) {
	b.Helper()
	if err := labtest.Archive(b.Context(), listed.workspace.Root, listed.runs, listed.runs+n); err != nil {
		b.Fatal(err)
	}
	listed.runs += n
}

// command is the program that make build has built.
func command(b *testing.B, dir string, args ...string) *exec.Cmd {
	b.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", program))
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	return cmd
}

// BenchmarkListing lists the runs of one experiment among 100,000, beside grep
// in a file that has the list.
func BenchmarkListing(b *testing.B) {
	if listed.tmp == "" {
		makeListed(b)
	}
	root := listed.workspace.Root
	for b.Loop() {
		for mark := ""; mark == ""; time.Sleep(50 * time.Millisecond) { // archived runs are no news any more
			var err error
			if mark, err = listed.workspace.Store.RefsMark(b.Context(), "runs"); err != nil {
				b.Fatal(err)
			}
		}
		if out, err := command(b, root, "runs", "-n", "1").CombinedOutput(); err != nil {
			b.Fatalf("assay runs: %v\n%s", err, out)
		}
		turns(func() {
			measure(b, "assay", root, command(b, root, "runs", "exp-07", "--json"))
		}, func() {
			measure(b, "grep", root, exec.Command("grep", "-F", `"name":"exp-07"`, "runs.json"))
		})
		measure(b, "show", root, command(b, root, "show", "exp-07"))
		turns(func() {
			measure(b, "open", root, command(b, root, "config"))
		}, func() {
			measure(b, "open-empty", listed.empty, command(b, listed.empty, "config"))
		})
		archiveRuns(b, 1)
		measure(b, "changed", root, command(b, root, "runs", "exp-07", "--json"))
	}
}
