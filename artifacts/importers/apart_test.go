package importers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// bench is what go test -bench -count prints, at about so many ns.
func bench(ns, count int) string {
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, "BenchmarkA 1000 %d ns/op\n", ns+i)
	}
	return b.String()
}

// load is what wrk prints of a test.
func load(connections int, rps string) string {
	return fmt.Sprintf("Running 1s test @ http://h/\n  1 threads and %d connections\n  Latency Distribution\n     50%%    2.00ms\n  10 requests in 1.00s, 1.00KB read\nRequests/sec: %s\n", connections, rps)
}

// times is what hyperfine exports of a command.
func times(list string) string {
	return `{"results":[{"command":"a","mean":1,"times":[` + list + `]}]}`
}

// Rows of one trace under equal conditions have different numbers of the
// repetition, whatever files they are from. Files that nothing in them tells
// apart are a factor, unless their names say that they repeat each other.
func TestFilesApart(t *testing.T) {
	const sight = `[{"arch":"x","engine":"e","wasm":"w","process":%d,"iteration":0,"phase":"Execution","event":"cycles","count":5}]`
	const point = `{"type":"Point","metric":"m","data":{"time":"2026-01-01T00:00:00Z","value":1}}` + "\n"
	for _, test := range []struct {
		name   string
		format Format
		files  map[string]string
		trace  string
		repeat string // the column of repetitions
		want   string // its values
		factor bool   // the file is one
	}{
		{"two programs", gobench, map[string]string{"new.txt": bench(2000, 2), "old.txt": bench(1000, 2)}, "benchmarks", "replicate", "1 2 3 4", true},
		{"two versions", gobench, map[string]string{"v1.txt": bench(2000, 2), "v2.txt": bench(1000, 2)}, "benchmarks", "replicate", "1 2 3 4", true},
		{"two packages", gobench, map[string]string{"a.txt": "pkg: a\n" + bench(1, 2), "b.txt": "pkg: b\n" + bench(1, 2)}, "benchmarks", "replicate", "1 2 1 2", false},
		{"runs of one program", gobench, map[string]string{"run1.txt": bench(1, 1), "run2.txt": bench(2, 1)}, "benchmarks", "replicate", "1 2", false},
		{"runs of wrk", wrk, map[string]string{"run0.txt": load(2, "1"), "run1.txt": load(2, "2"), "run2.txt": load(2, "3")}, "tests", "test", "1 2 3", false},
		{"their percentiles", wrk, map[string]string{"run0.txt": load(2, "1"), "run1.txt": load(2, "2")}, "percentiles", "test", "1 2", false},
		{"a sweep of wrk", wrk, map[string]string{"a.txt": load(2, "1") + load(4, "2") + load(4, "3")}, "tests", "test", "1 1 2", false},
		{"its percentiles", wrk, map[string]string{"a.txt": load(2, "1") + load(4, "2") + load(4, "3")}, "percentiles", "test", "1 1 2", false},
		{"two servers", wrk, map[string]string{"faasm.txt": load(2, "1"), "sledge.txt": load(2, "2")}, "tests", "test", "1 2", true},
		{"rates of wrk2", wrk, map[string]string{"rate1000.txt": load(2, "1"), "rate2000.txt": load(2, "2")}, "tests", "test", "1 2", true},
		{"a command twice", hyperfine, map[string]string{"a.json": times("1,2"), "b.json": times("3")}, "runs", "run", "1 2 3", true},
		{"one process each", sightglass, map[string]string{"1.json": fmt.Sprintf(sight, 7), "2.json": fmt.Sprintf(sight, 8)}, "measurements", "process", "7 8", false},
		{"processes of one number", sightglass, map[string]string{"1.json": fmt.Sprintf(sight, 7), "2.json": fmt.Sprintf(sight, 7)}, "measurements", "process", "7 7", true},
		{"two tests", k6, map[string]string{"1.json": point, "2.json": point}, "m", "value", "1 1", true},
		{"calls", faasm, map[string]string{"1.json": `{"function":"f","executedHost":"h"}`, "2.json": `{"function":"f","executedHost":"h"}`}, "messages", "return_value", "0 0", false},
		{"machines", wasmbounds, map[string]string{"arm.csv": wide, "x86.csv": wide}, "samples", "iteration", "0 1 2 0 1 0 0 1 2 0 1 0", true},
	} {
		out, err := test.format.Read(t.Context(), input(mapFS(test.files)))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if got := columnText(t, out, test.trace, test.repeat); got != test.want {
			t.Errorf("%s: %s is %s, want %s", test.name, test.repeat, got, test.want)
		}
		tr := named(t, out, test.trace)
		if factor := slices.Contains(tr.names(), fileColumn); factor != test.factor {
			t.Errorf("%s: the file is a factor: %v, want %v", test.name, factor, test.factor)
		} else if files := col(t, tr, "source").Strings; factor && !slices.Equal(col(t, tr, fileColumn).Strings, files) {
			t.Errorf("%s: the files are %v, want %v", test.name, col(t, tr, fileColumn).Strings, files)
		}
	}
}

func TestNumbered(t *testing.T) {
	for _, test := range []struct {
		paths string
		want  bool
	}{
		{"run0.txt run1.txt run10.txt run2.txt run3.txt run4.txt run5.txt run6.txt run7.txt run8.txt run9.txt", true},
		{"01 02 03", true},
		{"1/wrk.txt 2/wrk.txt", true},
		{"11.txt 12.txt", false},
		{"1.txt 3.txt", false},
		{"1000.txt 2000.txt", false},
		{"a.txt b.txt", false},
		{"a.txt a1.txt", false},
	} {
		if got := numbered(strings.Fields(test.paths)); got != test.want {
			t.Errorf("numbered(%s) = %v, want %v", test.paths, got, test.want)
		}
	}
}
