package summary

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
)

// summed sums up samples that of returns for each invocation of 30 blocks of the
// plan's trials; of three, if it has none: the second a control of the first
// and the last unsupported.
func summed(t *testing.T, plan assay.Plan, of func(trial, block int) []assay.Sample) assay.Summary {
	t.Helper()
	if plan.Trials == nil {
		plan.Trials = []assay.Trial{
			{Workload: "crc", Runtime: "wazero", Mode: "aot", Cache: "off", Threads: 1},
			{Workload: "crc", Runtime: "wazero" + assay.ControlSuffix, Mode: "aot", Cache: "off", Threads: 1, Control: true},
			{Workload: "crc", Runtime: "native", Mode: "aot", Unsupported: "native has no shim"},
		}
	}
	var samples []assay.Sample
	for block := range 30 {
		plan.Order = append(plan.Order, make([]int, len(plan.Trials)))
		for trial := range plan.Trials {
			rows := []assay.Sample{{Phase: assay.Process, Outcome: assay.Unsupported, Detail: plan.Trials[trial].Unsupported}}
			if plan.Trials[trial].Unsupported == "" {
				rows = of(trial, block)
			}
			for _, s := range rows {
				s.Seq, s.Block, s.Trial = int64(len(plan.Trials)*block+trial), int32(block), int32(trial)
				samples = append(samples, s)
			}
		}
	}
	s, err := Of(assay.Run{ID: "r", RSSFloor: 4_613_734}, plan, func(yield func(assay.Sample, error) bool) {
		for _, x := range samples {
			if !yield(x, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func text(t *testing.T, s assay.Summary) string {
	t.Helper()
	var out strings.Builder
	if err := Write(&out, s); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// wants reports each line that a text does not have. Blanks count as one.
func wants(t *testing.T, text string, lines ...string) {
	t.Helper()
	var have []string
	for line := range strings.Lines(text) {
		have = append(have, strings.Join(strings.Fields(line), " "))
	}
	for _, line := range lines {
		if !slices.Contains(have, line) {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
}

func TestOfPhases(t *testing.T) {
	ms := func(v int) *int64 { n := int64(v) * 1e6; return &n }
	s := summed(t, assay.Plan{Phases: true, Calls: 3, WarmCalls: 1}, func(trial, block int) []assay.Sample {
		noisy := func(v int) *int64 { n := *ms(v) + int64(block); return &n }
		all := []assay.Sample{
			{Phase: assay.Process, Outcome: assay.OK, WallNS: ms(500), CPUNS: ms(400)},
			{Phase: "engine-init+link", Outcome: assay.OK, WallNS: ms(2), CPUNS: ms(1)},
			{Phase: assay.Compile, Outcome: assay.OK, WallNS: ms(30 + block), CPUNS: ms(60 + block)},
			{Phase: assay.Instantiate, Outcome: assay.OK, WallNS: noisy(1 + trial)},
		}
		if trial == 1 && block > 1 {
			all[3].CPUNS = ms(1)
		}
		for call := range 3 {
			all = append(all, assay.Sample{Phase: assay.Call, Call: int32(call + 1), Warmup: call == 0, Outcome: assay.OK, WallNS: noisy(100 * (3 - call))})
		}
		return all
	})
	wants(t, text(t, s),
		"workload runtime phase n calls wall (ms) CPU (ms) mean (ms) mean / wazero mode failures",
		"crc wazero engine-init+link 30 - 2.00 [2.00, 2.00] 1.00 [1.00, 1.00] - - aot, cache off, 1 thread none",
		"crc wazero compile 30 - 44.5 [39.0, 50.0] 74.5 [69.0, 80.0] - - aot, cache off, 1 thread",
		"crc wazero (A/A) instantiate 30 - 2.00 [2.00, 2.00] 1.00 [1.00, 1.00] - - aot, cache off, 1 thread",
		"crc wazero call 30 60 150 [150, 150] - 150 [150, 150] - aot, cache off, 1 thread",
		"crc wazero (A/A) call 30 60 150 [150, 150] - 150 [150, 150] 1.00 [1.00, 1.00] aot, cache off, 1 thread",
		"crc native - 0 - - - - - aot 30 unsupported: native has no shim",
		"engine-init+link: making the engine, its store and its WASI; and resolving imports",
		"crc on wazero (A/A): the CPU time of phase instantiate is of 28 of its 30 invocations",
		"A/A pairs (geometric mean of the second's times over that of the first's, which nothing but noise moves from 1; alike: within 3%, each by itself, alpha 0.05):",
		"crc on wazero: engine-init+link not compared (its times do not vary, so its clock is too coarse), compile 1.00 [0.898, 1.11] (n = 30) alike: undecided, "+
			"instantiate 2.00 [2.00, 2.00] (n = 30) alike: no, call 1.00 [1.00, 1.00] (n = 30) alike: yes",
	)
	if b, err := json.Marshal(s); err != nil || !strings.Contains(string(b), `"phases":[{"phase":"engine-init+link","wall":{"value":2,`) {
		t.Errorf("as JSON: %s, %v", b, err)
	}
}

// A region of a first call is not one of later calls, of which there are several
// in a process that are not independent. How many threads compile, a shim says.
func TestOfRegions(t *testing.T) {
	ms := func(v int) *int64 { n := int64(v) * 1e6; return &n }
	plan := assay.Plan{Phases: true, Calls: 40, Trials: []assay.Trial{{Workload: "crc", Runtime: "wasmtime", Mode: "jit"}}}
	wants(t, text(t, summed(t, plan, func(_, block int) []assay.Sample {
		all := []assay.Sample{{Phase: assay.Process, Outcome: assay.OK}, {Phase: assay.Region, Outcome: assay.OK, WallNS: ms(900), Threads: 2}}
		for call := range 40 {
			all = append(all, assay.Sample{Phase: assay.Region, Call: int32(call + 1), Outcome: assay.OK, WallNS: ms(100 + block)})
		}
		return all
	})),
		"crc wasmtime region 30 - 900 [900, 900] - - jit, 2 threads none",
		"crc wasmtime call-region 30 1200 114 [109, 120] - 114 [111, 118] jit, 2 threads",
	)
}

// What the program that starts a container takes is not shown as the
// container's.
func TestOfContainers(t *testing.T) {
	bytes := func(mib int64) *int64 { mib <<= 20; return &mib }
	ms := func(v int64) *int64 { v *= 1e6; return &v }
	trials := []assay.Trial{{Workload: "grow", Runtime: "native"}, {Workload: "grow", Runtime: "crun", Group: true}, {Workload: "grow", Runtime: "docker"}}
	of := func(trial, block int) []assay.Sample {
		s := assay.Sample{Phase: assay.Process, Outcome: assay.OK, WallNS: ms(50), CPUNS: ms(40), RSSBytes: bytes(3), PSSBytes: bytes(2)}
		switch trial {
		case 0:
			s.RSSBytes, s.PSSBytes = bytes(16), bytes(15)
		case 1:
			s.CgroupNS, s.CgroupMemory = ms(44), bytes(18)
		}
		return []assay.Sample{s}
	}
	wants(t, text(t, summed(t, assay.Plan{Memory: true, Trials: trials}, of)),
		"workload runtime n peak RSS (MiB) PSS at exit (MiB) control group peak (MiB) failures",
		"grow native 30 16.0 [16.0, 16.0] 15.0 [15.0, 15.0] - none",
		"grow crun 30 - - 18.0 [18.0, 18.0] none",
		"grow docker 30 - - - none",
		"grow on docker: what the container takes is not measured: it is no child of the command, whose own processor time the trace has",
	)
	wants(t, text(t, summed(t, assay.Plan{Trials: trials}, of)),
		"workload runtime n wall (ms) CPU (ms) peak RSS (MiB) control group CPU (ms) control group peak (MiB) failures",
		"grow native 30 50.0 [50.0, 50.0] 40.0 [40.0, 40.0] 16.0 [16.0, 16.0] - - none",
		"grow crun 30 50.0 [50.0, 50.0] 40.0 [40.0, 40.0] - 44.0 [44.0, 44.0] 18.0 [18.0, 18.0] none",
		"grow docker 30 50.0 [50.0, 50.0] - - - - none",
	)
}

// A memory that could not be read is missing, not small.
func TestOfMissingMemory(t *testing.T) {
	bytes := func(mib int64) *int64 { mib <<= 20; return &mib }
	for _, c := range []struct {
		plan assay.Plan
		want []string
	}{
		{assay.Plan{Memory: true}, []string{
			"crc wazero 30 20.0 [20.0, 20.0] 15.0 [15.0, 15.0] aot, cache off, 1 thread none",
			"crc on wazero: the peak RSS of 1 of 30 invocations could not be read",
			"crc on wazero: the PSS of 2 of 30 invocations could not be read"}},
	} {
		wants(t, text(t, summed(t, c.plan, func(_, block int) []assay.Sample {
			s := assay.Sample{Phase: assay.Process, Outcome: assay.OK}
			if block > 0 {
				s.RSSBytes = bytes(20)
			}
			if block > 1 {
				s.PSSBytes = bytes(15)
			}
			return []assay.Sample{s}
		})), c.want...)
	}
}

// A peak below what the launcher can tell is lower than all others, and takes
// none of them away.
func TestOfLowMemory(t *testing.T) {
	for low, want := range map[int][]string{
		1:  {"crc wazero 30 - - 6.00 [6.00, 6.00] aot, cache off, 1 thread none", "crc on wazero: the peak RSS of 1 of 30 invocations is below the floor of 4.4 MiB, and counts as the lowest"},
		14: {"crc wazero 30 - - 6.00 [below 4.4, 6.00] aot, cache off, 1 thread none", "crc on wazero: the peak RSS of 14 of 30 invocations is below the floor of 4.4 MiB, and counts as the lowest"},
		15: {"crc wazero 30 - - below 4.4 aot, cache off, 1 thread none"},
	} {
		wants(t, text(t, summed(t, assay.Plan{}, func(_, block int) []assay.Sample {
			s := assay.Sample{Phase: assay.Process, Outcome: assay.OK}
			if bytes := int64(6 << 20); block >= low {
				s.RSSBytes = &bytes
			}
			return []assay.Sample{s}
		})), want...)
	}
}

func TestOfMemory(t *testing.T) {
	bytes := func(mib int) *int64 { n := int64(mib) << 20; return &n }
	wants(t, text(t, summed(t, assay.Plan{Memory: true}, func(trial, block int) []assay.Sample {
		return []assay.Sample{{Phase: assay.Process, Outcome: assay.OK, RSSBytes: bytes(20), PSSBytes: bytes(15 + block)}}
	})),
		"workload runtime n peak RSS (MiB) PSS at exit (MiB) mode failures",
		"crc wazero 30 20.0 [20.0, 20.0] 29.5 [24.0, 35.0] aot, cache off, 1 thread none",
		"crc native 0 - - aot 30 unsupported: native has no shim",
	)
}

func TestOfCounts(t *testing.T) {
	fuel := int64(959260031)
	wants(t, text(t, summed(t, assay.Plan{Count: true}, func(trial, block int) []assay.Sample {
		return []assay.Sample{{Phase: assay.Process, Outcome: assay.OK, Guest: &fuel, GuestOf: "fuel:wasmtime"}}
	})),
		"workload runtime n count unit mode failures",
		"crc wazero 30 959260031 [959260031, 959260031] fuel:wasmtime aot, cache off, 1 thread none",
		"crc native 0 - - aot 30 unsupported: native has no shim",
	)
}

// Processor time is split only where every sample is.
func TestOfSplitTimes(t *testing.T) {
	ms := func(v int64) *int64 { v *= 1e6; return &v }
	split := func(until int) string {
		return text(t, summed(t, assay.Plan{}, func(trial, block int) []assay.Sample {
			s := assay.Sample{Phase: assay.Process, Outcome: assay.OK, WallNS: ms(300), CPUNS: ms(200), RSSBytes: ms(1)}
			if block < until {
				s.UserNS, s.SystemNS = ms(150), ms(50)
			}
			return []assay.Sample{s}
		}))
	}
	wants(t, split(30), "crc wazero 30 300 [300, 300] 200 [200, 200] 150 [150, 150] 50.0 [50.0, 50.0] 0.954 [0.954, 0.954] aot, cache off, 1 thread none")
	wants(t, split(29), "crc wazero 30 300 [300, 300] 200 [200, 200] 0.954 [0.954, 0.954] aot, cache off, 1 thread none")
}

// What makes all numbers of a run less certain is in its record, and in its
// plan's limits.
func TestCircumstances(t *testing.T) {
	run := assay.Run{Ready: []string{"load: 12.0"}, Changed: []string{"changed"}, RSSFloor: 5 << 20}
	want := []string{"load: 12.0", "changed",
		"memory: the limit, 4194304 bytes, is below what the launcher of commands has itself, 5242880: only what lived for 25 ms was seen to exceed it"}
	if got := circumstances(run, assay.Plan{Limits: assay.Limits{Memory: 4 << 20}}); !slices.Equal(got, want) {
		t.Errorf("circumstances are %q, want %q", got, want)
	}
}

// What a shim cannot tell is said of phases alone, once for all runtimes that it is true of.
func TestToKnow(t *testing.T) {
	trials := []assay.Trial{{Runtime: "v8"}, {Runtime: "v8" + assay.ControlSuffix}, {Runtime: "wamr"}, {Runtime: "v8/liftoff"}, {Runtime: "wazero"}}
	release := "wamr is WAMR of December 2020, not a release"
	untold := "v8, v8/liftoff do not tell engine-init, for V8 begins with Node, before any program, nor teardown, for it frees when it likes"
	if got, want := toKnow(assay.Plan{Phases: true, Trials: trials}), []string{untold, release}; !slices.Equal(got, want) {
		t.Errorf("of phases: %q, want %q", got, want)
	}
	if got, want := toKnow(assay.Plan{Trials: trials}), []string{release}; !slices.Equal(got, want) {
		t.Errorf("of processes: %q, want %q", got, want)
	}
}
