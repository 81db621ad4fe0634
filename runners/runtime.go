// Package runners is the vocabulary of running: what a runtime is asked to
// execute, the commands it answers with, and what an agent says of itself.
//
// A Runtime plans an execution and never performs one; package toolbox finds
// the programs, package measure performs commands and knows no runtime. This
// package does no I/O.
package runners

import (
	"errors"

	"github.com/assay-notebooks/assay"
)

// ErrUnsupported reports that a runtime cannot express an invocation. Such a
// trial is recorded with the reason; it is never dropped.
var ErrUnsupported = errors.New("unsupported")

// A Runtime plans executions of workloads. Its methods are pure: the same
// input gives the same output on any machine, whether or not the runtime is
// installed.
type Runtime interface {
	Name() string        // "wazero", "wazero/interpreter"; as in an experiment
	Accepts() assay.Form // what Invocation.Module must be
	Tool() Tool          // the program it is, and how to come by it
	Traits() Traits      // how it executes code
	Shim() *Shim         // the program that tells its phases; nil: there is none

	// Plan returns the commands that carry out inv. The error matches
	// ErrUnsupported if the runtime has no way to say it.
	Plan(inv Invocation) (Plan, error)
}

// Traits say how a runtime executes code: facts that every sample carries.
type Traits struct {
	Mode    Mode
	Cache   Cache
	Threads int  // that compile; 0: not known, or none does; EachProcessor
	Shim    bool // its program is a shim: it calls the export run of whatever has one, and has the imports that mark a region
	Counts  bool // its own program can tell what its guest executes: it is a CLI, with PlanCount
	MVP     bool // it knows no WebAssembly feature after the first version: it is given assay.MVP modules where there are any
}

// EachProcessor is as many threads as there are processors that the runtime may
// run on.
const EachProcessor = -1

// A Mode says how a runtime executes code.
type Mode string

// The modes.
const (
	Interpreter Mode = "interpreter" // it is not compiled
	JIT         Mode = "jit"         // compiled while it runs, more than once where it is hot
	AOT         Mode = "aot"         // compiled as a whole before it runs, in the same process; of native code and containers by others, earlier
	Precompiled Mode = "precompiled" // compiled as a whole by Plan.Prepare, in another process, earlier
)

// A Cache says where compiled code came from.
type Cache string

// The states of a runtime's cache of compiled code.
const (
	NoCache Cache = ""         // nothing is compiled
	Off     Cache = "off"      // each process compiles anew
	Made    Cache = "prepared" // each process loads what Plan.Prepare made
)

// An Invocation is one execution of a workload, described without reference
// to any runtime.
type Invocation struct {
	Tool    assay.RuntimeVersion // what toolbox.Locate found for the runtime
	Module  string               // absolute path of a file of the Form the runtime accepts
	Args    []string             // of the workload, without argv[0]
	Env     []string             // of the workload, KEY=VALUE, in order
	Stdin   string               // path; "": empty
	Dirs    []Dir                // that the workload may use
	Memory  int64                // bytes that the guest's memory may grow to; 0: what the runtime allows
	Scratch string               // path, relative to the working directory, of one file or directory that Plan.Prepare may make: the same for the same runtime and module
}

// A Dir is a directory that a workload may use.
type Dir struct {
	Host     string // path, relative to the working directory or absolute
	Guest    string // "." is the guest's working directory
	ReadOnly bool
}

// A Plan is what carries out an Invocation: fields of an assay.Trial.
type Plan struct {
	Prepare []assay.Command // once per trial, not timed as samples
	Command assay.Command   // once per planned invocation
	Signs   []assay.Sign    // how to read the end of Command
	State   string          // directory, relative to the working directory, that Command must find empty; "": none
	Clean   []assay.Command // end and remove what a killed Command leaves behind; may fail where there is nothing
	Group   bool            // Command is a container runtime: what it starts is measured by its control group
}
