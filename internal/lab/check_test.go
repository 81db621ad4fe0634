package lab

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-notebooks/assay/internal/hosts"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// TestCheckWorkloadInC pins a workload in C, whose compiler is installed by
// that, and builds it again from the archive.
func TestCheckWorkloadInC(t *testing.T) {
	w := initWorkspace(t)
	if _, err := hosts.Zig(t.Context(), w.Config.Cache); err != nil {
		tooltest.Missing(t, "zig", err)
	}
	dir := filepath.Join(t.TempDir(), "three")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"workload.yaml": "name: three\nlanguage: c\nreactor: true\nexpect: {stdout: \"3\\n\"}\n",
		"three.c":       "#include \"bench.h\"\n\nuint32_t work(void) { return 3; }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	wl, err := w.Pin(t.Context(), dir, PinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(wl.Variants) != 3 || wl.Source["toolchain_digest"] == "" {
		t.Errorf("pinned %+v", wl)
	}
	checked := 0
	err = w.CheckWorkloads(t.Context(), nil, func(c WorkloadCheck) error {
		checked++
		if c.Rebuilt != wl.Manifest || c.Pinned != wl.Manifest {
			t.Errorf("check %+v, want %v", c, wl.Manifest)
		}
		return nil
	})
	if err != nil || checked != 1 {
		t.Errorf("%d checked, error %v", checked, err)
	}
}
