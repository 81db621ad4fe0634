// Command program is a plain Go program over kernelext, as a user would write
// it: the tests run it in a workspace. Its argument picks what goes wrong.
package main

import (
	"fmt"
	"math"
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
	if wrong("method") {
		assay.Draw(picture{}.draw, samples)
	}
	if wrong("samples") {
		assay.Draw(Times)
	}
	if wrong("width") {
		assay.Drawing{WidthMM: math.Inf(1)}.Draw(Times, samples)
	}
	if wrong("name") {
		assay.Drawing{Name: "../x"}.Draw(Times, samples)
	}
	if wrong("format") {
		assay.Drawing{Formats: []string{"gif"}}.Draw(Times, samples)
	}
	if wrong("panic") {
		assay.Draw(Panics, samples)
	}
	if wrong("deadlock") {
		assay.Draw(Waits, samples)
	}
	if wrong("run") {
		assay.Run("")
	}
	if wrong("pin") {
		assay.Pin("./nothere")
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

// Panics is wrong.
func Panics(f *figure.Figure, s figure.Table) error {
	f.Title("Panics")
	var none []string
	f.Title(none[s.Len()])
	return nil
}

// Waits is wrong, too.
func Waits(f *figure.Figure, s figure.Table) error {
	<-make(chan int)
	return nil
}

type picture struct{}

func (picture) draw(*figure.Figure, figure.Table) error { return nil }

func wrong(what string) bool { return len(os.Args) > 1 && os.Args[1] == what }
