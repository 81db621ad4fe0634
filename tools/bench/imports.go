package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	importRounds   = 11
	importedFolder = "../shared/data/faasm-sledge-2023" // other people's: not everybody has it
)

// imports times the import of a published archive of 252 files into a new
// workspace, and DuckDB's CSV reader on the same files into a new database.
func imports(ctx context.Context) (samples, error) {
	if _, err := os.Stat(importedFolder); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	python, missing := exec.CommandContext(ctx, "sh", "tools/duckdb/install").Output()
	tmp, err := os.MkdirTemp("", "assay-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	s := samples{}
	for round := range importRounds {
		dir := filepath.Join(tmp, fmt.Sprint("workspace", round))
		if _, err := timeCommand(ctx, "", "init", dir); err != nil {
			return nil, err
		}
		ours, err := timeCommand(ctx, "", "-C", dir, "import", "ab-sweep", importedFolder, "--name", "sweep")
		if err != nil {
			return nil, err
		}
		rows, err := importedRows(ctx, dir)
		if err != nil {
			return nil, err
		}
		s[" all-s"] = append(s[" all-s"], ours.Seconds())
		s[" speed-rows/s"] = append(s[" speed-rows/s"], float64(rows)/ours.Seconds())
		if missing != nil {
			continue
		}
		theirs, err := readByDuckDB(ctx, strings.TrimSpace(string(python)), dir+".duckdb")
		if err != nil {
			return nil, err
		}
		s[" duckdb-s"] = append(s[" duckdb-s"], theirs.Seconds)
		s[" duckdb-rows/s"] = append(s[" duckdb-rows/s"], float64(theirs.Rows)/theirs.Seconds)
	}
	return s, nil
}

// importedRows counts the rows of the import in a workspace.
func importedRows(ctx context.Context, dir string) (rows int64, err error) {
	out, err := exec.CommandContext(ctx, program, "-C", dir, "show", "sweep", "--json").Output()
	if err != nil {
		return 0, err
	}
	var imp struct{ Traces []struct{ Rows int64 } }
	if err := json.Unmarshal(out, &imp); err != nil {
		return 0, err
	}
	for _, t := range imp.Traces {
		rows += t.Rows
	}
	return rows, nil
}

// A duckDBReading is what import_duckdb.py prints.
type duckDBReading struct {
	Seconds float64
	Rows    int64
}

func readByDuckDB(ctx context.Context, python, database string) (r duckDBReading, err error) {
	out, err := exec.CommandContext(ctx, python, "tools/bench/import_duckdb.py", importedFolder, database).Output()
	if err != nil {
		return r, fmt.Errorf("import_duckdb.py: %w", err)
	}
	return r, json.Unmarshal(out, &r)
}
