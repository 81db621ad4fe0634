package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestParseBench(t *testing.T) {
	out := "goos: linux\ncpu: AMD EPYC\n" +
		"BenchmarkPut/batch-2  \t 1\t 1088966130 ns/op\t 538.7 durable-ms\t 383.7 no-fsync-ms\n" +
		"BenchmarkPut/batch-2  \t 1\t 1697797364 ns/op\t 811.3 durable-ms\t 733.6 no-fsync-ms\n" +
		"PASS\nok  \texample.org/disk\t13.233s\n"
	got, err := parseBench([]byte(out), "Put")
	if err != nil {
		t.Fatal(err)
	}
	want := samples{
		"/batch ns/op":       {1088966130, 1697797364},
		"/batch durable-ms":  {538.7, 811.3},
		"/batch no-fsync-ms": {383.7, 733.6},
	}
	if !maps.EqualFunc(got, want, slices.Equal) {
		t.Errorf("parseBench = %v, want %v", got, want)
	}
	if _, err := parseBench([]byte("BenchmarkPut-2 1 fast ns/op\n"), "Put"); err == nil {
		t.Error("parseBench of a value that is no number: no error")
	}
}

// TestTable reads each ending a row can have off the table.
func TestTable(t *testing.T) {
	six := []float64{10, 11, 12, 13, 14, 15}
	all := samples{"ours-ms": six, "half-ms": {20, 22, 24, 26, 28, 30}, "few-ms": {1, 2}, "near-ms": {10, 12, 13, 14, 14, 14}}
	for _, tt := range []struct {
		row  row
		want string
	}{
		{row{ours: "ours-ms", peer: "half-ms", goal: ratioGoal(0.5)}, "6 ms 12.5 [10.0, 15.0] 25.0 [20.0, 30.0] 0.500 [0.500, 0.500] at most 0.5x: met"},
		{row{ours: "half-ms", peer: "ours-ms", goal: ratioGoal(1)}, "6 ms 25.0 [20.0, 30.0] 12.5 [10.0, 15.0] 2.00 [2.00, 2.00] at most 1x: MISSED"},
		{row{ours: "ours-ms", peer: "near-ms", goal: ratioGoal(1)}, "6 ms 12.5 [10.0, 15.0] 13.5 [10.0, 14.0] 0.964 [0.917, 1.07] at most 1x: undecided"},
		{row{ours: "ours-ms", peer: "half-ms", goal: nearGoal(1.5)}, "6 ms 12.5 [10.0, 15.0] 25.0 [20.0, 30.0] 0.500 [0.500, 0.500] within 0.667 to 1.5x: MISSED"},
		{row{ours: "ours-ms", peer: "near-ms", goal: nearGoal(1.1)}, "6 ms 12.5 [10.0, 15.0] 13.5 [10.0, 14.0] 0.964 [0.917, 1.07] within 0.909 to 1.1x: met"},
		{row{ours: "ours-ms", peer: "near-ms", goal: nearGoal(1.03)}, "6 ms 12.5 [10.0, 15.0] 13.5 [10.0, 14.0] 0.964 [0.917, 1.07] within 0.971 to 1.03x: undecided"},
		{row{ours: "few-ms", peer: "few-ms", goal: nearGoal(1.03)}, "2 ms 1.50 [too few] 1.50 [too few] 1.00 [too few] within 0.971 to 1.03x: unknown"},
		{row{ours: "ours-ms", goal: valueGoal(15)}, "6 ms 12.5 [10.0, 15.0] - - at most 15 ms: met"},
		{row{ours: "few-ms", goal: valueGoal(15)}, "2 ms 1.50 [too few] - - at most 15 ms: unknown"},
		{row{ours: "ours-ms", peer: "absent-ms"}, "6 ms 12.5 [10.0, 15.0] unsupported - no goal"},
		{row{ours: "absent-ms", against: "hyperfine"}, "unsupported: needs hyperfine"},
		{row{ours: "absent-ms", against: "hyperfine", needs: "data"}, "unsupported: needs data"},
	} {
		var b strings.Builder
		if err := writeTable(&b, []row{tt.row}, all); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(b.String()), "\n")
		if got := strings.Join(strings.Fields(lines[len(lines)-1]), " "); got != tt.want {
			t.Errorf("%+v reads %q, want %q", tt.row, got, tt.want)
		}
	}
	if err := writeTable(&strings.Builder{}, []row{{ours: "ours-ms", peer: "few-ms"}}, all); err == nil {
		t.Error("6 values beside 2: no error")
	}
}
