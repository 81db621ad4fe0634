package display_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"html"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/display"
	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

var update = flag.Bool("update", false, "write golden files")

// hostile is what a name, a quote or a guest's last words may be.
const hostile = "<script>alert(1)</script>\" onload='x' &amp; \x1b[31m\u202eevil"

func sum(s string) assay.Digest { return assay.DigestOf([]byte(s)) }

func estimate(value, low, high float64, unit string, n int) *assay.Estimate {
	return &assay.Estimate{Value: value, Low: &low, High: &high, Unit: unit, N: n, Confidence: 0.95, Statistic: "median", Interval: "order statistics"}
}

func few(value float64, unit string, n int) *assay.Estimate {
	return &assay.Estimate{Value: value, Unit: unit, N: n, Confidence: 0.95, Statistic: "median", Interval: "order statistics"}
}

func record() assay.Run {
	began := time.Date(2026, 11, 24, 20, 30, 42, 847e6, time.UTC)
	return assay.Run{
		ID: "20261124T203042Z-f2f1bf", Name: "coldstart", Experiment: sum("experiment"), Plan: sum("plan"), Trace: sum("trace"), State: assay.Complete,
		Host: assay.Host{Name: "local", OS: "linux", Arch: "amd64", Kernel: "Linux 6.18.44", CPU: "AMD EPYC", Cores: 2, Memory: 25276510208, Virtual: "hypervisor, docker", Load1: "1.05", Clock: "tsc"},
		Runtimes: []assay.RuntimeVersion{
			{Name: "wazero", Version: "1.12.0", Path: "/home/somebody/wazero", Digest: sum("wazero"), Origin: "go build github.com/tetratelabs/wazero/cmd/wazero@v1.12.0"},
			{Name: "crun", Version: "1.8.1", Path: "/usr/bin/crun", Loader: []string{"/usr/bin/unshare", "--mount"}, Digest: sum("crun"), Origin: "Debian bookworm crun"},
			{Name: "native", Origin: "the workload's own executable"},
			{Name: "v8", Absent: "node is not on PATH: install Node.js 20, or drop v8 from runtimes"},
		},
		Agent: sum("agent"), Version: "1.0", Env: []string{"LANG=C.UTF-8"},
		Started: began, Finished: began.Add(91 * time.Second), Segments: 2, RSSFloor: 3571712,
	}
}

func ok(n int) map[assay.Outcome]int { return map[assay.Outcome]int{assay.OK: n} }

func summary() assay.Summary {
	return assay.Summary{
		Run: "20261124T203042Z-f2f1bf", Name: "coldstart", Floor: 3571712,
		Scope: "process start to exit of a fresh process; compiled code not cached, page cache warm",
		Rows: []assay.SummaryRow{
			{Workload: "noop", Runtime: "wazero", Planned: 30, Outcomes: ok(30), Wall: estimate(381.94, 378.6, 387.94, "ms", 30), CPU: estimate(391.2, 388.1, 398.4, "ms", 30), RSS: estimate(38.21, 35.94, 38.44, "MiB", 30), RSSBelow: 1},
			{Workload: "noop", Runtime: "native", Planned: 30, Outcomes: ok(30), Wall: estimate(1.1957, 1.1373, 1.3412, "ms", 30), CPU: estimate(1.16, 1.1, 1.21, "ms", 30), RSSBelow: 30},
			{Workload: "noop", Runtime: "v8", Planned: 30, Outcomes: map[assay.Outcome]int{assay.Unsupported: 30}, Detail: "node is not on PATH: install Node.js 20, or drop v8 from runtimes"},
		},
		Notes: []string{"load: 1.05 on 2 cores, over the last minute: other work, or the run before"},
	}
}

// byProtocol are summaries of the protocols that have rows or columns of their
// own.
func byProtocol() (phases, memory, count assay.Summary) {
	phases = summary()
	phases.Protocol, phases.Scope = "phases", "phases of a fresh process of each runtime's shim"
	phases.Scopes = map[assay.Phase]string{"engine-init+link": "making the engine; and resolving imports", assay.Compile: "module bytes to something that can be instantiated", assay.Call: "a later call"}
	memory, count = phases, phases
	memory.Protocol, count.Protocol = "memory", "count"
	memory.Scopes, count.Scopes = nil, nil
	memory.Rows, count.Rows = slices.Clone(phases.Rows), slices.Clone(phases.Rows)
	for i := range 2 {
		p, m, c := &phases.Rows[i], &memory.Rows[i], &count.Rows[i]
		for _, r := range []*assay.SummaryRow{p, m, c} {
			r.Mode, r.Cache, r.Threads = "aot", "off", 2
			r.Wall, r.CPU = nil, nil
		}
		p.Phases = []assay.PhaseRow{
			{Phase: "engine-init+link", Wall: estimate(0.21, 0.2, 0.25, "ms", 30)},
			{Phase: assay.Compile, Wall: estimate(31, 30.2, 33, "ms", 30), CPU: estimate(60, 59, 61, "ms", 30)},
			{Phase: assay.Call, Calls: 600, Wall: estimate(2.5, 2.4, 2.6, "ms", 30)},
		}
		m.PSS = estimate(30.5, 30.1, 30.9, "MiB", 30)
		c.Guest = estimate(959260031, 959260031, 959260031, []string{"fuel:wasmtime", "instructions:wasmedge"}[i], 30)
		c.RSS, c.RSSBelow = nil, 0
	}
	memory.Rows = append(memory.Rows, assay.SummaryRow{Workload: "noop", Runtime: "crun", Mode: "aot", Planned: 30, Outcomes: ok(30), GroupMemory: estimate(17.8, 17.7, 17.9, "MiB", 30)})
	return phases, memory, count
}

func hostileSummary() (assay.Run, assay.Summary) {
	run, s := record(), summary()
	run.Name, run.Host.CPU, run.Version = hostile, hostile, hostile
	run.Runtimes[0].Origin = hostile
	s.Name, s.Scope, s.Notes = hostile, hostile, []string{hostile}
	s.Rows = []assay.SummaryRow{
		{Workload: hostile, Runtime: hostile, Params: map[string]string{hostile: hostile}, Planned: 4, Outcomes: map[assay.Outcome]int{assay.OK: 1, assay.Exit: 2, assay.Signal: 1},
			Exits: map[int32]int{3: 2}, Signals: map[string]int{hostile: 1}, Detail: strings.Repeat(hostile, 40) + "\nmore", Wall: few(2.5, hostile, 1)},
	}
	return run, s
}

func drawn(name string) lab.Drawn {
	return lab.Drawn{Manifest: sum("artifact"), Figure: assay.Figure{
		Name: name, Seal: sum("seal"), Module: sum("module"), Width: 178,
		Tables:  []assay.FigureTable{{Digest: sum("table"), Run: "20261124T203042Z-f2f1bf", Trace: sum("trace"), Columns: []string{"runtime", "wall_ns"}}},
		Outputs: map[string]assay.Digest{"png": sum("png"), "svg": sum("svg")},
	}}
}

func picture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 2102, 723))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func imported(name string) lab.Imported {
	return lab.Imported{Manifest: sum("import"), Import: assay.Import{
		Format: assay.ImportFormat, Name: name, Importer: "ab-sweep", Revision: 2, Rejected: 3,
		Facts: []assay.Fact{{Name: "machine", Value: name}},
		Sources: []assay.ImportSource{
			{Path: "a b.csv", Digest: sum("a"), Size: 3 << 20, Kind: "ab results", Rows: 12},
			{Path: "README", Digest: sum("b"), Size: 1 << 20},
		},
		Traces: []assay.ImportTrace{{Name: "results", Meaning: name, Trace: sum("results"), Rows: 12, Columns: []assay.ImportColumn{
			{Name: "system", Kind: "string", Role: assay.RoleSystem, Basis: assay.Inferred, Evidence: "folder of the file"},
			{Name: "rps", Kind: "float", Unit: "1/s", Meaning: name, Role: assay.RoleThroughput, Basis: assay.Known},
		}}},
		Notes: []string{name, "README was not read"},
	}}
}

func judgement(verdict assay.Verdict) assay.Judgement {
	j := assay.Judgement{
		Claim: assay.Claim{ID: "wasmedge-100x", Subject: "WasmEdge 0.9", Quote: "startup time is 1/100", Source: "https://example.org/wasmedge",
			Scope: "start-up", Metric: "start-up ratio", Comparator: ">=", Value: assay.Amount{100}, Unit: "x", From: "2021-03-01"},
		Check: assay.Check{Metric: "wall_ns", Of: assay.Selection{Workload: "noop", Runtime: "container"}, Over: &assay.Selection{Workload: "noop", Runtime: "wasmedge"},
			Phase: assay.Process, Comparator: ">=", Value: 100, Unit: "x", Tolerance: 0.05},
		Run: "20261124T203042Z-f2f1bf", Verdict: verdict, Reason: "the whole interval is below the bound",
	}
	if verdict != assay.NotTestable {
		j.Estimate = estimate(18.4321, 17.9111, 19.0123, "x", 30)
		j.Estimate.Statistic = "ratio of medians"
	}
	return j
}

// cases are displays of every kind, as good names and as hostile ones.
func cases(t *testing.T) map[string][]wire.Display {
	run, s := record(), summary()
	steady := summary()
	steady.Phase, steady.Rows = assay.Call, steady.Rows[:2]
	steady.Scope = "one call in a process that goes on, by the guest's own clock; 50 calls in each of 30 fresh processes, after 5 of warm-up; CPU and peak RSS are of the whole process"
	for i := range steady.Rows {
		ofCalls := *steady.Rows[i].Wall
		ofCalls.Statistic, ofCalls.Interval = "median of the invocations' medians", "order statistics of the invocations' medians"
		steady.Rows[i].Calls, steady.Rows[i].Wall = 1500, &ofCalls
		mean := ofCalls
		mean.Statistic, mean.Interval = "mean of the invocations' means", "Student's t over invocations"
		steady.Rows[i].Mean = &mean
	}
	steady.Rows[1].Over = estimate(0.00313, 0.003, 0.00355, "x", 30)
	steady.Rows[1].Over.Statistic, steady.Rows[1].Over.Interval = "ratio of means", "Fieller's theorem over invocations"
	phases, memory, count := byProtocol()
	badRun, badSummary := hostileSummary()
	badPhases := badSummary
	badPhases.Scopes = map[assay.Phase]string{hostile: hostile}
	badPhases.Protocol, badPhases.Rows = "phases", slices.Clone(badSummary.Rows)
	badPhases.Rows[0].Mode, badPhases.Rows[0].Cache = hostile, hostile
	badPhases.Rows[0].Phases = []assay.PhaseRow{{Phase: hostile, Wall: few(2.5, hostile, 1)}}
	one := func(d wire.Display) []wire.Display { return []wire.Display{d} }
	w := assay.Workload{Name: "matmul", Manifest: sum("manifest"), Module: sum("module"), Native: map[string]assay.Digest{"linux/amd64": sum("native")},
		Image: map[string]assay.Digest{"linux/amd64": sum("image")}, Args: []string{"128"}, Expect: assay.Expectation{Stdout: sum("answer")}, Source: map[string]string{"toolchain": "go1.26.8"}}
	w.Variants = map[assay.Variant]assay.Digest{assay.Reactor: sum("reactor"), assay.MVP: sum("mvp")}
	bad := w
	bad.Variants = map[assay.Variant]assay.Digest{hostile: sum("mvp")}
	bad.Name, bad.Args, bad.Source = hostile, []string{hostile}, map[string]string{hostile: hostile}
	badDrawn := drawn(hostile)
	badDrawn.Figure.Tables[0].Columns = []string{hostile}
	instead := judgement(assay.Fails)
	instead.Verdict, instead.Check.Instead, instead.Check.Comparator, instead.Check.Value, instead.Check.To = assay.NotTestable, "V8", "in", 10, 20
	claim := judgement(assay.Fails)
	claim.Claim.Quote, claim.Claim.ID, claim.Reason, claim.Check.Metric, claim.Estimate.Unit = hostile, hostile, hostile, hostile, hostile
	claim.Claim.Source = "javascript:alert(1)"
	gone := imported("sweep")
	gone.Archived, gone.Gone, gone.Rejected, gone.Notes, gone.Facts = true, true, 0, nil, nil
	ofImport := drawn("sweep")
	ofImport.Figure.Tables = append(ofImport.Figure.Tables, assay.FigureTable{
		Digest: sum("other table"), Import: "sweep", Of: "results", Trace: sum("results"), Columns: []string{"system", "rps"},
	})
	at := lab.Progress{Run: run.ID, Done: 57, Total: 240, Elapsed: 4600 * time.Millisecond, Fresh: 57, Current: "matmul on wazero/interpreter: timeout"}
	end := at
	end.Done, end.Fresh, end.Elapsed = 240, 240, 91*time.Second
	return map[string][]wire.Display{
		"run":                one(display.Run(run, s, true)),
		"run-hostile":        one(display.Run(badRun, badSummary, false)),
		"run-steady":         one(display.Run(run, steady, false)),
		"run-phases":         one(display.Run(run, phases, false)),
		"run-memory":         one(display.Run(run, memory, false)),
		"run-count":          one(display.Run(run, count, false)),
		"run-phases-hostile": one(display.Run(badRun, badPhases, false)),
		"progress-waits":     one(display.Progress("coldstart", lab.Progress{Waits: true, Unready: []string{"load: 3.10 on 2 cores"}}, false)),
		"progress":           one(display.Progress("coldstart", at, false)),
		"progress-done":      one(display.Progress("coldstart", end, true)),
		"progress-stopped":   one(display.Progress("coldstart", at, true)),
		"progress-hostile":   one(display.Progress(hostile, lab.Progress{Run: run.ID, Current: hostile}, false)),
		"figure-sealed":      display.Figure(drawn("coldstart"), display.Sealed, map[string][]byte{"png": picture(t), "svg": []byte("<svg/>")}),
		"figure-replayed":    display.Figure(drawn("coldstart"), display.Replayed, map[string][]byte{"svg": []byte("<svg xmlns='http://www.w3.org/2000/svg'/>")}),
		"figure-stale":       display.Figure(drawn("coldstart"), display.Stale, map[string][]byte{"txt": []byte("a table\n")}),
		"figure-hostile":     display.Figure(badDrawn, display.Sealed, map[string][]byte{"svg": []byte(hostile)}),
		"workload":           one(display.Workload(w)),
		"workload-hostile":   one(display.Workload(bad)),
		"import":             one(display.Import(imported("sweep"))),
		"import-gone":        one(display.Import(gone)),
		"import-hostile":     one(display.Import(imported(hostile))),
		"figure-import":      display.Figure(ofImport, display.Sealed, map[string][]byte{"txt": []byte("a table\n")}),
		"claim-fails":        one(display.Judgement(judgement(assay.Fails))),
		"claim-unsupported":  one(display.Judgement(judgement(assay.NotTestable))),
		"claim-instead":      one(display.Judgement(instead)),
		"claim-hostile":      one(display.Judgement(claim)),
		"lint":               one(display.Findings([]string{"sweep"}, findings("sweep"))),
		"lint-none":          one(display.Findings([]string{"sweep", "coldstart"}, nil)),
		"lint-hostile":       one(display.Findings([]string{hostile}, findings(hostile))),
		"runtimes":           one(display.Runtimes(run.Runtimes)),
		"runtimes-hostile":   one(display.Runtimes([]assay.RuntimeVersion{{Name: hostile, Absent: hostile}, {Name: hostile, Version: hostile, Origin: hostile}})),
		"hosts":              one(display.Hosts([]assay.Host{run.Host})),
		"hosts-hostile":      one(display.Hosts([]assay.Host{badRun.Host})),
		"status":             one(display.Status([]wire.Live{{Run: assay.Run{ID: run.ID, Name: "coldstart", State: assay.Interrupted}, Done: 57, Total: 240}})),
		"status-none":        one(display.Status(nil)),
		"status-hostile":     one(display.Status([]wire.Live{{Run: assay.Run{ID: hostile, Name: hostile}}})),
	}
}

func findings(s string) []assay.Finding {
	f := assay.Finding{Rule: "little", Severity: assay.SeverityError, Subject: s, Trace: s, Where: []assay.Fact{{Name: "system", Value: s}}, Rows: 12, Of: 24,
		Examples: []assay.RowAt{{Row: 0, Source: s + ".csv", Line: 2, Value: 2}}, Number: few(2, "x", 12), Says: s + ": throughput × latency / load = 2.00", Effect: s + ": latencies are off", Remedy: s + ": find out why"}
	other, note := f, f
	other.Where = []assay.Fact{{Name: "system", Value: "other"}}
	note.Rule, note.Severity, note.Examples = "mode", assay.SeverityNote, nil
	return []assay.Finding{f, other, note}
}

func TestGolden(t *testing.T) {
	for name, displays := range cases(t) {
		var b strings.Builder
		for _, d := range displays {
			meta, err := json.MarshalIndent(d.Metadata, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "== metadata\n%s\n", meta)
			for _, mime := range []string{"text/html", "text/plain", "image/png"} {
				if data, ok := d.Data[mime]; ok {
					fmt.Fprintf(&b, "== %s\n%s\n", mime, data[:min(len(data), 20000)])
				}
			}
		}
		path := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(path, []byte(b.String()), 0o666); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if b.String() != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, &b, want)
		}
	}
}

var tag = regexp.MustCompile(`<[^>]*>`)

// TestHostile holds every kind to markup of its own: no string from outside
// becomes a tag, an attribute, an escape sequence or a line.
func TestHostile(t *testing.T) {
	kept := []string{"p", "b", "br", "small", "code", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "progress", "img"}
	attributes := regexp.MustCompile(`^( (align="(left|right|center)"|style="text-align:(left|right|center)(;padding-left:0)?"|colspan="2"|max="\d+"|value="\d+"))*$`)
	for name, displays := range cases(t) {
		for _, d := range displays {
			markup := d.Data["text/html"]
			for _, found := range tag.FindAllString(markup, -1) {
				element, attrs, _ := strings.Cut(strings.Trim(found, "<>/"), " ")
				if !slices.Contains(kept, element) {
					t.Errorf("%s: tag %s", name, found)
				}
				if element != "img" && attrs != "" && !attributes.MatchString(" "+attrs) {
					t.Errorf("%s: attributes %s", name, found)
				}
			}
			if strings.Count(markup, "<p>")+strings.Count(markup, "<details>") == 0 && markup != "" && !strings.HasPrefix(markup, "<img ") {
				t.Errorf("%s: html without a block: %s", name, markup)
			}
			for _, text := range []string{html.UnescapeString(markup), d.Data["text/plain"]} {
				if i := strings.IndexAny(text, "\x1b\u202e\r\x00"); i >= 0 {
					t.Errorf("%s: a control character in %.80q", name, text[i:])
				}
			}
			if strings.Contains(d.Data["text/plain"], "<p>") || d.Data["text/plain"] == "" {
				t.Errorf("%s: text/plain %q", name, d.Data["text/plain"])
			}
		}
	}
}

// TestSame holds what is not of the moment to be the same for one archive.
func TestSame(t *testing.T) {
	first, second := cases(t), cases(t)
	for name := range first {
		if a, b := fmt.Sprint(first[name]), fmt.Sprint(second[name]); a != b {
			t.Errorf("%s: %s\nthen %s", name, a, b)
		}
	}
	now, later := display.Run(record(), summary(), false), display.Run(record(), summary(), true)
	if fmt.Sprint(now.Metadata) != fmt.Sprint(later.Metadata) {
		t.Errorf("facts of a run measured now %v, from the archive %v: want the same", now.Metadata, later.Metadata)
	}
	h := record().Host
	h.Load1 = "17.3"
	if fmt.Sprint(display.Hosts([]assay.Host{h})) != fmt.Sprint(display.Hosts([]assay.Host{record().Host})) {
		t.Error("hosts: the display changes with the load")
	}
	sealed, replayed := display.Figure(drawn("f"), display.Sealed, nil), display.Figure(drawn("f"), display.Replayed, nil)
	for i := range sealed {
		if fmt.Sprint(sealed[i].Metadata) != fmt.Sprint(replayed[i].Metadata) {
			t.Errorf("facts of a sealed figure %v, of a replayed one %v: want the same", sealed[i].Metadata, replayed[i].Metadata)
		}
	}
}

// TestNoPaths holds the displays to say nothing of where files lie.
func TestNoPaths(t *testing.T) {
	for name, displays := range cases(t) {
		if text := fmt.Sprint(displays); strings.Contains(text, "/home/somebody") {
			t.Errorf("%s: has a path of this machine", name)
		}
	}
}

func TestPictureSize(t *testing.T) {
	d := display.Figure(drawn("f"), display.Sealed, map[string][]byte{"png": picture(t)})[0]
	size, _ := d.Metadata["image/png"].(map[string]any)
	if size["width"] != 673.0 || size["height"] != 231.0 {
		t.Errorf("a picture 178 mm wide and of 2102x723 dots: size %v, want 673x231 CSS pixels", size)
	}
}
