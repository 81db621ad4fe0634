// Command lint imports files and asks what is wrong with them.
package main

import (
	"fmt"

	assay "github.com/assay-notebooks/assay/kernelext"
)

func main() {
	sweep := assay.Import("sweep", assay.Files{Format: "table", Path: "sweep.csv", Mapping: "sweep.yaml"})
	found := sweep.Lint()
	fmt.Println(found)
	fmt.Println(found.Of("little")[0].Number.Value, len(found.Of("clock")))
	other := assay.Import("other", assay.Files{Format: "table", Path: "other.csv", Mapping: "sweep.yaml"})
	fmt.Println(other.Lint())
	fmt.Println(assay.Lint(sweep, other).Of("grids"))
}
