// Command program is a plain Go program over kernelext, as a user would write
// it: the tests run it in a workspace. Its argument picks what goes wrong.
package main

import (
	"fmt"
	"os"

	assay "github.com/assay-notebooks/assay/kernelext"
	"github.com/assay-notebooks/assay/kernelext/figure"
)

func main() {
	runtimes := []string{"wazero/interpreter"}
	if wrong("runtime") {
		runtimes = []string{"wasmtyme"}
	}
	hello := assay.Pin("hello")
	run := assay.Experiment("program", assay.Cold{Invocations: 6}).Workloads(hello).Runtimes(runtimes...).Run()
	fmt.Print(run)
	samples := run.Samples("runtime", "outcome", "detail", "wall_ns")
	fmt.Println("rows:", samples.Table().Rows)
	if wrong("literal") {
		assay.Draw(func(*figure.Figure, figure.Table) error { return nil }, samples)
	}
	if wrong("column") {
		samples = run.Samples("wall_ms")
	}
	drawn := assay.Drawing{Name: "times", Formats: []string{"svg"}}.Draw(Times, samples)
	fmt.Println("figure:", drawn.Figure.Outputs["svg"])
}

// Times draws every sample's wall time.
func Times(f *figure.Figure, s figure.Table) error {
	f.Title("Times")
	return f.ECDF(s.Group("runtime"), s.Float("wall_ns").In("ms"))
}

func wrong(what string) bool { return len(os.Args) > 1 && os.Args[1] == what }
