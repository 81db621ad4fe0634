package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// writeMachine writes what the numbers were taken on and with.
func writeMachine(ctx context.Context, w io.Writer) {
	fmt.Fprintf(w, "date     %s\n", time.Now().UTC().Format("2006-01-02 15:04 MST"))
	fmt.Fprintf(w, "machine  %s, %d processors, %s %s, %s\n", cpu(), runtime.NumCPU(),
		output(ctx, "uname", "-s"), output(ctx, "uname", "-r"), runtime.GOARCH)
	fmt.Fprintf(w, "versions %s, hyperfine %s, node %s, DuckDB %s\n",
		output(ctx, program, "version"), strings.TrimPrefix(output(ctx, "hyperfine", "--version"), "hyperfine "), output(ctx, "node", "--version"),
		output(ctx, filepath.Join(os.Getenv("ASSAY_CACHE"), "tools/duckdb/bin/python"), "-c", "import duckdb; print(duckdb.__version__)"))
	fmt.Fprintf(w, "load     %s at the beginning\n", load())
}

// output returns the first line that a command prints, or "not found".
func output(ctx context.Context, argv ...string) string {
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).Output()
	if err != nil {
		return "not found"
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(first)
}

var modelName = regexp.MustCompile(`(?m)^model name\s*: (.*)$`)

func cpu() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	if m := modelName.FindSubmatch(b); m != nil {
		return string(m[1])
	}
	return "processor not known"
}

// load returns the mean numbers of runnable threads over 1, 5 and 15 minutes.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "not known"
	}
	return strings.Join(strings.Fields(string(b))[:3], " ")
}
