package importers

import (
	"strings"
	"testing"
)

const wide = "benchid,runid,benchname,runner,nthreads,bounds,mus_0,mus_1,mus_2\n" +
	"0,0,sort,native.gcc,1,none,,150,151.5\n0,1,sort,wasm3.wasm,4,trap,,900\n1,2,hash,quark.wasm,1,clamp,7,,\n"

func TestWasmbounds(t *testing.T) {
	for name, text := range map[string]string{"a.csv": wide, "a.csv.gz": packed(t, wide), "crlf.csv": strings.ReplaceAll(wide, "\n", "\r\n")} {
		out, err := read(t, wasmbounds, Input{Files: mapFS(map[string]string{name: text, "README": "\"what\n"})})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := cells(t, named(t, out, "samples"), "benchmark", "runner", "mode", "threads", "bounds", "iteration", "time", "line")
		const want = "sort native.gcc aot 1 none 0 - 2\nsort native.gcc aot 1 none 1 150 2\nsort native.gcc aot 1 none 2 151.5 2\n" +
			"sort wasm3.wasm interpreter 4 trap 0 - 3\nsort wasm3.wasm interpreter 4 trap 1 900 3\nhash quark.wasm - 1 clamp 0 7 4\n"
		if got != want {
			t.Errorf("%s is\n%swant\n%s", name, got, want)
		}
		if notes := strings.Join(out.Notes, "\n"); notes != "samples: iteration 0 is empty in 2 of 3 rows of the CSV, and null here" {
			t.Errorf("%s: the notes are %q", name, notes)
		}
	}
}

func TestBadWasmbounds(t *testing.T) {
	for _, test := range []struct {
		name, text, says string
		lenient          bool
	}{
		{"too few", wide + "1,2,hash\n", "a.csv:5: 3 columns, want 6 to 9", true},
		{"too many", wide + "1,2,hash,a.b,1,none,1,2,3,4\n", "a.csv:5: 10 columns, want 6 to 9", true},
		{"no number", wide + "1,2,hash,a.b,1,none,1,2ms\n", `a.csv:5: column mus_1: "2ms" is not a number`, true},
		{"no count", wide + "1,2,hash,a.b,one,none,1\n", `a.csv:5: column nthreads: "one" is not a whole number`, true},
		{"no runner", strings.Replace(wide, "runner", "who", 1), "a.csv:1: no columns benchname and runner before mus_N", false},
		{"another column among samples", strings.Replace(wide, "mus_1", "ms_1", 1), `a.csv:1: "ms_1" stands among`, false},
		{"another format", tidy, "none of the 1 files is a CSV with columns named benchname", false},
	} {
		files := mapFS(map[string]string{"a.csv": test.text})
		if _, err := read(t, wasmbounds, Input{Files: files}); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: error %v, want one with %q", test.name, err, test.says)
		}
		out, err := read(t, wasmbounds, Input{Files: files, Lenient: true})
		if test.lenient && (err != nil || named(t, out, "samples").rows != 6 || named(t, out, "rejected").rows != 1) {
			t.Errorf("%s: --lenient gives %v, want the six samples and one rejected row", test.name, err)
		}
	}
}
