package runners_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

func TestShimPlan(t *testing.T) {
	inv := runners.Invocation{
		Tool:    assay.RuntimeVersion{Path: "/bin/shim"},
		Module:  "/w/m.wasm",
		Args:    []string{"--", "-x", ""},
		Env:     []string{"A=b c"},
		Stdin:   "/w/in",
		Dirs:    []runners.Dir{{Host: "scratch", Guest: "."}, {Host: "/data", Guest: "data", ReadOnly: true}},
		Scratch: "prepared/m",
	}
	scripted := inv
	scripted.Tool.Files = []assay.File{{Path: "/c/s.mjs"}, {Path: "/c/index.js"}}
	for _, c := range []struct {
		name string
		shim runners.Shim
		inv  runners.Invocation
		ask  runners.Ask
		want string
	}{
		{"plain", runners.Shim{}, runners.Invocation{Tool: inv.Tool, Module: inv.Module}, runners.Ask{},
			`[] ["/bin/shim" "/w/m.wasm"]`},
		{"all", runners.Shim{Mode: "fast", Counts: true}, inv, runners.Ask{Calls: 7, Count: true},
			`[] ["/bin/shim" "--mode" "fast" "--calls" "7" "--count" "--env" "A=b c" "--dir" "scratch::." "--dir" "/data::data::ro" "/w/m.wasm" "--" "-x" ""]`},
		{"precompiled", runners.Shim{Mode: "precompiled"}, runners.Invocation{Tool: inv.Tool, Module: inv.Module, Scratch: inv.Scratch}, runners.Ask{Calls: 7},
			`[["/bin/shim" "--mode" "precompiled" "--precompile" "prepared/m" "/w/m.wasm"]] ["/bin/shim" "--mode" "precompiled" "--calls" "7" "prepared/m"]`},
		{"script", runners.Shim{Tool: runners.Tool{Script: &runners.Script{}}}, runners.Invocation{Tool: scripted.Tool, Module: inv.Module}, runners.Ask{},
			`[] ["/bin/shim" "/c/s.mjs" "/c/index.js" "/w/m.wasm"]`},
	} {
		plan, err := c.shim.Plan(c.inv, c.ask)
		var prepare [][]string
		for _, p := range plan.Prepare {
			prepare = append(prepare, p.Argv)
		}
		if got := fmt.Sprintf("%q %q", prepare, plan.Command.Argv); err != nil || got != c.want || plan.Command.Stdin != c.inv.Stdin {
			t.Errorf("%s: %s, stdin %q, %v; want %s", c.name, got, plan.Command.Stdin, err, c.want)
		}
	}
	limited, odd := inv, inv
	limited.Memory = 1 << 20
	odd.Dirs = []runners.Dir{{Host: "a::b", Guest: "."}}
	for name, refused := range map[string]func() (runners.Plan, error){
		"a count":            func() (runners.Plan, error) { return runners.Shim{}.Plan(inv, runners.Ask{Count: true}) },
		"a limit of memory":  func() (runners.Plan, error) { return runners.Shim{}.Plan(limited, runners.Ask{}) },
		"colons in a folder": func() (runners.Plan, error) { return runners.Shim{}.Plan(odd, runners.Ask{}) },
	} {
		if plan, err := refused(); !errors.Is(err, runners.ErrUnsupported) {
			t.Errorf("%s: %+v, %v; want unsupported", name, plan, err)
		}
	}
}
