package agent_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/journal"
	"github.com/assay-notebooks/assay/runners/measure"
)

// complete runs a plan to its end and returns its rows.
func complete(t *testing.T, p assay.Plan) (dir string, rows []assay.Sample) {
	t.Helper()
	dir = write(t, p)
	if code, stderr := run(t, dir); code != 0 {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	return dir, read(t, dir).Samples
}

const shimHead = `{"shim":1,"engine":"e","version":"1","mode":"jit","threads":3}\n`

// The phases of a shim are rows of its invocation.
func TestPhases(t *testing.T) {
	const twoCalls = `{"phase":"first-call","ns":4}\n{"phase":"call","call":1,"ns":6}\n{"phase":"call","call":2,"ns":7}\n{"end":"ok"}\n' >&3`
	p := plan(1, 0,
		assay.Trial{Workload: "ok", Mode: "jit", Cache: "off", Threads: 2, Command: shell(`printf '` + shimHead +
			`{"phase":"engine-init+link","ns":30,"cpu_ns":20}\n{"phase":"first-call","ns":40}\n` +
			`{"phase":"region","call":1,"ns":5}\n{"phase":"call","call":1,"ns":6}\n{"phase":"call","call":2,"ns":7}\n{"end":"ok"}\n' >&3`)},
		assay.Trial{Workload: "too few", Command: shell(`printf '` + shimHead + `{"phase":"first-call","ns":40}\n{"end":"ok"}\n' >&3`)},
		assay.Trial{Workload: "trap", Command: shell(`printf '` + shimHead + `{"phase":"compile","ns":40}\n{"end":"trap"}\n' >&3; echo trap >&2; exit 134`),
			Signs: []assay.Sign{{Outcome: assay.Trap, Exit: []int{134}, Stderr: "^trap"}}},
		assay.Trial{Workload: "other mode", Mode: "precompiled", Command: shell(`printf '` + shimHead + twoCalls)},
		assay.Trial{Workload: "not as asked", ShimMode: "winch", Command: shell(`printf '` + shimHead + twoCalls)},
	)
	p.Phases, p.Calls, p.WarmCalls = true, 2, 1
	_, rows := complete(t, p)
	var got []string
	for _, s := range rows {
		cpu := int64(-1)
		if s.CPUNS != nil && s.Phase != assay.Process {
			cpu = *s.CPUNS
		}
		wall := *s.WallNS
		if s.Phase == assay.Process {
			wall = 0
		}
		got = append(got, fmt.Sprint(s.Workload, " ", s.Phase, " ", s.Call, " ", s.Warmup, " ", s.Outcome, " ", wall, " ", cpu))
		if s.Workload == "ok" && (s.Mode != "jit" || s.Cache != "off" || s.Threads != 3 || (s.Engine == "e 1") != (s.Phase == assay.Process) || s.StartNS == 0) {
			t.Errorf("%s of ok has mode %q, cache %q, %d threads, start %d", s.Phase, s.Mode, s.Cache, s.Threads, s.StartNS)
		}
		for workload, why := range map[string]string{"other mode": `and the plan's "precompiled"`, "not as asked": `"winch" was asked for`} {
			if s.Workload == workload && s.Phase == assay.Process && !strings.Contains(s.Detail, why) {
				t.Errorf("%s: detail %q, want %s", workload, s.Detail, why)
			}
		}
		if s.Workload == "too few" && s.Phase == assay.Process && !strings.Contains(s.Detail, "0 calls were reported, 2 asked for") {
			t.Errorf("too few: detail %q", s.Detail)
		}
	}
	slices.Sort(got)
	got = slices.DeleteFunc(got, func(s string) bool { // what they report is kept, as ok's is
		return (strings.HasPrefix(s, "other mode") || strings.HasPrefix(s, "not as asked")) && !strings.Contains(s, " process ")
	})
	want := []string{
		"not as asked process 0 false wrong-output 0 -1",
		"ok call 1 true ok 6 -1", "ok call 2 false ok 7 -1", "ok engine-init+link 0 false ok 30 20", "ok first-call 0 false ok 40 -1",
		"ok process 0 false ok 0 -1", "ok region 1 true ok 5 -1",
		"other mode process 0 false wrong-output 0 -1",
		"too few first-call 0 false wrong-output 40 -1", "too few process 0 false wrong-output 0 -1",
		"trap compile 0 false trap 40 -1", "trap process 0 false trap 0 -1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("rows\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The longest invocation of phases fits into one frame: all calls that there may
// be with a region each, the other phases, and the longest texts that a plan has.
func TestPhasesFitAFrame(t *testing.T) {
	ns := int64(math.MaxInt64)
	row := assay.Sample{
		Seq: ns, Block: math.MaxInt32, Trial: math.MaxInt32, Workload: strings.Repeat("w", 128), Runtime: "wasmtime/precompiled" + assay.ControlSuffix,
		Host: "local", Params: map[string]string{"p": strings.Repeat("<", 256/6)}, // "<" is six bytes of JSON
		Phase: assay.Region, Call: assay.MaxCalls, Mode: "precompiled", Cache: "prepared", Threads: math.MaxInt32, Outcome: assay.RuntimeCrash,
		Exit: -1, StartNS: ns, Segment: math.MaxInt32, WallNS: &ns, CPUNS: &ns,
	}
	process := row
	process.Detail = strings.Repeat("<", 4<<10)
	b, err := json.Marshal(append(slices.Repeat([]assay.Sample{row}, 2*assay.MaxCalls+12), process))
	if err != nil || len(b) > journal.MaxFrame {
		t.Errorf("%d bytes, %v; want at most %d", len(b), err, journal.MaxFrame)
	}
	t.Logf("%d bytes of %d", len(b), journal.MaxFrame)
}

// Samples of the protocols of memory and of counts have no times.
func TestMemoryAndCounts(t *testing.T) {
	p := plan(1, 0, assay.Trial{Command: shell("echo hi")})
	p.Memory = true
	dir, rows := complete(t, p)
	if s := rows[0]; len(rows) != 1 || s.Outcome != assay.OK || s.RSSBytes == nil || s.PSSBytes == nil || s.WallNS != nil || s.CPUNS != nil || s.CgroupNS != nil || s.Minor != nil {
		t.Errorf("memory: %+v, want two sizes, no times, and no other row", rows)
	}
	if a := record(t, dir); a.Launch != nil || a.Unmeasured["pss_bytes"] != "" {
		t.Errorf("memory: record %+v, want no launch, and proportional sets", a)
	}
	// The process that starts a container says nothing of it.
	p = plan(1, 0, assay.Trial{Command: shell("echo hi"), Group: true})
	p.Memory = true
	dir, rows = complete(t, p)
	why := record(t, dir).Unmeasured["cgroup_peak_memory_bytes"]
	if s := rows[0]; s.RSSBytes != nil || s.PSSBytes != nil || (s.CgroupMemory == nil) != (why != "") || (s.Outcome == assay.OK) != (why == "") || !strings.Contains(s.Detail, why) {
		t.Errorf("memory of a group: %+v, want its peak alone, or unsupported because %q", s, why)
	}
	// Nor does the client of a daemon, by whatever protocol.
	for _, memory := range []bool{false, true} {
		p = plan(1, 0, assay.Trial{Command: shell(`x=$(head -c 20000000 /dev/zero | tr "\0" x)`), Clean: []assay.Command{shell("exit 0")}})
		p.Memory = memory
		if _, rows = complete(t, p); rows[0].RSSBytes != nil || rows[0].PSSBytes != nil {
			t.Errorf("memory of a client: %+v, want none", rows[0])
		}
	}
	p = plan(1, 0, assay.Trial{Command: shell(`printf '` + shimHead + `{"phase":"first-call","ns":4}\n{"count":7,"unit":"fuel:e"}\n{"end":"ok"}\n' >&3`)})
	p.Count = true
	_, rows = complete(t, p)
	if s := rows[0]; len(rows) != 1 || s.Outcome != assay.OK || s.Guest == nil || *s.Guest != 7 || s.GuestOf != "fuel:e" || s.WallNS != nil || s.CPUNS != nil {
		t.Errorf("count: %+v, want 7 fuel:e, no times, and no other row", rows)
	}
	// What the program says itself is no part of the answer, and wanted.
	counted := func(script string) assay.Trial {
		c := shell(script)
		c.Chatter, c.Counted = `used \d+\n`, assay.Counted{Says: `used (\d+)\n`, Unit: "fuel:e"}
		return assay.Trial{Command: c, Expect: assay.Expectation{Stdout: assay.DigestOf([]byte("hi\n"))}}
	}
	p = plan(1, 0, counted("echo hi; echo used 7"), counted("echo hi"), counted("echo hi; echo used 3; echo lo"))
	p.Count = true
	_, rows = complete(t, p)
	slices.SortFunc(rows, func(a, b assay.Sample) int { return int(a.Trial - b.Trial) })
	if s := rows[0]; s.Outcome != assay.OK || s.Guest == nil || *s.Guest != 7 || s.GuestOf != "fuel:e" || s.WallNS != nil {
		t.Errorf("count: %+v, want 7 fuel:e and no times", s)
	}
	if s := rows[1]; s.Outcome != assay.WrongOutput || s.Guest != nil || !strings.Contains(s.Detail, "fuel:e") {
		t.Errorf("a count that is not told: %+v, want %s", s, assay.WrongOutput)
	}
	if s := rows[2]; s.Outcome != assay.WrongOutput || !strings.Contains(s.Detail, "taken for the runtime's own") {
		t.Errorf("another answer beside the program's own lines: %+v, want a detail that tells of them", s)
	}
}

// A cold invocation has what it used, and a row for its first byte.
func TestUsage(t *testing.T) {
	// What a pipe does not hold is written when the first was read.
	dir, rows := complete(t, plan(1, 0, assay.Trial{Command: shell("echo hi; head -c 200000 /dev/zero; i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done")}))
	if len(rows) != 2 || rows[1].Phase != assay.FirstByte || *rows[1].WallNS >= *rows[0].WallNS || rows[1].Seq != rows[0].Seq || rows[1].CPUNS != nil {
		t.Errorf("rows %+v, want a process and its first byte", rows)
	}
	s, a := rows[0], record(t, dir)
	if s.Minor == nil || s.Major == nil || s.Waits == nil || s.Preempts == nil {
		t.Errorf("no faults or switches: %+v", s)
	}
	if split := s.UserNS != nil && s.SystemNS != nil && *s.UserNS+*s.SystemNS == *s.CPUNS; split != (*s.CPUNS > 100_000_000) {
		t.Errorf("of %d ns user %v, system %v: want them to add up, and above 100 ms alone", *s.CPUNS, s.UserNS, s.SystemNS)
	}
	for column, value := range map[string]*int64{"cycles": s.Cycles, "instructions": s.Instrs, "storage_read_bytes": s.Reads, "storage_write_bytes": s.Writes} {
		if (value == nil) != (a.Unmeasured[column] != "") {
			t.Errorf("%s is %v, and the record says %q", column, value, a.Unmeasured[column])
		}
	}
	if l := a.Launch; l == nil || l.N != 20 || !(0 < *l.Low && *l.Low <= l.Value && l.Value <= *l.High) || l.Unit != "ns" {
		t.Errorf("launch is %+v", l)
	}
	if code, stderr := run(t, dir); code != 0 || record(t, dir).Launch == nil {
		t.Errorf("run again when it was complete: exit %d %s, record %+v; want what was known to stay", code, stderr, record(t, dir))
	}
}

// Trials that ask for the same preparation get it once a segment.
func TestPrepareOnce(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	same, other := shell("echo same >> "+log+"; echo code > prepared/code"), shell("echo other >> "+log+"; exit 1")
	dir, rows := complete(t, plan(1, 0,
		assay.Trial{Workload: "a", Prepare: []assay.Command{same}, Command: shell("cat prepared/code")},
		assay.Trial{Workload: "b", Prepare: []assay.Command{same}, Command: shell("cat prepared/code")},
		assay.Trial{Workload: "c", Prepare: []assay.Command{same, other}, Command: shell(":")},
		assay.Trial{Workload: "d", Prepare: []assay.Command{other}, Command: shell(":")},
	))
	if got := string(readFile(t, log)); got != "same\nother\n" {
		t.Errorf("prepared:\n%swant same and other", got)
	}
	for _, s := range rows {
		if want := s.Workload == "a" || s.Workload == "b"; (s.Outcome == assay.OK) != want {
			t.Errorf("%s is %s: %s", s.Workload, s.Outcome, s.Detail)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "nothing")); err == nil {
		t.Error("what was launched to calibrate is still there")
	}
}

// A preparation that refuses, or that we end, is no crash of the runtime.
func TestPrepareFails(t *testing.T) {
	signs := []assay.Sign{{Outcome: assay.Unsupported, Exit: []int{70}, Stderr: "^assay-shim: unsupported: "}}
	_, rows := complete(t, plan(1, 0,
		assay.Trial{Workload: string(assay.Unsupported), Prepare: []assay.Command{shell("echo assay-shim: unsupported: SIMD >&2; exit 70")}, Signs: signs, Command: shell(":")},
		assay.Trial{Workload: string(assay.Limit), Prepare: []assay.Command{shell("head -c 2000000 /dev/zero; sleep 100")}, Signs: signs, Command: shell(":")},
		assay.Trial{Workload: string(assay.RuntimeCrash), Prepare: []assay.Command{shell("exit 70")}, Signs: signs, Command: shell(":")},
	))
	for _, s := range rows {
		if string(s.Outcome) != s.Workload || !strings.HasPrefix(s.Detail, "prepare /bin/sh") {
			t.Errorf("%s is %s: %s", s.Workload, s.Outcome, s.Detail)
		}
	}
}

// A scratch directory is empty each time, whatever was left in it.
func TestScratch(t *testing.T) {
	c := shell(`ls -a "$PWD"; mkdir -p a/b; echo x > f`)
	c.Dir = "scratch"
	_, rows := complete(t, plan(3, 0, assay.Trial{Command: c, Scratch: "scratch", Expect: assay.Expectation{Stdout: assay.DigestOf([]byte(".\n..\n"))}}))
	for _, s := range rows {
		if s.Outcome != assay.OK {
			t.Errorf("block %d is %s: %s", s.Block, s.Outcome, s.Detail)
		}
	}
}

// The padding of an invocation depends on seed and position alone.
func TestPadding(t *testing.T) {
	log := func(seed string) string {
		path := filepath.Join(t.TempDir(), "log")
		p := plan(8, 0, assay.Trial{Command: shell(`echo ${#ASSAY_PAD} >> ` + path)})
		p.Padding, p.Seed = 64, seed
		complete(t, p)
		return string(readFile(t, path))
	}
	first, again, other := log("2a"), log("2a"), log("2b")
	if first != again || first == other {
		t.Errorf("paddings %q, with the same seed %q, with another %q", first, again, other)
	}
	for n := range strings.FieldsSeq(first) {
		var length int
		if _, err := fmt.Sscan(n, &length); err != nil || length < 0 || length > 64 {
			t.Errorf("a padding of %s bytes, want 0 to 64", n)
		}
	}
}

func TestPinned(t *testing.T) {
	allowed := `sed -n 's/^Cpus_allowed_list:\t//p' /proc/self/status`
	p := plan(1, 0, assay.Trial{Command: shell(allowed), Expect: assay.Expectation{Stdout: assay.DigestOf([]byte("0\n"))}})
	p.CPUs = "0"
	if err := measure.CheckCPUs(p.CPUs); err != nil {
		t.Skip(err)
	}
	if _, rows := complete(t, p); rows[0].Outcome != assay.OK {
		t.Errorf("pinned to processor 0: %s: %s", rows[0].Outcome, rows[0].Detail)
	}
}

// Trials of container runtimes have what their control groups say, or the record
// says why not.
func TestControlGroups(t *testing.T) {
	dir, rows := complete(t, plan(2, 0, assay.Trial{Workload: "in", Command: shell("echo hi"), Group: true}, assay.Trial{Workload: "out", Command: shell("")}))
	a := record(t, dir)
	for _, s := range processes(read(t, dir)) {
		in := s.Workload == "in"
		if in && s.RSSBytes != nil {
			t.Errorf("in: %d bytes resident of what started it", *s.RSSBytes)
		}
		if (s.CgroupNS != nil) != (in && a.Unmeasured["cgroup_cpu_ns"] == "") || (s.CgroupMemory != nil) != (in && a.Unmeasured["cgroup_peak_memory_bytes"] == "") {
			t.Errorf("%s: group %v ns, %v bytes; not measured: %v", s.Workload, s.CgroupNS, s.CgroupMemory, a.Unmeasured)
		}
	}
	t.Logf("%d rows; not measured: %v", len(rows), a.Unmeasured)
}
