package runtimes

import (
	"fmt"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

// An engine is a runtime whose program is a shim: the engine is a library, or
// its own program cannot say what an invocation wants. Without descriptor 3 a
// shim runs a module and tells nothing.
type engine struct {
	id       string
	executes runners.Traits
	shim     runners.Shim
}

func (e engine) Name() string        { return e.id }
func (e engine) Accepts() assay.Form { return assay.Wasm }
func (e engine) Tool() runners.Tool  { return e.shim.Tool }
func (e engine) Shim() *runners.Shim { return &e.shim }

func (e engine) Traits() runners.Traits {
	traits := e.executes
	traits.Shim = true
	return traits
}

func (e engine) Plan(inv runners.Invocation) (runners.Plan, error) {
	p, err := e.shim.Plan(inv, runners.Ask{})
	if err != nil {
		return runners.Plan{}, fmt.Errorf("%s: %w", e.id, err)
	}
	return p, nil
}

// installed is the tool of an engine's shim that "assay runtimes install" builds
// as a package.
func installed(name, pkg string) runners.Tool {
	return runners.Tool{
		Bin:     "assay-shim-" + name,
		Probe:   []string{"--version"},
		Remedy:  `run "assay runtimes install ` + pkg + `"`,
		Package: pkg,
	}
}
