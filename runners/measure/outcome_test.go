package measure_test

import (
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners/measure"
)

func TestJudge(t *testing.T) {
	hi := assay.DigestOf([]byte("hi"))
	ran := func(r measure.Result) measure.Result {
		r.StartNS = 1
		return r
	}
	signs := []assay.Sign{
		{Outcome: assay.Trap, Exit: []int{1, 134}, Stderr: "^trap: "},
		{Outcome: assay.Trap, Stdout: "(?m)^Exception: "},
		{Outcome: assay.RuntimeCrash, Exit: []int{1}, Stderr: "^error: "},
		{Outcome: assay.RuntimeCrash, Signal: []string{"SIGABRT", "SIGBUS"}},
		{Outcome: assay.Trap, Signal: []string{"*"}, Stderr: "guest"},
	}
	for _, c := range []struct {
		name   string
		result measure.Result
		want   assay.Outcome
	}{
		{"ok", ran(measure.Result{Stdout: hi}), assay.OK},
		{"wrong output", ran(measure.Result{}), assay.WrongOutput},
		{"exit before output", ran(measure.Result{Exit: 2}), assay.Exit},
		{"status and text", ran(measure.Result{Exit: 134, StderrTail: []byte("trap: x")}), assay.Trap},
		{"the text alone", ran(measure.Result{Exit: 2, StderrTail: []byte("trap: x")}), assay.Exit},
		{"the status alone", ran(measure.Result{Exit: 134, StderrTail: []byte("a trap: x")}), assay.Exit},
		{"on stdout, exit 0", ran(measure.Result{Stdout: hi, StdoutTail: []byte("a\nException: x")}), assay.Trap},
		{"a listed signal", ran(measure.Result{Exit: -1, Signal: "SIGBUS", StderrTail: []byte("guest")}), assay.RuntimeCrash},
		{"any signal and text", ran(measure.Result{Exit: -1, Signal: "SIGSEGV", StderrTail: []byte("the guest did it")}), assay.Trap},
		{"another signal", ran(measure.Result{Exit: -1, Signal: "SIGSEGV"}), assay.Signal},
		{"text without a signal", ran(measure.Result{Stdout: hi, StderrTail: []byte("guest")}), assay.OK},
		{"what a trace has pushed out of the tail", ran(measure.Result{Exit: 134, StderrHead: []byte("trap: x"), StderrTail: []byte("at f")}), assay.Trap},
		{"killed comes first", ran(measure.Result{Exit: -1, Signal: "SIGABRT", Killed: assay.Timeout}), assay.Timeout},
		{"not started", measure.Result{Exit: -1, Reason: "no such file"}, assay.RuntimeCrash},
	} {
		j, err := measure.NewJudge(assay.Expectation{Stdout: hi}, signs)
		if err != nil {
			t.Fatal(err)
		}
		if got := j.Outcome(c.result); got != c.want {
			t.Errorf("%s: outcome %s, want %s", c.name, got, c.want)
		}
	}
	for _, c := range []struct {
		name   string
		expect assay.Expectation
		result measure.Result
		want   assay.Outcome
	}{
		{"a guest's own words beside the answer", assay.Expectation{Stdout: hi, Exit: 1}, measure.Result{Exit: 1, Stdout: hi, StderrTail: []byte("error: x")}, assay.OK},
		{"beside another answer", assay.Expectation{Stdout: hi, Exit: 1}, measure.Result{Exit: 1, StderrTail: []byte("error: x")}, assay.RuntimeCrash},
		{"where no answer tells of the guest", assay.Expectation{Stdout: assay.DigestOf(nil), Exit: 1}, measure.Result{Exit: 1, Stdout: assay.DigestOf(nil), StderrTail: []byte("error: x")}, assay.RuntimeCrash},
		{"a trap after the answer", assay.Expectation{Stdout: hi, Exit: 1}, measure.Result{Exit: 1, Stdout: hi, StderrTail: []byte("trap: x")}, assay.Trap},
		{"a status that was expected, and may be of a signal", assay.Expectation{Exit: 130}, measure.Result{Exit: 130}, assay.OK},
		{"the same, unexpected", assay.Expectation{Exit: 1}, measure.Result{Exit: 130}, assay.Signal},
	} {
		j, err := measure.NewJudge(c.expect, append(signs, assay.Sign{Outcome: assay.Signal, Exit: []int{130}}))
		if err != nil {
			t.Fatal(err)
		}
		if got := j.Outcome(ran(c.result)); got != c.want {
			t.Errorf("%s: outcome %s, want %s", c.name, got, c.want)
		}
	}
	j, err := measure.NewJudge(assay.Expectation{Stdout: hi, Exit: 3}, append(signs, assay.Sign{Outcome: assay.Unsupported, Exit: []int{70}, Stderr: "^no: "}))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		result measure.Result
		want   assay.Outcome
	}{
		{"ends well", ran(measure.Result{}), assay.OK},
		{"ends as the guest shall", ran(measure.Result{Exit: 3}), assay.RuntimeCrash},
		{"refuses", ran(measure.Result{Exit: 70, StderrTail: []byte("no: SIMD")}), assay.Unsupported},
		{"traps", ran(measure.Result{Exit: 1, StderrTail: []byte("trap: x")}), assay.RuntimeCrash},
		{"takes too long", ran(measure.Result{Exit: -1, Signal: "SIGKILL", Killed: assay.Timeout}), assay.Timeout},
		{"says too much", ran(measure.Result{Exit: -1, Signal: "SIGKILL", Killed: assay.Limit}), assay.Limit},
		{"dies", ran(measure.Result{Exit: -1, Signal: "SIGSEGV"}), assay.RuntimeCrash},
		{"does not start", measure.Result{Exit: -1, Reason: "no such file"}, assay.RuntimeCrash},
	} {
		if got := j.Prepared(c.result); got != c.want {
			t.Errorf("a preparation %s: outcome %s, want %s", c.name, got, c.want)
		}
	}
	if _, err := measure.NewJudge(assay.Expectation{}, []assay.Sign{{Outcome: assay.Trap, Stdout: "["}}); err == nil || !strings.Contains(err.Error(), "sign of trap") {
		t.Errorf("NewJudge with a pattern that does not compile: error %v, want one that names the sign", err)
	}
}
