package trace

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// duckdb returns a Python that has DuckDB. Without one the test is skipped, or
// fails if ASSAY_REQUIRE lists duckdb.
func duckdb(t *testing.T) string {
	t.Helper()
	python, err := findDuckDB()
	if err != nil {
		tooltest.Missing(t, "duckdb", err)
	}
	return python
}

// findDuckDB returns a Python that has DuckDB: that of ASSAY_DUCKDB_PYTHON, or
// the one tools/duckdb/install made.
func findDuckDB() (python string, err error) {
	python = os.Getenv("ASSAY_DUCKDB_PYTHON")
	if python == "" {
		cache := os.Getenv("ASSAY_CACHE")
		if home, err := os.UserHomeDir(); cache == "" && err == nil {
			cache = filepath.Join(home, ".cache/assay")
		}
		python = filepath.Join(cache, "tools/duckdb/bin/python")
	}
	if err := exec.Command(python, "-c", "import duckdb").Run(); err != nil {
		return "", fmt.Errorf("duckdb not found with %s: %w; run tools/duckdb/install", python, err)
	}
	return python, nil
}

// A reading is what DuckDB finds in a trace.
type reading struct {
	Version string
	Types   map[string]string
	Rows    int64
	Nulls   map[string]int
	Meta    string
	CSV     [][]string `json:"-"`
}

func readWith(t *testing.T, python string, encoded []byte) reading {
	t.Helper()
	dir := t.TempDir()
	parquetPath, csvPath := filepath.Join(dir, "trace.parquet"), filepath.Join(dir, "duckdb.csv")
	if err := os.WriteFile(parquetPath, encoded, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), python, "testdata/read_trace.py", parquetPath, csvPath).Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		t.Fatalf("duckdb: %v\n%s", err, exit.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	var found reading
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(csvPath)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if found.CSV, err = csv.NewReader(f).ReadAll(); err != nil {
		t.Fatalf("duckdb's CSV: %v", err)
	}
	return found
}

// What DuckDB reads in a trace is what we read in it.
func TestDuckDBAgrees(t *testing.T) {
	python := duckdb(t)
	for _, encoded := range [][]byte{
		encode(t, nil), encode(t, phases(7)), encode(t, samples(rowsPerGroup+500)),
		encodeColumns(t, imported(0)), encodeColumns(t, imported(rowsPerGroup+500)),
	} {
		theirs, tr := readWith(t, python, encoded), open(t, encoded)
		if theirs.Rows != tr.Rows() {
			t.Errorf("duckdb counts %d rows, we %d", theirs.Rows, tr.Rows())
		}
		var said Meta
		if err := json.Unmarshal([]byte(theirs.Meta), &said); err != nil || !reflect.DeepEqual(said, tr.Meta()) {
			t.Errorf("duckdb finds the metadata %s, %v; we %+v", theirs.Meta, err, tr.Meta())
		}
		all, err := tr.Project(tr.names())
		if err != nil {
			t.Fatal(err)
		}
		for i := range all {
			nulls := 0
			for row := range all[i].Len() {
				if all[i].IsNull(row) {
					nulls++
				}
			}
			if got := theirs.Nulls[all[i].Name]; got != nulls {
				t.Errorf("column %s: duckdb counts %d nulls, we %d", all[i].Name, got, nulls)
			}
		}
		compareCSV(t, theirs.CSV, tr)
		t.Logf("DuckDB %s agrees on %d rows", theirs.Version, theirs.Rows)
	}
}

// DuckDB sees numbers that it can compute with.
func TestDuckDBTypes(t *testing.T) {
	got := readWith(t, duckdb(t), encode(t, samples(6))).Types
	want := map[string]string{"seq": "BIGINT", "block": "INTEGER", "warmup": "BOOLEAN", "wall_ns": "BIGINT",
		"peak_rss_bytes": "BIGINT", "runtime": "VARCHAR", "param.size": "VARCHAR", "stdout": "VARCHAR"}
	for name, kind := range want {
		if got[name] != kind {
			t.Errorf("duckdb gives %s the type %s, want %s", name, got[name], kind)
		}
	}
}

// What docs/trace.md asks of DuckDB gives what it says: of ok samples of one
// phase, warm-up left out.
func TestDuckDBAsDocumented(t *testing.T) {
	python := duckdb(t)
	page, err := os.ReadFile("../../docs/trace.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []assay.Sample
	add := func(seq int64, phase assay.Phase, call int32, warmup bool, outcome assay.Outcome, ns int64) {
		rows = append(rows, assay.Sample{Seq: seq, Workload: "crc32", Runtime: "wazero", Host: "local", Phase: phase, Call: call, Warmup: warmup, Outcome: outcome, WallNS: &ns})
	}
	for seq, outcome := range []assay.Outcome{assay.OK, assay.OK, assay.Timeout} {
		add(int64(seq), assay.Process, 0, false, outcome, 2e6+int64(seq)*1e6)
		add(int64(seq), assay.FirstByte, 0, false, outcome, 1e3)
		add(int64(seq), assay.Call, 1, true, outcome, 9e6)
		add(int64(seq), assay.Call, 2, false, outcome, 100+10*int64(seq))
	}
	b := encode(t, rows)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "trace.parquet"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	want := []string{"[('wazero', 2.5)]", "[('wazero', 0, 100.0), ('wazero', 1, 110.0)]", "[(b'{"}
	queries := regexp.MustCompile("SELECT [^\"`]+").FindAll(page, -1)
	if len(queries) != len(want) {
		t.Fatalf("docs/trace.md has %d queries, want %d", len(queries), len(want))
	}
	for i, query := range queries {
		cmd := exec.CommandContext(t.Context(), python, "-c", "import duckdb, sys; print(sorted(duckdb.sql(sys.argv[1]).fetchall()))", string(query))
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil || !strings.HasPrefix(string(out), want[i]) {
			t.Errorf("%s: %s, %v; want %s", query, out, err, want[i])
		}
	}
}

// compareCSV compares row by row; empty fields are nulls or empty texts in both.
func compareCSV(t *testing.T, theirs [][]string, tr *Trace) {
	t.Helper()
	var b bytes.Buffer
	if err := CSV(&b, tr); err != nil {
		t.Fatal(err)
	}
	ours, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatalf("our CSV: %v", err)
	}
	if len(ours) != len(theirs) {
		t.Fatalf("duckdb writes %d lines, we %d", len(theirs), len(ours))
	}
	for i := range ours {
		if !slices.Equal(ours[i], theirs[i]) {
			t.Fatalf("line %d: duckdb writes %q, we %q", i, theirs[i], ours[i])
		}
	}
}
