package summary

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

// protocolOf returns the protocol that a plan was made by.
func protocolOf(plan assay.Plan) string {
	switch {
	case plan.Phases:
		return assay.ProtocolPhases
	case plan.Memory:
		return assay.ProtocolMemory
	case plan.Count:
		return assay.ProtocolCount
	case plan.Calls > 0:
		return assay.ProtocolSteady
	}
	return assay.ProtocolCold
}

// scopeOf says in words what the samples of a plan span. What it says of the
// invocations is not known if the plan has none.
func scopeOf(plan assay.Plan) string {
	blocks, calls, more := len(plan.Order), plan.Calls-plan.WarmCalls, ""
	if plan.Changepoint {
		more = " and those before most invocations of a row become steady, which a note says"
	}
	switch protocolOf(plan) {
	case assay.ProtocolPhases:
		scope := fmt.Sprintf("phases of a fresh process of each runtime's shim, by its own clock, from the module's bytes in memory; %d processes", blocks)
		if calls > 0 {
			scope += fmt.Sprintf(", %d calls in each, after the first and %d of warm-up%s", calls, plan.WarmCalls, more)
		}
		return scope
	case assay.ProtocolMemory:
		return "memory of a fresh process, read while it is held at its exit; page cache warm; no times"
	case assay.ProtocolCount:
		return "what each runtime counts of its guest, in a unit of its own: counts of two runtimes cannot be compared; no times, for counting takes some"
	case assay.ProtocolSteady:
		return fmt.Sprintf("one call in a process that goes on, by the guest's own clock; %d calls in each of %d fresh processes, after %d of warm-up%s; "+
			"CPU and peak RSS are of the whole process", calls, blocks, plan.WarmCalls, more)
	}
	if slices.ContainsFunc(plan.Trials, func(t assay.Trial) bool { return t.Cache == string(runners.Made) }) {
		return "process start to exit of a fresh process; compiled code not cached, but where the mode is precompiled, page cache warm"
	}
	return "process start to exit of a fresh process; compiled code not cached, page cache warm"
}

// phaseScopes say what each phase spans, in words.
var phaseScopes = map[assay.Phase]string{
	assay.FirstByte:         "process start to the first byte of its output",
	assay.EngineInit:        "making the engine, its store and its WASI",
	assay.Compile:           "module bytes to something that can be instantiated",
	assay.Load:              "code compiled earlier, by another process, to something that can be instantiated: not a compilation",
	assay.Link:              "resolving imports",
	assay.Instantiate:       "making memory, tables and globals, and running start functions",
	assay.FirstCall:         "the first call, of _start or of the export run",
	assay.Call:              "a later call of the export run",
	assay.SecondInstantiate: "another instance of the same compiled module",
	assay.Region:            "bench.start to bench.end, in the first call",
	assay.CallRegion:        "bench.start to bench.end, in a later call",
	assay.Teardown:          "dropping instances, module and engine",
}

// scopeOfPhase says in words what a phase spans; of merged ones, all of them.
func scopeOfPhase(phase assay.Phase) string {
	var parts []string
	for part := range strings.SplitSeq(string(phase), "+") {
		scope, ok := phaseScopes[assay.Phase(part)]
		if !ok {
			scope = part
		}
		parts = append(parts, scope)
	}
	return strings.Join(parts, "; and ")
}
