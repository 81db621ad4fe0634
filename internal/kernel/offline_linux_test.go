package kernel_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// TestOffline runs the program alone, away from any checkout and in a network
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
	o := options()
	p := start(t, dir, func(cmd *exec.Cmd) {
		cmd.Path, cmd.Args = "/usr/bin/env", []string{"env", "unshare", "--net", bin, "kernel", "--headless", cmd.Args[2]}
		cmd.Env = append(cmd.Env, "ASSAY_CACHE="+o.Cache, "GOFLAGS=-no-such-flag", "GOWORK=/nowhere", "GOOS=plan9", "CGO_ENABLED=1")
	})
	const cell = `import (
	assay "github.com/assay-notebooks/assay/kernelext"
	"github.com/assay-notebooks/assay/kernelext/figure"
)

func F(f *figure.Figure, t figure.Table) error { return nil }

%%
for _, r := range assay.Runtimes() {
	fmt.Println("runtime", r.Name)
}
`
	got, reply := p.execute(cell)
	if reply.Status != "ok" || !strings.Contains(got, "runtime wazero/interpreter") {
		t.Errorf("%+v, output %q; want the runtimes", reply, got)
	}
}
