package lint

import (
	"bytes"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/trace"
)

// ran makes the trace of a steady run: 10 blocks of two runtimes, each process
// with 3 calls of warm-up and 20 samples.
func ran(seed uint64) iter.Seq[assay.Sample] {
	random := rand.New(rand.NewPCG(seed, 5))
	return func(yield func(assay.Sample) bool) {
		seq := int64(0)
		for block := range int32(10) {
			for trial, runtime := range []string{"fast", "slow"} {
				level := 1e6 * float64(1+trial) * math.Exp(0.02*random.NormFloat64())
				s := assay.Sample{Seq: seq, Block: block, Trial: int32(trial), Workload: "w", Runtime: runtime, Host: "local", Outcome: assay.OK}
				seq++
				for call := range int32(24) {
					wall := int64(level * math.Exp(0.02*random.NormFloat64()))
					s.Phase, s.Call, s.Warmup = assay.Call, call, call <= 3
					switch {
					case call == 0:
						s.Phase, s.Warmup, wall = assay.Process, false, 40*wall
					case call <= 3:
						wall *= 4
					}
					s.WallNS = &wall
					if !yield(s) {
						return
					}
				}
			}
		}
	}
}

func runSubject(t *testing.T, samples iter.Seq[assay.Sample], mode func(string) string) Subject {
	t.Helper()
	var b bytes.Buffer
	if err := trace.Write(&b, trace.Meta{Run: "r", Host: "local"}, samples); err != nil {
		t.Fatal(err)
	}
	opened, err := trace.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range opened.Meta().Columns {
		names = append(names, c.Name)
	}
	columns, err := opened.Project(names)
	if err != nil {
		t.Fatal(err)
	}
	return Subject{Name: "r", Traces: RunTraces(columns, mode, func(string) string { return "off" })}
}

// The rows of a run's own trace are read for what they are: warm-up is left
// out, calls are of processes, and a runtime's mode is known.
func TestRun(t *testing.T) {
	aot := func(string) string { return "aot" }
	for seed := range uint64(10) {
		for _, f := range look(t, Options{}, runSubject(t, ran(seed), aot)) {
			t.Errorf("seed %d: clean run: %s: %s", seed, f.Rule, f.Says)
		}
	}
	for name, c := range map[string]struct {
		change func(*assay.Sample)
		mode   func(string) string
		rules  []string
	}{
		"an interpreter":             {func(*assay.Sample) {}, func(r string) string { return map[string]string{"fast": "aot", "slow": "interpreter"}[r] }, []string{"mode"}},
		"failures":                   {func(s *assay.Sample) { s.Outcome = []assay.Outcome{assay.OK, assay.Trap}[s.Seq%9/8] }, aot, []string{"failures"}},
		"warm-up said to be samples": {func(s *assay.Sample) { s.Warmup = false }, aot, []string{"drift"}},
		"a block of a busy host": {func(s *assay.Sample) {
			if wall := *s.WallNS * 3 / 2; s.Block == 4 {
				s.WallNS = &wall
			}
		}, aot, []string{"block"}},
		"a slow control": {func(s *assay.Sample) {
			s.Runtime = map[string]string{"fast": "fast", "slow": "fast" + assay.ControlSuffix}[s.Runtime]
		}, aot, nil},
		"rows that say a mode": {func(s *assay.Sample) { s.Mode = map[string]string{"fast": "aot", "slow": "interpreter"}[s.Runtime] }, aot, []string{"mode"}},
		"code from a cache": {func(s *assay.Sample) {
			if s.Mode, s.Cache = "aot", "off"; s.Runtime == "slow" {
				s.Cache = "prepared"
			}
		}, aot, []string{"cache"}},
		"a mode of compiled code": {func(s *assay.Sample) {
			if s.Mode, s.Cache = "aot", "off"; s.Runtime == "slow" {
				s.Mode, s.Cache = "precompiled", "prepared"
			}
		}, aot, []string{"cache"}},
		"a load beside a compilation": {func(s *assay.Sample) {
			if s.Phase == assay.Process {
				s.Phase = map[string]assay.Phase{"fast": assay.Load, "slow": assay.Compile}[s.Runtime]
			}
		}, aot, []string{"scope"}},
		"phases that are merged": {func(s *assay.Sample) {
			if s.Phase == assay.Process {
				s.Phase = map[string]assay.Phase{"fast": "engine-init", "slow": "engine-init+link"}[s.Runtime]
			}
		}, aot, []string{"scope"}},
		"regions of calls": {func(s *assay.Sample) {
			if s.Phase == assay.Call {
				s.Phase = assay.Region
			}
		}, aot, nil},
		"regions of calls of four processes": {func(s *assay.Sample) {
			if s.Block, s.Seq = s.Block%4, s.Seq%8; s.Phase == assay.Call {
				s.Phase = assay.Region
			}
		}, aot, []string{"replicates"}},
		"what is unsupported": {func(s *assay.Sample) {
			if s.Runtime == "slow" {
				s.Outcome, s.WallNS = assay.Unsupported, nil
			}
		}, aot, nil},
		"four processes": {func(s *assay.Sample) { s.Block %= 4; s.Seq %= 8 }, aot, []string{"replicates"}},
	} {
		found := look(t, Options{}, runSubject(t, func(yield func(assay.Sample) bool) {
			for s := range ran(1) {
				c.change(&s)
				if !yield(s) {
					return
				}
			}
		}, c.mode))
		var rules []string
		for _, f := range found {
			rules = append(rules, f.Rule)
		}
		slices.Sort(rules)
		if rules = slices.Compact(rules); !slices.Equal(rules, c.rules) {
			t.Errorf("%s: found %v, want %v", name, rules, c.rules)
		}
	}
}
