package importers

import (
	"bytes"
	"io/fs"
	"math"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzAB(f *testing.F)         { fuzz(f, ab) }
func FuzzFaasm(f *testing.F)      { fuzz(f, faasm) }
func FuzzGobench(f *testing.F)    { fuzz(f, gobench) }
func FuzzHyperfine(f *testing.F)  { fuzz(f, hyperfine) }
func FuzzK6(f *testing.F)         { fuzz(f, k6) }
func FuzzLocust(f *testing.F)     { fuzz(f, locust) }
func FuzzPidstat(f *testing.F)    { fuzz(f, pidstat) }
func FuzzSightglass(f *testing.F) { fuzz(f, sightglass) }
func FuzzSledge(f *testing.F)     { fuzz(f, sledge) }
func FuzzVegeta(f *testing.F)     { fuzz(f, vegeta) }
func FuzzWrk(f *testing.F)        { fuzz(f, wrk) }

// fuzz reads files that are like a format's examples. Whatever stands in them,
// what is read can be written as traces, and is the same leniently as
// strictly if there is nothing to reject.
func fuzz(f *testing.F, format Format) {
	paths, err := fs.Glob(examples(format.Name), "*")
	if err != nil || len(paths) == 0 {
		f.Fatalf("examples of %s: %v, %v", format.Name, paths, err)
	}
	for _, path := range paths {
		b, err := fs.ReadFile(examples(format.Name), path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b))
	}
	f.Fuzz(func(t *testing.T, text string) {
		in := input(one("f", text))
		strict, strictErr := format.Read(t.Context(), in)
		in.Lenient = true
		out, err := format.Read(t.Context(), in)
		if err != nil {
			if strictErr == nil {
				t.Fatalf("leniently: %v, strictly no error", err)
			}
			return
		}
		last := out.Traces[len(out.Traces)-1]
		if (strictErr == nil) != (last.Name != "rejected") {
			t.Fatalf("strictly: %v; leniently the last trace is %s", strictErr, last.Name)
		}
		if got, want := spell(out), strict; want != nil && !bytes.Equal(got, spell(want)) {
			t.Fatalf("leniently:\n%s\nstrictly:\n%s", got, spell(want))
		}
		if strictErr != nil && !strings.Contains(strictErr.Error(), "f:") {
			t.Fatalf("an error without file and line: %v", strictErr)
		}
		for _, tr := range out.Traces {
			check(t, tr)
		}
	})
}

// check makes sure that a trace can be written. To write it would take a
// thousand times as long.
func check(t *testing.T, tr *Trace) {
	t.Helper()
	names := make(map[string]bool)
	for _, v := range tr.Columns {
		if v.Len() != tr.rows || v.Null != nil && len(v.Null) != tr.rows {
			t.Fatalf("trace %s, column %q: %d values, %d that may be null, in %d rows", tr.Name, v.Name, v.Len(), len(v.Null), tr.rows)
		}
		if names[v.Name] || v.Name == "" || strings.Contains(v.Name, "\x00") || !utf8.ValidString(v.Name) {
			t.Fatalf("trace %s: a column %q, which is empty, no text, or there twice", tr.Name, v.Name)
		}
		names[v.Name] = true
		for _, x := range v.Floats {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				t.Fatalf("trace %s, column %s: %v", tr.Name, v.Name, x)
			}
		}
		for _, s := range v.Strings {
			if len(s) > maxLine || !utf8.ValidString(s) {
				t.Fatalf("trace %s, column %s: %q is too long or not UTF-8", tr.Name, v.Name, s)
			}
		}
	}
}
