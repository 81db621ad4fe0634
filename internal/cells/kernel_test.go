package cells_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/assay-notebooks/assay/internal/jupyter/protocol"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// patience is for what takes seconds on a quiet machine.
const patience = 3 * time.Minute

// A workspace has the workloads hello and endless pinned, and assay.
type workspace struct {
	t        *testing.T
	bin, dir string
}

func newWorkspace(t *testing.T) workspace {
	t.Helper()
	w := workspace{t, assayProgram(t), t.TempDir()}
	w.assay("init")
	testdata, err := filepath.Abs("../../runners/runtimes/contract/guests")
	if err != nil {
		t.Fatal(err)
	}
	w.assay("pin", filepath.Join(testdata, "hello.wasm"), filepath.Join(testdata, "endless.wasm"))
	return w
}

// assay runs a command in the workspace and returns its stdout.
func (w workspace) assay(args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), w.bin, args...)
	cmd.Dir = w.dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("assay %q: %v\n%s%s", args, err, out, &stderr)
	}
	return string(out)
}

// A notebook is a kernel and its client.
type notebook struct {
	t      *testing.T
	cmd    *exec.Cmd
	client *protocol.Client
}

// open starts a kernel in the workspace. Its first cell has the imports.
func (w workspace) open() *notebook {
	w.t.Helper()
	dir, err := os.MkdirTemp("/tmp", "k") // sockets need a short path
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { os.RemoveAll(dir) })
	connection, err := protocol.NewConnection(dir, "assay")
	if err != nil {
		w.t.Fatal(err)
	}
	file := filepath.Join(dir, "kernel.json")
	if err := connection.Write(file); err != nil {
		w.t.Fatal(err)
	}
	n := &notebook{t: w.t, cmd: exec.Command(w.bin, "kernel", file)}
	n.cmd.Dir = w.dir
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := n.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(n.close)
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	if n.client, err = protocol.Dial(ctx, connection); err != nil {
		w.t.Fatal(err)
	}
	if got := n.run("import (\n\"github.com/assay-notebooks/assay/kernelext/figure\"\nassay \"github.com/assay-notebooks/assay/kernelext\"\n)\n" +
		"var hello, endless = assay.Pin(\"hello\"), assay.Pin(\"endless\")\n"); got.status != "ok" {
		tooltest.Missing(w.t, "gonb", fmt.Errorf("the first cell: %+v", got))
	}
	return n
}

// close ends the kernel.
func (n *notebook) close() {
	if n.client != nil {
		n.client.Close()
	}
	n.cmd.Process.Signal(syscall.SIGTERM)
	n.cmd.Wait()
}

// What a cell gave.
type outcome struct {
	status   string
	stdout   string
	stderr   string
	displays []shown
}

// shown is one display, and what took its place.
type shown struct {
	id     string
	states []string // text/plain
	mime   []string
	facts  map[string]any
}

func (o outcome) kinds() (kinds []string) {
	for _, d := range o.displays {
		kinds = append(kinds, fmt.Sprint(d.facts["kind"]))
	}
	return kinds
}

// run runs a cell. on is called with all that has been displayed so far.
func (n *notebook) run(code string, on ...func(outcome)) outcome {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	var o outcome
	var stdout, stderr strings.Builder
	reply, err := n.client.Execute(ctx, protocol.Code{Code: code, Output: func(m protocol.Message) {
		var c struct {
			Name, Text string
			Data       map[string]any
			Metadata   struct{ Assay map[string]any }
			Transient  struct {
				ID string `json:"display_id"`
			}
		}
		if err := json.Unmarshal(m.Content, &c); err != nil {
			n.t.Errorf("%s: %v", m.Content, err)
		}
		text, _ := c.Data["text/plain"].(string)
		switch m.Header.Type {
		case "stream":
			if c.Name == "stdout" {
				stdout.WriteString(c.Text)
			} else {
				stderr.WriteString(c.Text)
			}
		case "display_data":
			d := shown{id: c.Transient.ID, states: []string{text}, facts: c.Metadata.Assay}
			for mime := range c.Data {
				d.mime = append(d.mime, mime)
			}
			o.displays = append(o.displays, d)
		case "update_display_data":
			i := slices.IndexFunc(o.displays, func(d shown) bool { return d.id == c.Transient.ID })
			if i < 0 {
				n.t.Errorf("an update of %q, which there is not", c.Transient.ID)
				return
			}
			o.displays[i].states = append(o.displays[i].states, text)
		}
		for _, f := range on {
			f(o)
		}
	}})
	if err != nil {
		n.t.Fatalf("cell %q: %v", code, err)
	}
	o.status, o.stdout, o.stderr = reply.Status, stdout.String(), stderr.String()
	return o
}

// interrupt interrupts the cell once when its first display has changed.
func (n *notebook) interrupt() func(outcome) {
	var once sync.Once
	return func(o outcome) {
		if last := len(o.displays) - 1; last >= 0 && len(o.displays[last].states) > 2 {
			once.Do(func() {
				go func() {
					if err := n.client.Interrupt(n.t.Context()); err != nil {
						n.t.Error(err)
					}
				}()
			})
		}
	}
}

const (
	quick = `assay.Experiment("quick", assay.Cold{Invocations: 5}).Workloads(hello).Runtimes("wazero/interpreter")`
	slow  = `assay.Experiment("slow", assay.Cold{Invocations: 30}).Workloads(endless).Runtimes("wazero/interpreter").Limits(assaypkg.SpecLimits{Timeout: "100ms"})`
	times = `
func Times(f *figure.Figure, s figure.Table) error {
	return f.ECDF(s.Group("runtime"), s.Float("wall_ns").In("ms"))
}
`
	draw = "%%\nd := assay.Draw(Times, assay.Run(\"quick\").Samples(\"runtime\", \"outcome\", \"detail\", \"wall_ns\"))\nfmt.Println(d.Figure.Module)\n"
)

// slowCell measures for three seconds at least, longCell for minutes.
var (
	slowCell = "import assaypkg \"github.com/assay-notebooks/assay\"\n%%\n" + slow + ".Run()\nfmt.Println(\"done\")\n"
	longCell = strings.Replace(slowCell, "Invocations: 30", "Invocations: 3000", 1)
)

// untilBegun waits, in a cell, until a run has begun.
const untilBegun = "for { if m, _ := filepath.Glob(\".assay/runs/*/journal\"); len(m) > 0 { break }; time.Sleep(10 * time.Millisecond) }\n"

// TestCellsShow runs the cells of a notebook: what they show, and that they
// draw the same as another notebook and a program do.
func TestCellsShow(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	n := w.open()
	expect := func(o outcome, kinds ...string) {
		t.Helper()
		if o.status != "ok" || !slices.Equal(o.kinds(), kinds) {
			t.Fatalf("%+v, want ok and displays of %q", o, kinds)
		}
	}
	run := n.run("%%\n" + quick + ".Run()\n")
	expect(run, "progress", "run") // and not again what the variables of the first cell have shown
	if states := run.displays[0].states; !strings.Contains(states[len(states)-1], "5 of 5") {
		t.Errorf("the last progress is %q, want 5 of 5", states[len(states)-1])
	}
	expect(n.run("%%\n"+quick+".Run()\n"), "run")
	expect(n.run("%%\nfmt.Println(assay.Run(\"quick\").Samples(\"wall_ns\").Table().Rows, assay.Run(\"quick\").Trace())\n"))
	expect(n.run("%%\nassay.Runtimes()\nassay.Hosts()\nassay.Status()\nassay.Workload(\"hello\")\n"), "runtimes", "hosts", "status", "workload")

	expect(n.run(times))
	first := n.run(draw)
	expect(first, "figure", "figure")
	if !slices.Contains(first.displays[0].mime, "image/png") || !strings.Contains(first.displays[1].states[0], "sealed") {
		t.Errorf("the figure: %+v, want a picture and the badge sealed", first.displays)
	}
	module := regexp.MustCompile(`sha256:[0-9a-f]{64}`).FindString(first.stdout)

	// An edit elsewhere, and an init function, which GoNB makes of init_x.
	expect(n.run("var tally int\nfunc init_x() { tally++ }\nfunc other() int { return tally }\n"))
	again := n.run(draw)
	expect(again, "figure", "figure")
	if again.stdout != first.stdout || !strings.Contains(again.displays[1].states[0], "replayed") {
		t.Errorf("after an edit elsewhere: %+v, want module %s and the badge replayed", again, module)
	}
	other := w.open()
	expect(other.run(times))
	if o := other.run(draw); o.stdout != first.stdout {
		t.Errorf("in another kernel: %+v, want module %s", o, module)
	}
	program := t.TempDir()
	source := "package main\n\nimport \"github.com/assay-notebooks/assay/kernelext/figure\"\n" + times + "\nfunc main() {}\n"
	if err := os.WriteFile(filepath.Join(program, "main.go"), []byte(source), 0o666); err != nil {
		t.Fatal(err)
	}
	spec := "name: quick\nworkloads: [hello]\nruntimes: [wazero/interpreter]\nprotocol: {cold: {invocations: 5}}\n" +
		"figures: [{name: times, func: Times, source: " + program + ", columns: [runtime, outcome, detail, wall_ns]}]\n"
	if err := os.WriteFile(filepath.Join(w.dir, "quick.yaml"), []byte(spec), 0o666); err != nil {
		t.Fatal(err)
	}
	if out := w.assay("run", "--json", "quick.yaml"); !strings.Contains(out, module) || !strings.Contains(out, `"replayed":true`) {
		t.Errorf("of a program: %s, want the module %s", out, module)
	}

	// New samples: the figure of the old ones is stale.
	old := regexp.MustCompile(`\d{8}T\d{6}Z-\w+`).FindString(w.assay("runs"))
	expect(n.run("%%\n"+quick+".Rerun()\n"), "progress", "run")
	stale := n.run(strings.ReplaceAll(draw, `Run("quick")`, fmt.Sprintf("Run(%q)", old)))
	expect(stale, "figure", "figure")
	if !strings.Contains(stale.displays[1].states[0], "stale") {
		t.Errorf("a figure of run %s: %+v, want the badge stale", old, stale.displays)
	}
}

// TestCellsFail runs cells that go wrong: each says so once, at its line. What
// cannot be sealed is refused with the lines of the cells that are why.
func TestCellsFail(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	n := w.open()
	for _, c := range []struct{ code, want string }{
		{"%%\nfmt.Println(1)\nassay.Workload(\"nothere\")\n", `^assay: pin nothere: no workload "nothere": assay.lock has [^\n]*\n +\S*\[\[ Cell \[2\] Line 3 \]\]\S* \S+main.go:\d+\nexit status 1\n$`},
		{"var count int\nfunc Counts(f *figure.Figure, s figure.Table) error {\n\tcount++\n\treturn nil\n}\n%%\nassay.Draw(Counts, assay.Ran{}.Samples())\n", `^assay: this is no run: [^\n]*\n +\S*\[\[ Cell \[3\] Line 7`},
		{"%%\nassay.Param(\"n\", 1)\n", `^assay: parameter n: "x" is not a whole number: give another value to -p or ASSAY_PARAM_N\n +\S*\[\[ Cell \[4\] Line 2`},
		{"%%\n" + quick + ".Hosts(\"moon\").Run()\n", `^assay: no host "moon": there is local\n`},
		{"%%\nvar s []int\nfmt.Println(s[3])\n", `^panic: runtime error: index out of range`},
	} {
		if strings.Contains(c.code, "Param") {
			c.code = strings.Replace(c.code, "%%\n", "%%\nos.Setenv(\"ASSAY_PARAM_n\", \"x\")\n", 1)
			c.want = strings.Replace(c.want, "Line 2", "Line 3", 1)
		}
		o := n.run(c.code)
		if o.status != "error" || !regexp.MustCompile(c.want).MatchString(o.stderr) {
			t.Errorf("cell %q: %+v, want an error that matches %s", c.code, o, c.want)
		}
	}

	n.run("%%\n" + quick + ".Run()\n")
	n.run("var count int\nfunc Counts(f *figure.Figure, s figure.Table) error {\n\tcount++\n\treturn nil\n}\n")
	o := n.run("%%\nassay.Draw(Counts, assay.Run(\"quick\").Samples(\"wall_ns\"))\n")
	const want = `^assay: figure counts: cannot seal Counts: package-level variable count is changed at \(2\); [^\n]*\n` +
		` +\S*\[\[ Cell \[8\] Line 1 \]\][^\n]*\n +\S*\[\[ Cell \[8\] Line 3 \]\][^\n]*\(2\)\n +\S*\[\[ Cell \[9\] Line 2 \]\]`
	if o.status != "error" || !regexp.MustCompile(want).MatchString(o.stderr) {
		t.Errorf("%+v, want an error that matches %s", o, want)
	}
	if o := n.run("%%\nfmt.Println(2)\n"); o.stdout != "2\n" {
		t.Errorf("the next cell: %+v", o)
	}

	// What a figure did wrong has a line in a cell, too.
	n.run(`type T struct{}

func (T) Draw(f *figure.Figure, s figure.Table) error { return nil }

func Pan(f *figure.Figure, s figure.Table) error {
	f.Title("Pan")
	panic("oh")
}

func Waits(f *figure.Figure, s figure.Table) error {
	<-make(chan int)
	return nil
}

func MkF() func(*figure.Figure, figure.Table) error {
	return func(*figure.Figure, figure.Table) error { return nil }
}
`)
	place := func(cell, line int) string {
		return fmt.Sprintf(`\n +\S*\[\[ Cell \[%d\] Line %d \]\]\S* \S+main.go:\d+`, cell, line)
	}
	for i, c := range []struct {
		f, want string
		line    int
	}{
		{"Pan", `figure pan: the figure function panicked: oh, in Pan`, 7},
		{"Waits", `figure waits: fatal error: all goroutines are asleep - deadlock, in Waits`, 11},
		{"MkF()", `draw: main\.\S*MkF\S*func\d+ is a function literal or a method: [^\n]*`, 16},
		{"T{}.Draw", `draw: main.T.Draw is a function literal or a method: [^\n]*`, 3},
	} {
		o := n.run("%%\nsamples := assay.Run(\"quick\").Samples(\"wall_ns\")\nassay.Draw(" + c.f + ", samples)\n")
		want := `^assay: ` + c.want + place(11, c.line) + place(12+i, 3)
		if o.status != "error" || !regexp.MustCompile(want).MatchString(o.stderr) {
			t.Errorf("%s: %+v, want an error that matches %s", c.f, o, want)
		}
	}
}

// TestCellsInterrupted interrupts a run and goes on with it.
func TestCellsInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	n := w.open()
	o := n.run(slowCell, n.interrupt())
	states := o.displays[0].states
	if o.status != "error" || strings.Contains(o.stdout, "done") || len(o.displays) != 1 ||
		!regexp.MustCompile(`^assay: slow interrupted: \d+ of 30 invocations are kept; run this cell again to go on, or: assay resume \S+\n(\^C\n)?exit status 130\n$`).MatchString(o.stderr) ||
		!strings.Contains(states[len(states)-1], "run this cell again to go on") {
		t.Fatalf("%+v, want an error that says how to go on", o)
	}
	if runs := w.assay("runs"); !regexp.MustCompile(`slow +interrupted`).MatchString(runs) {
		t.Errorf("assay runs: %s, want slow to be interrupted", runs)
	}
	o = n.run(slowCell)
	if o.status != "ok" || !strings.Contains(o.stdout, "done") || strings.Contains(o.displays[0].states[0], " 0 of 30") {
		t.Errorf("again: %+v, want it to go on", o)
	}
	if runs := w.assay("runs"); strings.Count(runs, "slow") != 1 {
		t.Errorf("assay runs: %s, want one run", runs)
	}

	// New samples are interrupted and gone on with in the same way.
	rerunCell := strings.Replace(slowCell, ".Run()", ".Rerun()", 1)
	if o := n.run(rerunCell, n.interrupt()); o.status != "error" || !strings.Contains(o.stderr, "run this cell again to go on") {
		t.Fatalf("%+v, want an error that says how to go on", o)
	}
	if o := n.run(rerunCell); o.status != "ok" || !strings.Contains(o.stdout, "done") || strings.Contains(o.displays[0].states[0], " 0 of 30") {
		t.Errorf("the rerun again: %+v, want it to go on", o)
	}
	if runs := w.assay("runs"); strings.Count(runs, "complete") != 2 || strings.Contains(runs, "interrupted") {
		t.Errorf("assay runs: %s, want two, complete", runs)
	}
}

// TestCellsVanish ends a cell, and then a kernel, in the middle of a run: it
// goes on, and the cell run again attaches to it.
func TestCellsVanish(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	n := w.open()
	o := n.run(strings.Replace(longCell, "%%\n", "%%\ngo func() {\n"+untilBegun+"os.Exit(3)\n}()\n", 1))
	if o.status != "error" || !strings.Contains(o.stderr, "exit status 3") {
		t.Fatalf("%+v, want exit status 3", o)
	}
	o = n.run("%%\nfor _, live := range assay.Status() { fmt.Println(live) }\n")
	if !regexp.MustCompile(`slow: \d+ of 3000, running`).MatchString(o.stdout) {
		t.Fatalf("%+v, want the run at work", o)
	}
	n.close()
	n = w.open()
	var once sync.Once
	o = n.run(longCell, func(o outcome) {
		if len(o.displays) > 0 && len(o.displays[0].states) > 2 {
			once.Do(func() { w.assay("cancel", "slow") })
		}
	})
	if len(o.displays) == 0 || o.displays[0].facts["kind"] != "progress" || strings.Contains(o.displays[0].states[0], " 0 of 3000") {
		t.Errorf("%+v, want the progress of what is there", o)
	}
	if o.status != "error" || !strings.Contains(o.stderr, "of 3000 invocations are kept") {
		t.Errorf("%+v, want it to end with the run", o)
	}
	if runs := w.assay("runs", "--json"); strings.Count(runs, `"type":"run"`) != 1 || !strings.Contains(runs, `"segments":1`) {
		t.Errorf("assay runs: %s, want one run in one segment", runs)
	}
}

// TestCellsArchive has cells end in the middle of a run, by the end of the
// program and because only goroutines wait for it: the kernel sees to the
// archive, and the next cell runs.
func TestCellsArchive(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	n := w.open()
	for i, c := range []struct{ name, cell, status string }{
		{"exits", "%%\ngo func() {\n" + untilBegun + "os.Exit(3)\n}()\nRUN\nfmt.Println(\"done\")\n", "error"},
		{"returns", "%%\ngo func() {\nRUN\nfmt.Println(\"done\")\n}()\ngo assay.Hosts()\n" + untilBegun, "ok"},
	} {
		run := strings.Replace(slow, `"slow"`, fmt.Sprintf("%q", c.name), 1) + ".Run()"
		o := n.run("import assaypkg \"github.com/assay-notebooks/assay\"\n" + strings.Replace(c.cell, "RUN", run, 1))
		if o.status != c.status || o.stdout != "" || strings.Contains(o.stderr, "GoNB") {
			t.Errorf("%s: %+v, want status %s and nothing done", c.name, o, c.status)
		}
		if o := n.run("%%\nfmt.Println(assay.Hosts()[0].Name)\n"); o.stdout != "local\n" {
			t.Errorf("%s: the next cell: %+v", c.name, o)
		}
		for deadline := time.Now().Add(patience); ; {
			if runs := w.assay("runs"); strings.Count(runs, "complete") == i+1 {
				break
			} else if time.Now().After(deadline) {
				t.Fatalf("%s: assay runs: %s, want it complete", c.name, runs)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if lock, err := os.ReadFile(filepath.Join(w.dir, "assay.lock")); err != nil || !strings.Contains(string(lock), fmt.Sprintf(`"name": %q`, c.name)) {
			t.Errorf("%s: assay.lock: %v %s, want the experiment", c.name, err, lock)
		}
	}
}

// TestTwoNotebooks asks for one experiment in two notebooks at once, and has
// one of them interrupted by nobody: both have one run.
func TestTwoNotebooks(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	notebooks := []*notebook{w.open(), w.open()}
	var all sync.WaitGroup
	for _, n := range notebooks {
		all.Go(func() {
			if o := n.run(slowCell); o.status != "ok" || !strings.Contains(o.stdout, "done") || len(o.displays) != 2 {
				t.Errorf("%+v, want the run", o)
			}
		})
	}
	all.Wait()
	if runs := w.assay("runs"); strings.Count(runs, "slow") != 1 {
		t.Errorf("assay runs: %s, want one run", runs)
	}
}

// TestCellsCrowded asks from many goroutines, beside an encoder of the cell's
// own on GoNB's pipe, which is what gonbui is, and a hundred megabytes of
// output: nothing is lost.
func TestCellsCrowded(t *testing.T) {
	t.Parallel()
	w := newWorkspace(t)
	n := w.open()
	const code = `
import "encoding/gob"

type display struct {
	Data      map[string]any
	Metadata  map[string]any
	DisplayID string
}

%%
pipe, err := os.OpenFile(os.Getenv("GONB_PIPE"), os.O_WRONLY, 0)
if err != nil { panic(err) }
theirs := gob.NewEncoder(pipe)
gob.Register(map[string]any{})
their := func(s string) {
	d := display{Data: map[string]any{"text/plain": s}, Metadata: map[string]any{"assay": map[string]any{"kind": "theirs"}}}
	if err := theirs.Encode(d); err != nil { panic(err) }
}
their("first")
assay.Hosts()
their("second")
var all sync.WaitGroup
for range 20 {
	all.Go(func() { assay.Hosts() })
}
all.Go(func() { QUICK.Run() })
all.Go(func() {
	line := strings.Repeat("x", 999) + "\n"
	for range 100_000 { os.Stdout.WriteString(line) }
})
all.Wait()
their("third")
assay.Hosts()
`
	o := n.run(strings.Replace(code, "QUICK", quick, 1))
	count := map[string]int{}
	for _, kind := range o.kinds() {
		count[kind]++
	}
	if o.status != "ok" || count["hosts"] != 22 || count["theirs"] != 3 || count["run"] != 1 || count["progress"] != 1 || len(o.stdout) != 100_000_000 {
		t.Errorf("status %s, displays %v, %d bytes of stdout, stderr %.1000s; want ok, 22 hosts, 3 theirs, a run, and 100000000 bytes", o.status, count, len(o.stdout), o.stderr)
	}
}
