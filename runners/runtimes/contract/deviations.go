package contract

import (
	"slices"

	"github.com/assay-notebooks/assay"
)

// A Deviation is what runtimes are known to do otherwise than the contract
// says. One that is gone fails the contract until it is taken out.
type Deviation struct {
	Runtimes []string
	Cases    []string
	Got      assay.Outcome // assay.Exit with the status: "exit 134"
	Why      string
}

// DeviationOf returns what the runtime is known to do otherwise in the case of
// that name.
func DeviationOf(runtime, name string) (Deviation, bool) {
	for _, d := range Deviations {
		if slices.Contains(d.Runtimes, runtime) && slices.Contains(d.Cases, name) {
			return d, true
		}
	}
	return Deviation{}, false
}

var (
	wasmtimes = []string{"wasmtime", "wasmtime/precompiled", "wasmtime/winch"}
	wasmers   = []string{"wasmer/cranelift", "wasmer/llvm", "wasmer/precompiled", "wasmer/singlepass"}
	v8s       = []string{"v8", "v8/liftoff", "v8/turbofan"}
	wasmedges = []string{"wasmedge", "wasmedge/aot", "wasmedge/jit"}
	wazeros   = []string{"wazero", "wazero/interpreter"}
	readOnly  = []string{"read-only directory: read", "read-only directory: write"}
	written   = []string{"directory: read", "directory: write", "directory: write, by Go", "directory: seek", "directory: remove"}
	highExits = []string{"exit 126", "exit 134", "exit 255"}
	limited   = []string{"memory beyond the runtime's limit"}
	segment   = []string{"trap: a segment that does not fit"}
	elements  = []string{"trap: elements that do not fit"}
	begins    = []string{"exit 3 in the start function"}
	early     = []string{"trap: in the start function, after words without a line end"}
	overflow  = []string{"trap: stack overflow"}
)

// Deviations lists what was seen.
var Deviations = []Deviation{
	{[]string{"runc", "crun", "containerd"}, []string{"abort"}, "exit 134", "a container runtime ends with 134 when its process died by SIGABRT, and when it exited with 134"},
	{[]string{"containerd", "docker"}, []string{"memory beyond the process's limit"}, assay.Timeout, "the workload is the daemon's child, not its client's"},
	{[]string{"containerd"}, []string{"killed"}, assay.Timeout, "what is killed is its client, which uses no processor time"},
	{[]string{"containerd"}, slices.Concat(readOnly, []string{"directory: read", "directory: write"}), assay.Unsupported, "its daemon has a working directory of its own, and directories have to be absolute"},
	{slices.Concat(wasmtimes, []string{"wasmi"}), highExits, assay.RuntimeCrash, "its WASI refuses statuses of 126 and above"},
	{slices.Concat(wazeros, wasmers, v8s, wasmedges, []string{"wasm3", "wamr", "lucet"}), []string{"exit 256"}, assay.OK, "the status of a process has 8 bits, and those of 256 are 0"},
	{[]string{"crun"}, limited, assay.Unsupported, "it makes no control group, which would have the limit"},
	{[]string{"native"}, readOnly, assay.Unsupported, "a process sees the host's directories as they are"},
	{slices.Concat(wasmtimes, []string{"wasmi"}), readOnly, assay.Unsupported, "no option makes a directory read-only"},
	{wasmers, slices.Concat(readOnly, written), assay.Unsupported, "what is written in the guest's working directory stays in memory"},
	{slices.Concat(wazeros, wasmers, v8s, []string{"wasmi", "wasm3", "wamr", "native"}), limited, assay.Unsupported, "no option limits the guest's memory"},
	{[]string{"wasmi"}, []string{"directory: write, by Go"}, "exit 1", "a directory has the guest's name of its path on the host, and programs in Go find nothing in one that is called \".\""},
	{slices.Concat(wasmers, []string{"wasmi"}), []string{"a variable without a value"}, assay.Unsupported, "its option takes NAME= for a mistake"},
	{[]string{"wasm3"}, []string{"environment", "a variable without a value"}, assay.Unsupported, "its WASI has no environment"},
	{[]string{"wasm3"}, []string{"directory: seek"}, assay.WrongOutput, "it takes the number of \"from the beginning\" for \"from here\", as it was in WASI before preview 1"},
	{[]string{"wasm3"}, []string{"directory: remove"}, assay.RuntimeCrash, "its WASI removes no files"},
	{[]string{"wamr"}, []string{"environment", "a variable without a value"}, assay.Unsupported, "it makes room for as many variables as there are arguments"},
	{[]string{"wamr"}, []string{"trap: out of bounds"}, assay.OK, "its own heap begins where the guest's memory ends"},
	{[]string{"wasm3", "wamr", "lucet"}, readOnly, assay.Unsupported, "it has no read-only directory"},
	{[]string{"lucet"}, []string{"directory: seek"}, assay.WrongOutput, "its numbers of whence are those of WASI before preview 1"},
	{[]string{"wasm3", "wamr", "lucet"}, []string{"Go", "directory: write, by Go"}, assay.Unsupported, "it knows the first version of WebAssembly, which no module of Go keeps to"},
	{[]string{"wasmedge"}, overflow, assay.Limit, "its interpreter's stack ends where memory does"},
	{wasmedges[1:], overflow, assay.RuntimeCrash, "it dies by SIGSEGV, without words"},
	{slices.Concat(wasmers, wasmedges, []string{"wasmi", "wasm3", "lucet"}), begins, assay.RuntimeCrash, "an exit while it instantiates is a failure to it, of which it tells no status"},
	{v8s, early, assay.RuntimeCrash, "JavaScript has the guest's memory, where its words are, when it is instantiated"},
	{wasmers, early, assay.RuntimeCrash, "its WASI panics when it is called while the module is instantiated"},
	{[]string{"wasm3"}, early, assay.RuntimeCrash, "it runs the start function before it has what it imports"},
	{slices.Concat(wasmtimes, wazeros), []string{"nothing to start"}, assay.OK, "a module without _start has nothing to do"},
	{slices.Concat(wazeros, []string{"wasm3", "lucet"}), elements, assay.OK, "it does not look whether elements fit"},
	{[]string{"wamr", "lucet"}, segment, assay.OK, "there is memory of its own after the guest's, where the segment ends"},
	{[]string{"wasm3"}, []string{"feature: vectors", "feature: threads"}, assay.RuntimeCrash, "it dies by SIGSEGV, without words"},
	{[]string{"wasm3"}, []string{"feature: tail calls"}, assay.Trap, "its tail calls take stack"},
	{wasmedges, []string{"feature: several memories", "feature: 64-bit memory"}, assay.RuntimeCrash, "it takes the encoding for malformed, and names no feature"},
}
