package cells_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// TestProgram runs a plain Go program over kernelext in a workspace, with the
// real assay as its child, and then asks the same question from a file: both
// have one run and one figure.
func TestProgram(t *testing.T) {
	bin := assayProgram(t)
	program := filepath.Join(t.TempDir(), "program")
	build(t, program, "./testdata/program")
	dir := t.TempDir()
	do := func(status int, argv ...string) (stdout, stderr string) {
		t.Helper()
		got, stdout, stderr := runIn(t, dir, bin, argv...)
		if got != status {
			t.Fatalf("%q: exit status %d, want %d\n%s%s", argv, got, status, stdout, stderr)
		}
		return stdout, stderr
	}
	abs := func(path string) string {
		t.Helper()
		p, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}

	if _, stderr := do(1, program); !strings.Contains(stderr, `is not in a workspace: run "assay init"`) {
		t.Errorf("outside of a workspace: stderr %q, want the remedy", stderr)
	}
	do(0, bin, "init")
	do(0, bin, "pin", abs("../../runners/runtimes/contract/guests/hello.wasm"))

	stdout, stderr := do(0, program)
	if !strings.Contains(stdout, "wazero/interpreter  6 ") || !strings.Contains(stdout, "rows: 6\n") {
		t.Errorf("stdout %q, want a summary of 6 samples and rows: 6", stdout)
	}
	if !strings.Contains(stderr, "6 of 6") {
		t.Errorf("stderr %q, want progress to the end", stderr)
	}
	figure := regexp.MustCompile(`figure: (sha256:[0-9a-f]{64})`).FindStringSubmatch(stdout)
	if figure == nil {
		t.Fatalf("stdout %q, want a figure's digest", stdout)
	}

	// Again: from the archive, the same bytes.
	again, stderr := do(0, program)
	if again != stdout || strings.Contains(stderr, "of 6") {
		t.Errorf("again: stdout %q, stderr %q; want %q and no progress", again, stderr, stdout)
	}

	// The same question from a file.
	spec := "name: program\nworkloads: [hello]\nruntimes: [wazero/interpreter]\nprotocol: {cold: {invocations: 6}}\n" +
		"figures: [{name: file, func: Times, source: " + abs("testdata/program") + ", columns: [runtime, outcome, detail, wall_ns], formats: [svg]}]\n"
	if err := os.WriteFile(filepath.Join(dir, "program.yaml"), []byte(spec), 0o666); err != nil {
		t.Fatal(err)
	}
	fromFile, _ := do(0, bin, "run", "program.yaml")
	if !strings.Contains(fromFile, "from the archive") || !strings.Contains(fromFile, figure[1]) {
		t.Errorf("assay run: %q, want the archived run and figure %s", fromFile, figure[1])
	}

	for _, c := range []struct{ wrong, want string }{
		{"runtime", `main.go:20: assay: experiment program: no runtime "wasmtyme": there are`},
		{"literal", `main.go:25: assay: draw: /.*/program/main.go:25: main.main.func1 is a function literal or a method: a figure is a named top-level function`},
		{"method", `main.go:28: assay: draw: /.*/program/main.go:83: main.picture.draw is a function literal or a method`},
		{"samples", `main.go:31: assay: draw: Times has no samples to draw: give it some, as in Draw\(Times, assay.Run\("NAME"\).Samples\("COLUMN", ...\)\)`},
		{"width", `main.go:34: assay: \+Inf cannot be sent, and nothing was asked: give a number`},
		{"name", `main.go:37: assay: figure ../x: name "../x": want at most 100 letters, digits, spaces`},
		{"format", `main.go:40: assay: figure times: format "gif": want svg`},
		{"panic", `main.go:43: assay: figure panics: /.*/program/main.go:71: the figure function panicked: runtime error: index out of range \[6\] with length 0, in Panics\n$`},
		{"deadlock", `main.go:46: assay: figure waits: /.*/program/main.go:77: fatal error: all goroutines are asleep - deadlock, in Waits\n$`},
		{"run", `main.go:49: assay: no run is named: name an experiment, or a run by its ID; "assay runs" lists them`},
		{"pin", `main.go:52: assay: pin /.*/nothere: no such file or folder: give a folder with workload.yaml, a .wasm file`},
		{"column", `main.go:57: assay: figure times: .*wall_ms.*wall_ns`},
	} {
		_, stderr := do(1, program, c.wrong)
		if lines := strings.Count(strings.TrimSpace(stderr), "\n"); !regexp.MustCompile(c.want).MatchString(stderr) || lines > 0 {
			t.Errorf("%s: stderr %q, want one line that matches %s", c.wrong, stderr, c.want)
		}
	}
}

// TestMain removes what assayProgram has built.
func TestMain(m *testing.M) {
	status := m.Run()
	if bin, err := assayBuilt(); err == nil {
		os.RemoveAll(filepath.Dir(bin))
	}
	os.Exit(status)
}

// assayBuilt builds assay, once for all tests.
var assayBuilt = sync.OnceValues(func() (bin string, err error) {
	dir, err := os.MkdirTemp("", "assay-cells-test-")
	if err != nil {
		return "", err
	}
	bin = filepath.Join(dir, "assay")
	if b, err := exec.Command("go", "build", "-o", bin, "../../cmd/assay").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build assay: %w\n%s", err, b)
	}
	return bin, nil
})

func assayProgram(t *testing.T) string {
	t.Helper()
	bin, err := assayBuilt()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

func build(t *testing.T, out, pkg string) {
	t.Helper()
	if b, err := exec.Command("go", "build", "-o", out, pkg).CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, b)
	}
}

// runIn runs a program in dir, with the assay at bin as its child.
func runIn(t *testing.T, dir, bin string, argv ...string) (status int, stdout, stderr string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "ASSAY_BIN="+bin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}
