package kernel_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners/runtimes"
	"github.com/assay-notebooks/assay/runners/toolbox"
)

// TestOffline builds, measures, draws and replays with the program alone, away from any checkout and in a network
// of its own that has nothing, with settings of go that would break each cell
// if they were not ours to set.
func TestOffline(t *testing.T) {
	if err := exec.Command("unshare", "--net", "true").Run(); err != nil {
		tooltest.Missing(t, "unshare", err)
	}
	bin := filepath.Join(t.TempDir(), "assay")
	build := exec.Command("go", "build", "-trimpath", "-o", bin, "../../cmd/assay")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build assay: %v\n%s", err, out)
	}
	dir := t.TempDir()
	if _, err := lab.Init(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "noop"), os.DirFS("../../images/workloads/noop")); err != nil {
		t.Fatal(err)
	}
	o := options()
	if _, err := toolbox.Build(t.Context(), runtimes.Wazero.Tool(), o.Cache); err != nil {
		tooltest.Missing(t, "wazero", err)
	}
	p := start(t, dir, func(cmd *exec.Cmd) {
		cmd.Path, cmd.Args = "/usr/bin/env", []string{"env", "unshare", "--net", bin, "kernel", "--headless", cmd.Args[2]}
		cmd.Env = append(cmd.Env, "ASSAY_CACHE="+o.Cache, "GOFLAGS=-no-such-flag", "GOWORK=/nowhere", "GOOS=plan9", "CGO_ENABLED=1")
	})
	const cell = `import (
	assay "github.com/assay-notebooks/assay/kernelext"
	"github.com/assay-notebooks/assay/kernelext/figure"
)

func Cold(f *figure.Figure, s figure.Table) error {
	f.Title("Cold start")
	return f.ECDF(s.Group("runtime"), s.Float("wall_ns").In("ms"))
}

%%
if conn, err := net.Dial("tcp", "127.0.0.1:1"); conn != nil || !strings.Contains(err.Error(), "unreachable") {
	panic(fmt.Sprint("there is a network: ", err))
}
r := assay.Experiment("cold", assay.Cold{Invocations: 5}).Workloads(assay.Workload("noop")).Runtimes("wazero", "native").Run()
fmt.Println("measured", r.Record().Outcomes["ok"], "ok")
assay.Draw(Cold, r.Samples("runtime", "outcome", "wall_ns"))
`
	got, reply := p.execute(cell)
	if reply.Status != "ok" || !strings.Contains(got, "measured 10 ok") {
		t.Fatalf("%+v, output %q; want 10 invocations measured", reply, got)
	}
	svg, err := os.ReadFile(filepath.Join(dir, "figures", "cold.svg"))
	if err != nil || !bytes.Contains(svg, []byte("Cold start")) {
		t.Errorf("figures/cold.svg: %v, %q; want the figure", err, svg)
	}
	replay := exec.Command("unshare", "--net", bin, "-C", dir, "replay", "--all")
	replay.Env = append(os.Environ(), "ASSAY_CACHE="+o.Cache)
	if out, err := replay.CombinedOutput(); err != nil {
		t.Errorf("assay replay --all: %v\n%s", err, out)
	}
}
