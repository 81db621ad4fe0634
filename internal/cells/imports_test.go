package cells_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	theirs = "runtime,ms,warm\nwasmtime,3.5,false\nwasmtime,4,false\nv8,20,false\nv8,900,true\n"
	means  = "trace: cold\ncolumns:\n  runtime: {role: system}\n  ms: {kind: float, unit: ms, role: sample, meaning: start-up}\n  warm: {kind: bool, role: warmup}\n"
)

// TestImports runs a program that draws somebody's files beside a run: with
// the files, without them, and with others of that name.
func TestImports(t *testing.T) {
	bin := assayProgram(t)
	program := filepath.Join(t.TempDir(), "program")
	build(t, program, "./testdata/imports")
	dir := t.TempDir()
	do := func(status int, argv ...string) (stdout, stderr string) {
		t.Helper()
		got, stdout, stderr := runIn(t, dir, bin, argv...)
		if got != status {
			t.Fatalf("%q: exit status %d, want %d\n%s%s", argv, got, status, stdout, stderr)
		}
		return stdout, stderr
	}
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("theirs.csv", theirs)
	write("theirs.yaml", means)
	wasm, err := filepath.Abs("../../runners/runtimes/contract/guests/hello.wasm")
	if err != nil {
		t.Fatal(err)
	}
	do(0, bin, "init")
	do(0, bin, "pin", wasm)

	first, _ := do(0, program)
	if !strings.HasPrefix(first, "theirs table 4\nrows: 3\nfigure: sha256:") {
		t.Fatalf("stdout %q: want 4 rows, of which 3 are not of warm-up, and a figure", first)
	}
	if again, _ := do(0, program); again != first {
		t.Errorf("again: stdout %q, want %q", again, first)
	}
	for _, c := range []struct{ what, want string }{
		{"other", `main.go:31: assay: import theirs: the name is taken by other facts \(machine=c220g5 there, `},
		{"unknown", `main.go:25: assay: import nosuch: there is no /.*/nothere, and the archive has no import of that name: get the files, or pull the import`},
		{"column", `main.go:27: assay: import theirs: trace cold: trace has no column "nosuch"; it has runtime, ms, warm, machine, source, line`},
		{"trace", `main.go:29: assay: import theirs has no trace "nosuch": it has theirs/cold`},
	} {
		_, stderr := do(1, program, c.what)
		if lines := strings.Count(strings.TrimSpace(stderr), "\n"); !regexp.MustCompile(c.want).MatchString(stderr) || lines > 0 {
			t.Errorf("%s: stderr %q, want one line that matches %s", c.what, stderr, c.want)
		}
	}

	// Without the files it is the archived import, if it is what is asked for.
	if err := os.Remove(filepath.Join(dir, "theirs.csv")); err != nil {
		t.Fatal(err)
	}
	if again, _ := do(0, program); again != first {
		t.Errorf("without the files: stdout %q, want %q", again, first)
	}
	if _, stderr := do(1, program, "other"); !strings.Contains(stderr, "and the archived import is of the format table and the facts") {
		t.Errorf("without the files, other facts: stderr %q", stderr)
	}
	figures, _ := do(0, bin, "figures")
	if !strings.Contains(figures, "theirs/cold, 2") {
		t.Errorf("figures: %q, want what both is drawn from", figures)
	}
	graph, _ := do(0, bin, "graph", "both")
	if !strings.Contains(graph, "from import theirs") || !strings.Contains(graph, "from run ") {
		t.Errorf("graph: %q, want the import and the run", graph)
	}
	if replay, _ := do(0, bin, "replay", "both"); !strings.Contains(replay, "both svg: identical") {
		t.Errorf("replay: %q", replay)
	}
	out, _ := do(0, bin, "store", "check")
	if !strings.Contains(out, " 0 problems") {
		t.Errorf("check: %q", out)
	}

	// Other files of that name make the figure stale, and replay it all the same.
	write("theirs.csv", theirs+"wamr,1,false\n")
	do(0, bin, "import", "table", "theirs.csv", "--mapping", "theirs.yaml", "--set", "machine=c220g5", "--name", "theirs", "--replace")
	if replay, _ := do(0, bin, "replay", "both"); !strings.Contains(replay, "both svg: identical") {
		t.Errorf("replay after the import was replaced: %q", replay)
	}
	if changed, _ := do(0, program); changed == first || !strings.HasPrefix(changed, "theirs table 5\nrows: 4\n") {
		t.Errorf("with other files: stdout %q, want another figure, of 4 rows", changed)
	}
}
