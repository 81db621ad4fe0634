package contract

import "slices"

// A Lack is a feature after the first version of WebAssembly that runtimes do
// not have: the cases about it end as assay.Unsupported, and must. One that is
// had fails the contract until its lack is taken out.
type Lack struct {
	Runtimes  []string
	Cases     []string
	ByVersion bool // the runtime is the host's own, whose version decides: the case may end as with those that have it
	Why       string
}

// LackOf returns what the runtime lacks for the case of that name.
func LackOf(runtime, name string) (Lack, bool) {
	for _, l := range Lacks {
		if slices.Contains(l.Runtimes, runtime) && slices.Contains(l.Cases, name) {
			return l, true
		}
	}
	return Lack{}, false
}

const (
	uncaught   = "trap: an exception that nobody catches"
	component  = "component"
	vectors    = "feature: vectors"
	tailCalls  = "feature: tail calls"
	threads    = "feature: threads"
	exceptions = "feature: exceptions"
	collection = "feature: garbage collection"
	memories   = "feature: several memories"
	memory64   = "feature: 64-bit memory"

	off  = "it is off by default"
	none = "it is not there"
)

// Lacks lists what was seen.
var Lacks = []Lack{
	{[]string{"lucet", "wamr"}, []string{uncaught, vectors, tailCalls, threads, exceptions, collection, memories, memory64}, false, "it knows the first version of WebAssembly"},
	{[]string{"wasm3"}, []string{uncaught, exceptions, collection, memories}, false, none},
	{v8s, []string{exceptions, collection, memories, memory64}, true, "Node is that of PATH, and version 20 has it behind a flag or not at all"},
	{wasmedges, []string{uncaught, component, tailCalls, threads, exceptions, collection}, false, off},
	{[]string{"wasmer/cranelift", "wasmer/precompiled", "wasmer/singlepass"}, []string{component, tailCalls, collection, memory64}, false, off},
	{[]string{"wasmer/singlepass"}, []string{uncaught, vectors, exceptions}, false, "its compiler does not have it"},
	{[]string{"wasmi"}, []string{uncaught, component, threads, exceptions, collection}, false, off},
	{wasmtimes, []string{threads}, false, off},
	{[]string{"wasmtime/winch"}, []string{tailCalls, collection}, false, "its compiler does not have it"},
	{wazeros, []string{uncaught, tailCalls, threads, exceptions}, false, off},
	{wazeros, []string{collection, memories, memory64}, false, none},
}
