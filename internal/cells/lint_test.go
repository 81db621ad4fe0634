package cells_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestLint asks from a program what is wrong with two imports, and with both
// together, of the real assay.
func TestLint(t *testing.T) {
	bin, program, dir := assayProgram(t), filepath.Join(t.TempDir(), "lint"), t.TempDir()
	build(t, program, "./testdata/lint")
	// Twelve tests at loads of 1 and 2, or of 4; the latencies are twice what they can be, or right.
	rows := func(factor float64, loads ...float64) string {
		s := "load,rate,latency\n"
		for _, load := range loads {
			for range 6 {
				s += fmt.Sprintf("%v,%v,%v\n", load, 500*load, 2*factor)
			}
		}
		return s
	}
	for name, content := range map[string]string{
		"sweep.csv": rows(2, 1, 2), "other.csv": rows(1, 4),
		"sweep.yaml": "columns:\n  load: {kind: int, role: load}\n  rate: {kind: float, unit: 1/s, role: throughput}\n  latency: {kind: float, unit: ms, role: latency, meaning: mean}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	var out []byte
	for _, argv := range []string{bin + " init", program} {
		words := strings.Fields(argv)
		cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "ASSAY_BIN="+bin)
		cmd.Stderr = os.Stderr
		var err error
		if out, err = cmd.Output(); err != nil {
			t.Fatalf("%s: %v\n%s", argv, err, out)
		}
	}
	want := `error little: throughput × latency / load = 2.00, must be 1: a factor of 2: two load generators added up, or a round trip counted twice (sweep, 12 of 12 rows)
2 0
nothing found
warning grids: not the same loads and requests: sweep: 2 loads 1 2 in 1 of 1 treatments; other: 1 load 4 in 1 of 1 treatments (sweep, other, 18 of 18 rows)
`
	if string(out) != want {
		t.Errorf("the program says\n%swant\n%s", out, want)
	}
}
