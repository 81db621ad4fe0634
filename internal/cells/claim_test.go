package cells_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestClaims judges claims from a program, by checks in place and by those of
// claims.yaml, with the real assay and a run of its own.
func TestClaims(t *testing.T) {
	bin, program := assayProgram(t), filepath.Join(t.TempDir(), "claims")
	build(t, program, "./testdata/claims")
	hello, err := filepath.Abs("../../runners/runtimes/contract/guests/hello.wasm")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	do := func(argv ...string) (status int, stdout, stderr string) {
		t.Helper()
		return runIn(t, dir, bin, argv...)
	}
	for _, argv := range [][]string{{bin, "init"}, {bin, "pin", hello}} {
		if status, _, stderr := do(argv...); status != 0 {
			t.Fatalf("%q: %s", argv, stderr)
		}
	}

	// A claim that fails, and one that cannot be told, end nothing.
	status, stdout, stderr := do(program)
	want := "quick true 6 s\nfails\nother: unsupported: hello on native has no ok samples: 6 unsupported: hello was not built natively for "
	if status != 0 || !strings.HasPrefix(stdout, want) {
		t.Errorf("in place: status %d, stdout %q, stderr %q; want %q", status, stdout, stderr, want)
	}

	for arg, want := range map[string]string{
		"no number": "assay: claim odd: check: value NaN: want a number that is not negative; tolerance +Inf: want a share of the value, such as 0.05\n",
		"":          "assay: a claim needs an id: that of a claim in ",
	} {
		if status, stdout, stderr := do(program, arg); status != 1 || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("claim %q: status %d, stdout %q, stderr %q; want 1 and %q", arg, status, stdout, stderr, want)
		}
	}

	for _, c := range []struct {
		file           string
		status         int
		stdout, stderr string
	}{
		{"claims: [{id: said, quote: it is quick}]\nchecks: {said: {metric: wall_ns, of: {runtime: wazero/interpreter}, comparator: '<=', value: 60, unit: s}}",
			0, "said: holds: median wall_ns of hello on wazero/interpreter (6 ok invocations): all of the interval [", ""},
		{"claims: [{id: said}]", 1, "", "claim said has no check: write one below checks in "},
		{"claims: [{id: said}]\nchecks: {said: {metric: wall_ns, comparator: '<=', value: 60, unit: parsec}}", 1, "", `check of said: unit "parsec": want one of`},
	} {
		if err := os.WriteFile(filepath.Join(dir, "claims.yaml"), []byte(c.file), 0o666); err != nil {
			t.Fatal(err)
		}
		status, stdout, stderr := do(program, "said")
		if status != c.status || !strings.HasPrefix(stdout, c.stdout) || (stdout == "") != (c.stdout == "") || !strings.Contains(stderr, c.stderr) {
			t.Errorf("%s:\nstatus %d, stdout %q, stderr %q; want %d, %q, %q", c.file, status, stdout, stderr, c.status, c.stdout, c.stderr)
		}
	}
}
