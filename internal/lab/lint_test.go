package lab

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/lint"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// What is wrong with a published comparison is found in it, unprompted: each
// rule, where and with which number, and no other error.
func TestLintPublishedSweep(t *testing.T) {
	t.Parallel()
	path := tooltest.Shared(t, "data/faasm-sledge-2023")
	w := newLab(t, 0)
	if _, err := w.Import(t.Context(), ImportOptions{Name: "sweep", Format: "ab-sweep", Path: path}); err != nil {
		t.Fatal(err)
	}
	found, err := w.Lint(t.Context(), []string{"sweep"}, LintOptions{})
	if err != nil {
		t.Fatal(err)
	}
	const faasm, sledge, first, slides = "faasm", "sledgert", "20230309 benchmark", "faasm benchmark_output"
	want := []struct {
		rule     string
		severity assay.Severity
		of       []string // values of Where
		number   float64
		within   float64
		rows     int // at least
	}{
		{"little", assay.SeverityError, []string{faasm, first}, 2, 0.005, 720},
		{"little", assay.SeverityError, []string{sledge, first, "false"}, 2, 0.005, 700},
		{"little", assay.SeverityError, []string{sledge, first, "true"}, 2, 0.005, 700},
		{"little", assay.SeverityError, []string{faasm, slides}, 2, 0.005, 94},
		{"little", assay.SeverityError, []string{faasm, first}, 4, 0.005, 700}, // the time between answers
		{"little", assay.SeverityError, []string{sledge, first, "false"}, 4, 0.005, 700},
		{"little", assay.SeverityError, []string{sledge, first, "true"}, 4, 0.005, 700},
		{"little", assay.SeverityError, []string{faasm, slides}, 4, 0.005, 94},
		{"overrate", assay.SeverityError, []string{faasm, first}, 1.373, 0.001, 200},
		{"overrate", assay.SeverityError, []string{sledge, first, "false"}, 1.410, 0.001, 300},
		{"overrate", assay.SeverityError, []string{sledge, first, "true"}, 1.242, 0.001, 200},
		{"overrate", assay.SeverityWarning, []string{faasm, slides}, 1.017, 0.001, 20},
		{"responses", assay.SeverityError, []string{faasm, first}, 301, 1, 720},
		{"quantum", assay.SeverityError, []string{sledge, first, "true"}, 5, 0.05, 50},
		{"failures", assay.SeverityWarning, []string{faasm, slides}, 7, 0, 7},
		{"replicates", assay.SeverityWarning, []string{faasm, first}, 4, 0, 720},
		{"replicates", assay.SeverityWarning, []string{sledge, first, "false"}, 4, 0, 720},
		{"replicates", assay.SeverityWarning, []string{sledge, first, "true"}, 4, 0, 720},
		{"replicates", assay.SeverityWarning, []string{faasm, slides}, 1, 0, 94},
		{"grids", assay.SeverityWarning, nil, 0, 2, 2000},
		{"metric", assay.SeverityWarning, nil, 1.688, 0.001, 100_000},
		{"saturation", assay.SeverityWarning, []string{faasm, first}, 32, 0, 300},
		{"saturation", assay.SeverityWarning, []string{sledge, first, "false"}, 512, 0, 300},
		{"saturation", assay.SeverityWarning, []string{sledge, first, "true"}, 256, 0, 300},
	}
	for _, x := range want {
		i := slices.IndexFunc(found, func(f assay.Finding) bool {
			var of []string
			for _, w := range f.Where {
				of = append(of, w.Value)
			}
			return f.Rule == x.rule && f.Severity == x.severity && slices.Equal(of, x.of) && math.Abs(f.Number.Value-x.number) <= x.within && f.Rows >= x.rows
		})
		if i < 0 {
			t.Errorf("no %s of %s in %v with %v in %d rows", x.severity, x.rule, x.of, x.number, x.rows)
			continue
		}
		found = slices.Delete(found, i, i+1)
	}
	for _, f := range found {
		t.Errorf("not expected: %s %s in %v: %s", f.Severity, f.Rule, f.Where, f.Says)
	}
}

// How a runtime executes code is what its adapter says.
func TestModeOf(t *testing.T) {
	for name, want := range map[string]string{
		"native": "aot", "v8": "jit", "wazero": "aot", "wazero/interpreter": "interpreter", "nothing": "", "": "",
	} {
		if got := modeOf(name); got != want {
			t.Errorf("modeOf(%q) = %q, want %q", name, got, want)
		}
	}
}

// Of another one it has nothing to say but what is so: nothing tells its samples
// from those of one process, and an interpreter is beside compilers.
func TestLintPublishedSamples(t *testing.T) {
	t.Parallel()
	path := tooltest.Shared(t, "data/wasmbounds-2022/riscv.csv.gz")
	w := newLab(t, 0)
	if _, err := w.Import(t.Context(), ImportOptions{Name: "bounds", Format: "wasmbounds", Path: path}); err != nil {
		t.Fatal(err)
	}
	found, err := w.Lint(t.Context(), []string{"bounds"}, LintOptions{Ignore: []string{"mode"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 || found[0].Rule != "replicates" || found[0].Number.Value != 1 {
		t.Errorf("found %+v, want samples of one process", found)
	}
}

// The noise of processes says nothing of calls.
func TestNoiseOfOnePhase(t *testing.T) {
	traces := []lint.Trace{{Name: "process"}, {Name: "call"}}
	addNoise(traces, assay.Noise{Phase: assay.Process, Floors: []assay.NoiseFloor{{Metric: "user_ns", Floor: 0.9}, {Metric: "wall_ns", Floor: 0.5}}})
	if traces[0].Noise != 0.5 || traces[1].Noise != 0 {
		t.Errorf("noise of processes %v, of calls %v; want 0.5, 0", traces[0].Noise, traces[1].Noise)
	}
}

// TestFindingsStayOnTheirLines prints what a stranger called things: it begins
// no line of its own, and turns no text around.
func TestFindingsStayOnTheirLines(t *testing.T) {
	evil := "a\n\nERROR little\n  forged\x1b[2Jv8\u202egpj"
	found := []assay.Finding{{
		Rule: "failures", Severity: assay.SeverityWarning, Subject: "s", Trace: "t", Says: "of " + evil,
		Where: []assay.Fact{{Name: "system", Value: evil}}, Rows: 1, Of: 2,
	}}
	var b strings.Builder
	if err := WriteFindings(&b, found); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "ERROR") || strings.HasPrefix(line, "  forged") {
			t.Errorf("a forged line %q", line)
		}
	}
	if strings.ContainsAny(b.String(), "\x1b\u202e") {
		t.Errorf("what a terminal obeys, in %q", b.String())
	}
}
