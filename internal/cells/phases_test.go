package cells_test

import (
	"slices"
	"strings"
	"testing"
)

// Cells ask what a start is made of, and draw one phase of it.
func TestPhases(t *testing.T) {
	n := newWorkspace(t).open()
	asked := `assay.Experiment("parts", assay.Phases{Invocations: 6}).Workloads(hello).Runtimes("wazero/interpreter", "native").
		CPUs("0").Padding(512).Control()`
	got := n.run("%%\n" + asked + ".Run()\n")
	if got.status != "ok" || !slices.Equal(got.kinds(), []string{"progress", "run"}) {
		t.Fatalf("%s, displays %v\n%s", got.status, got.kinds(), got.stderr)
	}
	table := got.displays[1].states[0]
	var phases []string
	for line := range strings.Lines(table) {
		if f := strings.Fields(line); len(f) > 3 && f[0] == "hello" && f[1] == "wazero/interpreter" && f[2] != "(A/A)" {
			phases = append(phases, f[2])
		}
	}
	if want := []string{"engine-init", "compile", "link", "instantiate", "first-call", "second-instantiate", "teardown"}; !slices.Equal(phases, want) {
		t.Errorf("phases %q, want %q in\n%s", phases, want, table)
	}
	for _, want := range []string{"12 of 18 invocations ok, 6 unsupported", "wazero/interpreter (A/A)", "native has no shim", "compile: module bytes to", "beware: "} {
		if !strings.Contains(table, want) {
			t.Errorf("%q is not in\n%s", want, table)
		}
	}

	got = n.run(`func Compiled(f *figure.Figure, t figure.Table) error {
	t = t.Where("phase", "compile")
	return f.ECDF(t.Group("runtime"), t.Float("wall_ns").In("ms"))
}

%%
assay.Draw(Compiled, assay.Run("parts").Samples("runtime", "phase", "mode", "cpu_ns", "pss_bytes", "wall_ns"))
`)
	if got.status != "ok" || !slices.Contains(got.kinds(), "figure") {
		t.Errorf("a figure of a phase: %s, displays %v\n%s", got.status, got.kinds(), got.stderr)
	}
	got = n.run("%%\nassay.Run(\"parts\").Samples(\"runtime\", \"wall_ns\").Table()\n")
	if got.status == "ok" || !strings.Contains(got.stderr, "whose times span different things: name the column phase too") {
		t.Errorf("rows of several phases in one table: %s\n%s", got.status, got.stderr)
	}
	got = n.run("%%\n" + `assay.Experiment("held", assay.Memory{Invocations: 6}).Workloads(hello).Runtimes("wazero/interpreter").Run()` + "\n")
	if got.status != "ok" || !strings.Contains(got.displays[1].states[0], "proportional memory at exit, MiB") {
		t.Errorf("memory: %s, %v\n%s", got.status, got.displays, got.stderr)
	}
	got = n.run("%%\n" + `assay.Experiment("counted", assay.Count{Invocations: 1}).Workloads(hello).Runtimes("wazero/interpreter").Run()` + "\n")
	if got.status != "ok" || !strings.Contains(got.displays[1].states[0], "the shim counts nothing") {
		t.Errorf("counts: %s, %v\n%s", got.status, got.displays, got.stderr)
	}
}
