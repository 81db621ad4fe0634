package agent_test

import (
	"strings"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
)

// Every way in which an invocation can report its calls, and what becomes of it.
func TestCalls(t *testing.T) {
	hi := assay.Expectation{Stdout: assay.DigestOf([]byte("hi\n"))}
	report := func(script string) assay.Command {
		c := shell(script)
		c.Env = append(c.Env, assay.CallsVariable+"=4")
		return c
	}
	const four = `for i in 1 2 3 4; do echo "assay-call $i" >&2; done; `
	all := plan(2, 0,
		assay.Trial{Workload: "ok", Command: report(`echo hi; for i in $(seq $ASSAY_CALLS); do echo "assay-call ${i}00" >&2; done`), Expect: hi},
		assay.Trial{Workload: "talkative", Command: report(`echo hi; echo before >&2; ` + four + `echo after >&2`), Expect: hi},
		assay.Trial{Workload: "silent", Command: report("echo hi"), Expect: hi},
		assay.Trial{Workload: "too few", Command: report(`echo hi; echo assay-call 7 >&2`), Expect: hi},
		assay.Trial{Workload: "too many", Command: report(`echo hi; ` + four + `echo assay-call 5 >&2`), Expect: hi},
		assay.Trial{Workload: "garbled", Command: report(`echo hi; ` + four + `echo assay-call 1e3 >&2`), Expect: hi},
		assay.Trial{Workload: "wrong answer", Command: report(`echo ho; ` + four), Expect: hi},
		assay.Trial{Workload: "trap", Command: report(four + `echo trapped: unreachable >&2; exit 3`),
			Signs: []assay.Sign{{Outcome: assay.Trap, Exit: []int{3}, Stderr: `\Atrapped: `}}},
		assay.Trial{Workload: "unsupported", Unsupported: "it makes none"},
	)
	late := plan(2, 0, assay.Trial{Workload: "timeout", Command: report(`echo assay-call 7 >&2; while :; do :; done`)})
	late.Limits.Timeout = 2 * time.Second
	type got struct {
		outcome assay.Outcome
		detail  string
		ns      []int64
	}
	said := map[string][]got{}
	var rows []assay.Sample
	for _, p := range []assay.Plan{all, late} {
		p.Calls, p.WarmCalls = 4, 1
		_, samples := complete(t, p)
		rows = append(rows, samples...)
	}
	for _, s := range rows {
		list := said[s.Workload]
		if s.Phase == assay.Process {
			if s.Call != 0 || s.Warmup {
				t.Errorf("%s: a process with call %d, warm-up %t", s.Workload, s.Call, s.Warmup)
			}
			said[s.Workload] = append(list, got{outcome: s.Outcome, detail: s.Detail})
			continue
		}
		last := &list[len(list)-1]
		last.ns = append(last.ns, *s.WallNS)
		if s.Phase != assay.Call || int(s.Call) != len(last.ns) || s.Warmup != (s.Call == 1) || s.Outcome != last.outcome ||
			s.CPUNS != nil || s.RSSBytes != nil || s.Exit != -1 || s.StartNS == 0 {
			t.Errorf("%s: call %d of outcome %s is %+v", s.Workload, len(last.ns), last.outcome, s)
		}
	}
	for workload, want := range map[string]struct {
		outcome assay.Outcome
		detail  string
		calls   int
	}{
		"ok":           {assay.OK, "", 4},
		"talkative":    {assay.OK, "", 4},
		"silent":       {assay.WrongOutput, "0 calls were reported, 4 asked for", 0},
		"too few":      {assay.WrongOutput, "1 calls were reported, 4 asked for", 1},
		"too many":     {assay.WrongOutput, "5 calls were reported, 4 asked for", 4},
		"garbled":      {assay.WrongOutput, `report 5 of a call is "assay-call 1e3\n"`, 4},
		"wrong answer": {assay.WrongOutput, "stdout is not the expected one", 4},
		"trap":         {assay.Trap, "trapped: unreachable", 4},
		"timeout":      {assay.Timeout, "still running", 1},
		"unsupported":  {assay.Unsupported, "it makes none", 0},
	} {
		if len(said[workload]) != 2 {
			t.Errorf("%s: %d invocations, want 2", workload, len(said[workload]))
		}
		for _, g := range said[workload] {
			if g.outcome != want.outcome || !strings.Contains(g.detail, want.detail) || want.detail == "" && g.detail != "" || len(g.ns) != want.calls {
				t.Errorf("%s: %+v, want %+v", workload, g, want)
			}
		}
	}
	if ok := said["ok"]; len(ok) == 2 && (ok[0].ns[0] != 100 || ok[0].ns[3] != 400) {
		t.Errorf("ok reports %v, want 100 to 400", ok[0].ns)
	}
}
