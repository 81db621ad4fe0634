package agent

import (
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners/measure"
	"github.com/assay-notebooks/assay/runners/runtimes"
)

// A program that says on stdout what is wrong, between what its guest says, has
// a reason, too, which is the same in each row; so has a guest's last line, where
// the shim's goes on in it.
func TestDetail(t *testing.T) {
	const (
		info    = "[2026-11-26 18:20:51.665] [info] compile start\n"
		illegal = "[2026-11-26 18:20:51.666] [error] loading failed: illegal opcode, Code: 0x117\n"
		tail    = "[2026-11-26 18:20:51.667] [error]     This instruction or syntax requires enabling Tail Call proposal\n"
		failed  = "loading failed: illegal opcode, Code: 0x117"
	)
	for _, c := range []struct {
		outcome                      assay.Outcome
		signal, stdout, stderr, want string
	}{
		{assay.RuntimeCrash, "", info + "answer\n" + illegal, "", failed},
		{assay.Unsupported, "", illegal + tail, "", "This instruction or syntax requires enabling Tail Call proposal\n" + failed},
		{assay.RuntimeCrash, "", illegal, "said\n", "said"},
		{assay.RuntimeCrash, "", "[error] of the guest\n", "", ""},
		{assay.RuntimeCrash, "SIGSEGV", info, "", "SIGSEGV"},
		{assay.Signal, "SIGSEGV", info + illegal, "", "SIGSEGV"},
		{assay.Exit, "", info + illegal, "", ""},
		{assay.Trap, "", "", "got -7 .assay-shim: trap: unreachable\n", "got -7 .unreachable"},
	} {
		res := measure.Result{Exit: 1, Signal: c.signal, StdoutTail: []byte(c.stdout), StderrTail: []byte(c.stderr)}
		if got := detail("", runtimes.WasmEdgeJIT.Chatter, c.outcome, res); got != c.want {
			t.Errorf("%s, signal %q, stdout %q, stderr %q: %q, want %q", c.outcome, c.signal, c.stdout, c.stderr, got, c.want)
		}
	}
}
