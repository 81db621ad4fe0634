package trace

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkTrace writes a million samples, opens the trace and projects two
// columns, and has DuckDB write and project the same, in turn.
func BenchmarkTrace(b *testing.B) {
	const n = 1_000_000
	all := samples(n)
	path := filepath.Join(b.TempDir(), "trace.parquet")
	python, missing := findDuckDB()
	if missing != nil {
		b.Log(missing)
	}
	took := map[string]time.Duration{} // by metric
	add := func(metric string, start time.Time) { took[metric] += time.Since(start) }
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		start := time.Now()
		if err := Write(&out, meta, slices.Values(all)); err != nil {
			b.Fatal(err)
		}
		add("write-ms", start)
		start = time.Now()
		tr, err := Open(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			b.Fatal(err)
		}
		add("open-ms", start)
		start = time.Now()
		if _, err := tr.Project([]string{"runtime", "wall_ns"}); err != nil {
			b.Fatal(err)
		}
		add("project-ms", start)
		if missing != nil {
			continue
		}
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			b.Fatal(err)
		}
		printed, err := exec.Command(python, "testdata/time_duckdb.py", path, path+".duckdb").Output()
		if err != nil {
			b.Fatal(err)
		}
		var seconds map[string]float64
		if err := json.Unmarshal(printed, &seconds); err != nil {
			b.Fatal(err)
		}
		for what, s := range seconds {
			took["duckdb-"+what+"-ms"] += time.Duration(s * float64(time.Second))
		}
	}
	for metric, d := range took {
		b.ReportMetric(d.Seconds()*1000/float64(b.N), metric)
	}
	b.ReportMetric(float64(out.Len())/n, "bytes/sample")
}
