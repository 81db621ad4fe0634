package importers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// No format adds a row to traces that have as many values as they may.
func TestFull(t *testing.T) {
	for _, f := range Formats() {
		out := &Output{lenient: true, values: maxValues}
		err := f.read(t.Context(), example(t, f.Name), out)
		refused := err != nil && err.Error() == tooMany
		for _, file := range out.files {
			refused = refused || slices.ContainsFunc(file.rejected, func(r rejection) bool { return r.why == tooMany })
		}
		if !refused {
			t.Errorf("%s: error %v, and no row is refused", f.Name, err)
		}
		for _, tr := range out.Traces {
			if tr.rows > 0 {
				t.Errorf("%s: trace %s has %d rows more", f.Name, tr.Name, tr.rows)
			}
		}
	}
}

// What a small file can make of columns and conditions is bounded, at once.
func TestHostileSweeps(t *testing.T) {
	heading := func(facts string) string {
		return "a: 1 | " + facts + "concurrency: 1\nTime taken for tests: 1 seconds\nRequests per second: 1 [#/sec]\n"
	}
	var long, many, workloads strings.Builder
	for i := range 50_000 {
		fmt.Fprintf(&long, "f%d: 1 | ", i)
		many.WriteString(heading(fmt.Sprintf("f%d: 1 | ", i)))
		workloads.WriteString(heading(fmt.Sprintf("app: w%d | ", i)))
	}
	columns := map[string]string{}
	for i := range 3 {
		head, row := "concurrency,rps", "1,1"
		for k := range 200 {
			head, row = head+fmt.Sprintf(",c%d_%d", i, k), row+","
		}
		columns[fmt.Sprintf("a_b_cpus_%d.csv", i)] = head + "\n" + row + "\n"
	}
	for _, test := range []struct {
		name  string
		files map[string]string
		says  string
	}{
		{"a heading of many parts", map[string]string{"a": heading(long.String()[:1000])}, "parts, at most 32 are a heading"},
		{"many headings", map[string]string{"a": many.String()}, "conditions, at most"},
		{"many names", map[string]string{"a": many.String()[:300_000]}, "name more than 256 factors, a, f0, f1 and so on"},
		{"many workloads", map[string]string{"a": workloads.String()}, "name 50000 workloads"},
		{"many columns", columns, "more than 256 other columns"},
	} {
		if _, err := read(t, abSweep, Input{Files: mapFS(test.files)}); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: error %.300v, want %q", test.name, err, test.says)
		}
	}
}

// Reading ends with its context.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, f := range Formats() {
		if _, err := f.Read(ctx, example(t, f.Name)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want that it is cancelled", f.Name, err)
		}
	}
}

// A monitor is beside the file of another kind that is called most like it.
func TestBeside(t *testing.T) {
	s := &sweep{}
	for _, path := range []string{"d/ab1_marks", "d/ab2_marks", "d/b_marks", "e/x"} {
		s.files = append(s.files, &file{path: path, kind: kindTimestamps})
	}
	s.sort()
	for path, want := range map[string]string{
		"d/ab2_load": "d/ab2_marks", "d/ab_load": "d/ab1_marks", "d/a": "d/ab1_marks", "d/z": "d/ab1_marks", "d/b": "d/b_marks", "e/y": "e/x", "f/ab1": "",
	} {
		got := s.beside(&file{path: path}, kindTimestamps)
		if got == nil && want != "" || got != nil && got.path != want {
			t.Errorf("%s is beside %+v, want %q", path, got, want)
		}
	}
}
