// Command coldstart asks how long a fresh process takes from its start to its
// exit, for a workload that does nothing and one that computes, over several
// runtimes; and draws the answer. coldstart.yaml asks the same question, so
// that both have the same run in the archive, and draws with the same
// functions:
//
//	assay run coldstart.yaml    # from a file
//	go run .                    # from Go
package main

import (
	"fmt"

	assay "github.com/assay-notebooks/assay/kernelext"
	"github.com/assay-notebooks/assay/kernelext/figure"
)

func main() {
	noop := assay.Workload("../../images/workloads/noop")
	matmul := assay.Workload("../../images/workloads/matmul")
	start := assay.Experiment("coldstart", assay.Cold{Invocations: 30}).
		Workloads(noop, matmul).
		Runtimes("wazero", "wazero/interpreter", "native", "v8").
		Run()
	fmt.Println(start)

	samples := start.Samples("workload", "runtime", "outcome", "detail", "wall_ns")
	for _, drawn := range []assay.Drawn{
		assay.Drawing{Name: "coldstart-ecdf", Formats: []string{"svg", "png", "pdf"}}.Draw(ColdStart, samples),
		assay.Drawing{Name: "coldstart-bars", Formats: []string{"svg", "png", "pdf"}}.Draw(Medians, samples),
	} {
		fmt.Println(drawn.Figure.Name, drawn.Paths["png"], drawn.Figure.Outputs["png"])
	}
}

// ColdStart draws every sample: the distribution of times for each runtime, a
// panel a workload.
func ColdStart(f *figure.Figure, s figure.Table) error {
	f.Title("Process cold start: start to exit of a fresh process")
	f.Facet(s.Group("workload").Order("noop", "matmul"))
	f.LogX()
	return f.ECDF(s.Group("runtime").Order("native", "v8", "wazero/interpreter", "wazero"), s.Float("wall_ns").In("ms").Named("wall time"))
}

// Medians draws the median and its interval for each runtime, a panel a
// workload.
func Medians(f *figure.Figure, s figure.Table) error {
	f.Title("Process cold start: start to exit of a fresh process")
	f.Facet(s.Group("workload").Order("noop", "matmul"))
	f.LogX()
	return f.Bar(s.Group("runtime").Order("native", "v8", "wazero/interpreter", "wazero"), s.Float("wall_ns").In("ms").Named("wall time"))
}
