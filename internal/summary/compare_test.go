package summary

import (
	"math"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
)

// near reports whether got is want, to the digits that want has.
func near(got, want float64) bool { return math.Abs(got-want) <= 1e-9*math.Abs(want) }

// compared sums up the cold protocol, of the times of each runtime in
// milliseconds: a block each, and those that a runtime lacks are timeouts.
func compared(t *testing.T, runtimes []string, times [][]int64) assay.Summary {
	blocks := 0
	for _, of := range times {
		blocks = max(blocks, len(of))
	}
	plan := assay.Plan{Warmup: 30 - blocks} // summed has 30
	for _, name := range runtimes {
		plan.Trials = append(plan.Trials, assay.Trial{Workload: "crc", Runtime: name, Control: strings.HasSuffix(name, assay.ControlSuffix)})
	}
	return summed(t, plan, func(trial, block int) []assay.Sample {
		if block >= len(times[trial]) {
			return []assay.Sample{{Phase: assay.Process, Outcome: assay.Timeout, Warmup: block >= blocks}}
		}
		ns := times[trial][block] * 1e6
		return []assay.Sample{{Phase: assay.Process, Outcome: assay.OK, WallNS: &ns}}
	})
}

// The numbers are those of SciPy 1.17.1 (Welch's statistic with the freedom of
// the smaller side, noncentral t) and of statsmodels 0.15.0 (Holm).
func TestCompares(t *testing.T) {
	s := compared(t, []string{"native", "native" + assay.ControlSuffix, "wasmedge/aot", "wavm", "v8"}, [][]int64{
		{100, 104, 98, 101, 97, 103}, {103, 101, 99, 106, 100, 104}, {103, 101, 99, 106, 100, 104}, nil, {120, 131, 125, 119, 128, 122}})
	if len(s.Compared) != 1 || s.Compared[0].Baseline != "native" || len(s.Compared[0].Of) != 2 {
		t.Fatalf("compared: %+v", s.Compared)
	}
	for i, want := range []struct {
		runtime                                        string
		ratio, low, high, p, adjusted, detectableAt025 float64
	}{
		{"wasmedge/aot", 1.0166166267795425, 0.9773704284962293, 1.0574387516767692, 0.33106596859743354, 0.33106596859743354, 1.0649581575112568},
		{"v8", 1.2351364209402953, 1.1762497973622805, 1.2969710870550186, 0.00010285825678677665, 0.0002057165135735533, 1.081220977599296},
	} {
		c := s.Compared[0].Of[i]
		if c.Runtime != want.runtime || !near(c.Ratio.Value, want.ratio) || !near(*c.Ratio.Low, want.low) || !near(*c.Ratio.High, want.high) ||
			!near(c.P, want.p) || !near(c.Adjusted, want.adjusted) || math.Abs(*c.Detectable/want.detectableAt025-1) > 1e-6 || c.Ratio.N != 6 {
			t.Errorf("%+v, want %+v", c, want)
		}
	}
	wants(t, text(t, s),
		"ratios to native (geometric means of wall times; t test on logarithms, p at most 0.05 after Holm over the line):",
		"crc: differ: v8 1.24 [1.18, 1.30]; not told apart: wasmedge/aot 1.02 [0.977, 1.06]; "+
			"not compared: wavm (0 of 6 ok); smallest ratio that n = 6 can detect: 1.06x to 1.08x (power 0.8, alpha 0.05 over 2)",
		"crc on native: process 1.02 [0.977, 1.06] (n = 6) alike: undecided", // SciPy: p = 0.216
	)
}

// A line of many runtimes names those alone that show no difference, and no
// number is made up for what so few values could never show.
func TestComparesMany(t *testing.T) {
	few := [][]int64{{100, 140}, {10000, 10010}, {101, 139}, {20000, 20020}, {30000, 30030}}
	wants(t, text(t, compared(t, []string{"native", "a", "b", "c", "d"}, few)),
		"crc: 0 of 4 differ; smallest ratio that n = 2 can detect: above 1000x (power 0.8, alpha 0.05 over 4)")
	many := [][]int64{{100, 101, 102, 99}, {150, 151, 152, 153}, {100, 101, 100, 102}, {200, 201, 203, 202}, {300, 301, 303, 302}}
	wants(t, text(t, compared(t, []string{"native", "a", "b", "c", "d"}, many)),
		"crc: 3 of 4 differ; not told apart: b; smallest ratio that n = 4 can detect: 1.05x (power 0.8, alpha 0.05 over 4)")
}

// What cannot be compared is named with the reason, and so is that some of its
// invocations failed of what is.
func TestOfUncompared(t *testing.T) {
	good := []int64{100, 104, 98, 101, 97, 103}
	for _, c := range []struct {
		times [][]int64
		want  string
	}{
		{[][]int64{good, {120, 131, 125}, {150}}, "crc: differ: a (3 of 6 ok) 1.25 [1.11, 1.40]; not compared: b (1 of 6 ok); smallest ratio that n = 3 can detect: 1.18x (power 0.8, alpha 0.05)"},
		{[][]int64{{120, 131, 125}, good}, "crc: baseline native (3 of 6 ok); differ: a 0.802 [0.712, 0.904]; smallest ratio that n = 3 can detect: 1.18x (power 0.8, alpha 0.05)"},
		{[][]int64{nil, good}, "crc: not compared: any, for want of the baseline native (0 of 6 ok)"},
		{[][]int64{{100}, {140}}, "crc: not compared: any, for want of the baseline native (1 of 1 ok, it takes two)"},
		{[][]int64{good, {21, 21, 21, 21, 21, 21}, {20, 21, 20, 20, 20, 20}, {0, 1, 2, 3, 4, 5}}, "crc: not compared: a (its times do not vary, so its clock is too coarse), " +
			"b (its clock is too coarse, in steps of 1000000 ns), c (1 of 6 times are 0)"},
	} {
		wants(t, text(t, compared(t, []string{"native", "a", "b", "c"}[:len(c.times)], c.times)), c.want)
	}
	pair := []string{"native", "native" + assay.ControlSuffix}
	wants(t, text(t, compared(t, pair, [][]int64{good, {100}})), "crc on native: process not compared (1 of 6 ok)")
	wants(t, text(t, summed(t, assay.Plan{Count: true}, func(_, block int) []assay.Sample {
		return []assay.Sample{{Phase: assay.Process, Outcome: assay.OK}}
	})), "crc on wazero: not compared (the protocol takes no times)")
}

// Means of calls in invocations, what each level adds, and how many calls an
// invocation is worth: by the mean squares of NumPy 2, Student's t of SciPy 1.17,
// and the roots of Fieller's quadratic. The second runtime takes twice as long,
// and invocations of the third are alike.
func TestOfNesting(t *testing.T) {
	times := [][]int64{{100, 102, 99}, {110, 113, 111}, {95, 94, 98}, {105, 101, 104}, {109, 110, 106}, {99, 97, 100}}
	of := func(blocks int) assay.Summary {
		plan := assay.Plan{Calls: 4, WarmCalls: 1}
		for _, runtime := range []string{"wazero", "wasmi", "alike"} {
			plan.Trials = append(plan.Trials, assay.Trial{Workload: "crc", Runtime: runtime})
		}
		return summed(t, plan, func(trial, block int) []assay.Sample {
			if block >= blocks {
				return []assay.Sample{{Phase: assay.Process, Outcome: assay.Timeout}}
			}
			process := int64(6000e6)
			all := []assay.Sample{{Phase: assay.Process, Outcome: assay.OK, WallNS: &process}}
			for call, ms := range append([]int64{500}, times[block]...) {
				ns := ms * 1e6 * []int64{1, 2, 0}[trial]
				if trial == 2 {
					ns = int64(call*2e6+1e6) + int64(block)
				}
				all = append(all, assay.Sample{Phase: assay.Call, Call: int32(call + 1), Warmup: call == 0, Outcome: assay.OK, WallNS: &ns})
			}
			return all
		})
	}
	s := of(6)
	first, second := s.Rows[0], s.Rows[1]
	if n := first.Nesting; n == nil || !near(n.Invocations, 0.05698928027928883) || !near(n.Calls, 0.017735215029848893) || n.Best != 3 {
		t.Errorf("nesting %+v", n)
	}
	if m := first.Mean; !near(m.Value, 102.94444444444444) || !near(*m.Low, 96.68910114279886) || !near(*m.High, 109.19978774609002) || m.N != 6 || first.Over != nil {
		t.Errorf("mean %+v, over its own %+v", m, first.Over)
	}
	if r := second.Over; !near(r.Value, 2) || !near(*r.Low, 1.8350670397520643) || !near(*r.High, 2.17975687718768) {
		t.Errorf("ratio of means %+v", r)
	}
	wants(t, text(t, s), "calls an invocation that make the mean most precise for the time it takes (Kalibera and Jones): 2 to 3, by row; "+
		"the more the better in 1 of 3 rows, where invocations add nothing that can be told; this run has 3",
		"crc wasmi 6 18 204 [190, 222] 206 [193, 218] 2.00 [1.84, 2.18] - below 4.4 24 timeout",
		"ratios to wazero (geometric means of the invocations' median call times; t test on logarithms, p at most 0.05 after Holm over the line):")
	if n := of(5).Rows[0].Nesting; n != nil {
		t.Errorf("nesting of five invocations: %+v", n)
	}
}
