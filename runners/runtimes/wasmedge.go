package runtimes

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

// WasmEdge interprets, WasmEdgeJIT compiles with LLVM as it starts, on one
// thread, and WasmEdgeAOT loads what LLVM made before. It was called Second State VM.
var (
	WasmEdge    = interpretingWasmEdge()
	WasmEdgeAOT = precompiledWasmEdge()
	WasmEdgeJIT = wasmedge("wasmedge/jit", runners.Traits{Mode: runners.AOT, Cache: runners.Off, Threads: 1}, "--enable-jit")
)

// wasmedgeLog is what the program writes to stdout between what the guest
// writes there: version 0.14 has no option against that.
const wasmedgeLog = `\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\] \[(info|warning|error)\] .*\n`

func wasmedge(id string, executes runners.Traits, flags ...string) runners.CLI {
	return runners.CLI{
		ID: id,
		Program: runners.Tool{
			Bin:     "wasmedge",
			Probe:   []string{"--version"},
			Series:  "0.14", // 0.17 has --run-mode in place of --enable-jit, and does not load what it compiled without
			Remedy:  `run "assay runtimes install wasmedge"`,
			Package: "wasmedge",
		},
		Executes: executes,
		Chatter:  wasmedgeLog,
		Signs: []assay.Sign{
			{Outcome: assay.Trap, Exit: []int{1, 134}, Stdout: `(?m)\] \[error\] execution failed: `}, // 1 while it instantiates
			{Outcome: assay.Unsupported, Exit: []int{1}, Stdout: `(?m)\] \[error\]     This instruction or syntax requires enabling .* proposal$`},
			{Outcome: assay.RuntimeCrash, Exit: []int{1}, Stdout: `(?m)\] \[error\] ((loading|validation|instantiation) failed: |    At AST node: module$)`},
			{Outcome: assay.RuntimeCrash, Exit: []int{1}, Stderr: `\AA function name is required when reactor mode is enabled\.\n`},
			{Outcome: assay.RuntimeCrash, Exit: []int{134}, Stdout: `(?m)\] \[error\] Memory Instance: Unable to find usable memory address`},
			{Outcome: assay.RuntimeCrash, Signal: []string{"*"}},
		},
		Spell: func(inv runners.Invocation) ([]string, error) {
			dirs, err := mounts(inv, "--dir", func(d runners.Dir) (string, error) {
				spelled := d.Guest + ":" + d.Host
				if d.ReadOnly {
					spelled += ":readonly"
				}
				return spelled, nil
			})
			if err != nil {
				return nil, err
			}
			var limit []string
			if inv.Memory > 0 {
				limit = []string{"--memory-page-limit", strconv.FormatInt(pages(inv), 10)}
			}
			return slices.Concat([]string{"run"}, flags, limit, dirs, runners.Each("--env", inv.Env...),
				[]string{inv.Module}, inv.Args), nil
		},
	}
}

// interpretingWasmEdge counts, too: compiled code counts otherwise, a loop once
// and not each time around.
func interpretingWasmEdge() runners.CLI {
	r := wasmedge("wasmedge", runners.Traits{Mode: runners.Interpreter}, "--force-interpreter")
	r.Counts = &runners.Counter{
		Options: []string{"--enable-instruction-count"},
		Chatter: wasmedgeLog,
		Counted: assay.Counted{Says: `\] \[info\]  Executed wasm instructions count: (\d+)\n`, Unit: "instructions:wasmedge"},
	}
	return r
}

func precompiledWasmEdge() runners.CLI {
	r := wasmedge("wasmedge/aot", runners.Traits{Mode: runners.Precompiled, Cache: runners.Made})
	r.Compile = func(inv runners.Invocation) ([]string, error) {
		// The name decides: what does not end in .so is not loaded as compiled code.
		return []string{"compile", inv.Module, sharedObject(inv)}, nil
	}
	spell := r.Spell
	r.Spell = func(inv runners.Invocation) ([]string, error) {
		inv.Module = sharedObject(inv)
		return spell(inv)
	}
	return r
}

func sharedObject(inv runners.Invocation) string { return fmt.Sprintf("%s.so", inv.Scratch) }
