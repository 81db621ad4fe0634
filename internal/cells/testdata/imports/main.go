// Command imports is a plain Go program over kernelext that imports files and
// draws them beside a run: the tests run it in a workspace. Its argument picks
// what else it does.
package main

import (
	"fmt"
	"os"

	assay "github.com/assay-notebooks/assay/kernelext"
	"github.com/assay-notebooks/assay/kernelext/figure"
)

func main() {
	what := ""
	if len(os.Args) > 1 {
		what = os.Args[1]
	}
	files := assay.Files{Format: "table", Path: "theirs.csv", Mapping: "theirs.yaml", Facts: map[string]string{"machine": "c220g5"}}
	switch what {
	case "other":
		files.Facts = nil
	case "unknown":
		files.Path = "nothere"
		assay.Import("nosuch", files)
	case "column":
		assay.Imported("theirs").Samples("cold", "nosuch").Table()
	case "trace":
		assay.Imported("theirs").Samples("nosuch", "ms").Table()
	}
	theirs := assay.Import("theirs", files)
	record := assay.Imported("theirs").Record()
	fmt.Println(record.Name, record.Importer, record.Traces[0].Rows)
	published := theirs.Samples("cold", "runtime", "ms")
	fmt.Println("rows:", published.Table().Rows)

	ours := assay.Experiment("ours", assay.Cold{Invocations: 6}).Workloads(assay.Pin("hello")).Runtimes("wazero/interpreter").Run()
	drawn := assay.Drawing{Name: "both", Formats: []string{"svg"}}.Draw(Both, published, ours.Samples("runtime", "outcome", "detail", "wall_ns"))
	fmt.Println("figure:", drawn.Figure.Outputs["svg"])
}

// Both draws their times, with ours as a line across.
func Both(f *figure.Figure, theirs, ours figure.Table) error {
	f.Title("Start-up")
	f.Reference(float64(ours.Len()), "runs of ours")
	return f.ECDF(theirs.Group("runtime"), theirs.Float("ms"))
}
