package notebook

import (
	"context"
	"errors"
	"os/exec"
	"testing"

	"github.com/assay-notebooks/assay/internal/jupyter/nbformat"
	"github.com/assay-notebooks/assay/internal/kernel"
)

// A notebook whose kernel does not come up, or is not waited for, keeps its
// outputs.
func TestNotStarted(t *testing.T) {
	program := func(name string) string {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	ended, end := context.WithCancel(t.Context())
	end()
	for _, c := range []struct {
		ctx   context.Context
		assay string
		want  error
	}{
		{t.Context(), program("false"), nil},
		{t.Context(), t.TempDir() + "/assay", nil},
		{ended, program("yes"), context.Canceled},
	} {
		one := 1
		cell := nbformat.NewCell("%%\nf()")
		cell.Outputs, cell.ExecutionCount = []nbformat.Output{streamed("stdout", "kept")}, &one
		nb := &nbformat.Notebook{Minor: 5, Metadata: map[string]any{}, Cells: []*nbformat.Cell{cell}}
		before := string(nb.Bytes())
		err := Run(c.ctx, nb, nil, Options{Kernel: kernel.Options{Assay: c.assay}, Dir: t.TempDir()}, func(s Step) { t.Errorf("step %+v", s) })
		if !errors.Is(err, ErrNotStarted) || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("Run with kernel %s: %v, want ErrNotStarted, %v", c.assay, err, c.want)
		}
		if string(nb.Bytes()) != before {
			t.Errorf("Run with kernel %s changed the notebook", c.assay)
		}
	}
}
