package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/assay-notebooks/assay/internal/kernel"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// TestNotebooks runs the scripts that need a kernel. In them $PYTHON is one
// that has Jupyter, papermill and nbformat.
func TestNotebooks(t *testing.T) {
	o := prepareKernel(t)
	python := filepath.Join(o.Cache, "tools", "jupyter", "bin", "python")
	if _, err := os.Stat(python); err != nil {
		tooltest.Missing(t, "jupyter", err)
	}
	t.Setenv("PYTHON", python)
	runScripts(t, "notebook")
}

// prepareKernel sees to it that notebooks can be executed.
func prepareKernel(t *testing.T) kernel.Options {
	t.Helper()
	o, err := kernelOptions()
	if err != nil {
		t.Fatal(err)
	}
	if err := kernel.Prepare(t.Context(), o, false, func(line string) { t.Log(line) }); err != nil {
		tooltest.Missing(t, "gonb", err)
	}
	return o
}

// writeNotebook makes a notebook of a text in which a line "---" begins a new
// cell, with tags behind it: notebook TEXT NOTEBOOK
func writeNotebook(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: notebook TEXT NOTEBOOK")
	}
	cells := []map[string]any{}
	var source strings.Builder
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if tags, begins := strings.CutPrefix(line, "---"); begins {
			cells = append(cells, map[string]any{"cell_type": "code", "metadata": map[string]any{"tags": strings.Fields(tags)},
				"execution_count": nil, "outputs": []any{}, "source": ""})
			source.Reset()
			continue
		}
		source.WriteString(line)
		cells[len(cells)-1]["source"] = strings.TrimSuffix(source.String(), "\n")
	}
	b, err := json.Marshal(map[string]any{"cells": cells, "metadata": map[string]any{}, "nbformat": 4, "nbformat_minor": 4})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o666))
}

// validate has Python's nbformat validate notebooks, and compare their bytes
// with those that it writes: validate NOTEBOOK...
func validate(ts *testscript.TestScript, neg bool, args []string) {
	const program = `
import sys, nbformat
for path in sys.argv[1:]:
    nb = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(nb)
    assert (nb.nbformat, nb.nbformat_minor) == (4, 5), "format"
    assert nbformat.writes(nb) + "\n" == open(path, encoding="utf-8", newline="").read(), "bytes"
`
	argv := []string{"-W", "error", "-c", program}
	for _, a := range args {
		argv = append(argv, ts.MkAbs(a))
	}
	if out, err := exec.Command(ts.Getenv("PYTHON"), argv...).CombinedOutput(); err != nil || neg {
		ts.Fatalf("nbformat: %v\n%s", err, out)
	}
}
