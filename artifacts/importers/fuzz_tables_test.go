package importers

import (
	"io"
	"io/fs"
	"testing"

	"github.com/assay-notebooks/assay/artifacts/trace"
)

// holds reads files with a format, and makes sure that what it gives can be
// archived, and that with Lenient no row is an error.
func holds(t *testing.T, format Format, files map[string]string, mapping []byte) {
	t.Helper()
	strict, err := read(t, format, Input{Files: mapFS(files), Mapping: mapping})
	out, lenientErr := read(t, format, Input{Files: mapFS(files), Mapping: mapping, Lenient: true})
	if err == nil && lenientErr != nil {
		t.Fatalf("strict imports it, lenient gives error %v", lenientErr)
	}
	if lenientErr != nil {
		return
	}
	if err == nil && len(strict.Traces) != len(out.Traces) {
		t.Errorf("strict gives %d traces, lenient %d", len(strict.Traces), len(out.Traces))
	}
	for _, tr := range out.Traces {
		if err := trace.WriteColumns(io.Discard, trace.Meta{Import: "fuzzed"}, tr.Columns); err != nil {
			t.Errorf("trace %s: %v", tr.Name, err)
		}
	}
}

func FuzzABSweep(f *testing.F) {
	files := tiny(f)
	const dir = "october run/quark rt/"
	f.Add(files[dir+"csv/quark_echo_threads_1_pinned_true_ab_data.csv"], files[dir+"quark_echo/threads_1-pinned_true/quark_echo_notes.txt"],
		files[dir+"quark_echo/threads_1-pinned_true/quark_echo_marks"], files[dir+"quark_echo/threads_1-pinned_true/quark_echo_load"], "s_f/threads_1-x_true")
	f.Fuzz(func(t *testing.T, results, summary, marks, load, dir string) {
		if dir = "a/" + dir; !fs.ValidPath(dir) {
			return
		}
		holds(t, abSweep, map[string]string{"a/s_f_threads_1.csv": results, dir + "/notes": summary, dir + "/load_marks": marks, dir + "/load": load}, nil)
	})
}

func FuzzWasmbounds(f *testing.F) {
	f.Add(wide)
	f.Fuzz(func(t *testing.T, text string) { holds(t, wasmbounds, map[string]string{"a.csv": text}, nil) })
}

func FuzzTable(f *testing.F) {
	f.Add([]byte(fruitMapping), "kind,took,runs,cold\napple,1.5,3,true\npear,failed,2,false\n")
	f.Add(tidyMapping, tidy)
	f.Add(tidyMapping, "load\trps\n1\t2\n")
	f.Fuzz(func(t *testing.T, mapping []byte, text string) {
		holds(t, table, map[string]string{"a.csv": text}, mapping)
	})
}
