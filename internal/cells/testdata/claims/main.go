// Command claims judges claims as a cell does.
package main

import (
	"fmt"
	"math"
	"os"

	assay "github.com/assay-notebooks/assay/kernelext"
)

func main() {
	run := assay.Experiment("claims", assay.Cold{Invocations: 6}).Workloads(assay.Pin("hello")).Runtimes("wazero/interpreter", "native").Run()
	if len(os.Args) > 1 && os.Args[1] == "no number" {
		assay.Claim("odd").With(assay.Check{Metric: "wall_ns", Comparator: "<=", Unit: "s", Value: math.NaN(), Tolerance: math.Inf(1)}).Check(run)
	}
	if len(os.Args) > 1 {
		fmt.Println(assay.Claim(os.Args[1]).Check(run))
		return
	}
	quick := assay.Check{Metric: "wall_ns", Of: assay.Selection{Runtime: "wazero/interpreter"}, Comparator: "<=", Value: 60, Unit: "s"}
	judged := assay.Claim("quick").With(quick).Check(run)
	fmt.Println(judged.Claim.ID, judged.Verdict == assay.Holds, judged.Estimate.N, judged.Estimate.Unit)
	slow := quick
	slow.Comparator = ">="
	fmt.Println(assay.Claim("slow").With(slow).Check(run).Verdict)
	other := quick
	other.Of.Runtime = "native"
	fmt.Println(assay.Claim("other").With(other).Check(run))
}
