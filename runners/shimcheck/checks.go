package shimcheck

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners/shimwire"
)

// A Check is one thing that a shim must do.
type Check struct {
	Name string

	guest   string
	options []string
	args    []string
	stdin   string
	calls   int

	stdout string
	stderr string       // of the guest
	status int          // of the process
	end    shimwire.End // that is reported; "": nothing is

	optional bool                      // it may end unsupported in place of all that
	also     func(Shim, seen) string   // what else is wrong; "": nothing
	instead  func(probe) (seen, error) // of running guest once
}

// A probe is a check that is under way.
type probe struct {
	context.Context
	Shim
	Check
}

// answered is what the guest answer does.
const (
	answered    = "3000000000\n"
	initialized = "initialized\n"
)

// Checks are all of them.
var Checks = []Check{
	{Name: "version", instead: version, stdout: "*"},
	{Name: "no module", instead: usage(), status: 2},
	{Name: "unknown option", instead: usage("--no-such-option", "answer"), status: 2},
	{Name: "too many calls", instead: usage("--calls", "5001", "answer"), status: 2},
	{Name: "unknown mode", guest: "answer", options: []string{"--mode", "no-such-mode"}, status: 70, end: shimwire.Unsupported},

	{Name: "reactor", guest: "answer", stdout: answered, stderr: initialized, end: shimwire.OK, also: wholeReport},
	{Name: "calls", guest: "answer", calls: 3, stdout: answered, stderr: initialized, end: shimwire.OK},
	{Name: "5000 calls", guest: "answer", calls: shimwire.MaxCalls, stdout: answered, stderr: initialized, end: shimwire.OK},
	{Name: "results that differ", guest: "drift", calls: 1, status: 65, end: shimwire.Wrong},
	{Name: "trap in the third call", guest: "trap-late", calls: 5, status: 134, end: shimwire.Trap, also: untilThirdCall},
	{Name: "exit in run", guest: "exit-late", end: shimwire.Exit},
	{Name: "regions", guest: "region", calls: 2, stdout: "7\n", end: shimwire.OK, also: regions(3)},
	{Name: "regions that do not pair", guest: "unpaired", status: 65, end: shimwire.Wrong},
	{Name: "bench.start with a parameter", guest: "mark-param", status: 70, end: shimwire.CannotRun},

	{Name: "command", guest: "echo", options: []string{"--env", "A=1", "--env", "B=b c=d"}, args: []string{"a", "two words", "", "--", "--help"},
		stdin: "in\n", stdout: "echo.wasm\x00a\x00two words\x00\x00--\x00--help\x00A=1\x00B=b c=d\x00in\n", stderr: "done\n", end: shimwire.OK, optional: true},
	{Name: "command without variables", guest: "echo", stdin: "in\n", stdout: "echo.wasm\x00in\n", stderr: "done\n", end: shimwire.OK, also: wholeReport},
	{Name: "calls of a command", guest: "echo", calls: 1, status: 70, end: shimwire.Unsupported},
	{Name: "exit 0", guest: "exit", args: []string{"0"}, end: shimwire.OK},
	{Name: "exit 3", guest: "exit", args: []string{"3"}, status: 3, end: shimwire.Exit},
	{Name: "exit 65", guest: "exit", args: []string{"65"}, status: 65, end: shimwire.Exit},
	{Name: "exit 70", guest: "exit", args: []string{"70"}, status: 70, end: shimwire.Exit},
	{Name: "exit 134", guest: "exit", args: []string{"134"}, status: 134, end: shimwire.Exit},
	{Name: "exit 255", guest: "exit", args: []string{"255"}, status: 255, end: shimwire.Exit},
	{Name: "trap", guest: "trap", status: 134, end: shimwire.Trap},
	{Name: "trap in the start function", guest: "trap-start", status: 134, end: shimwire.Trap},
	{Name: "stack overflow", guest: "recursion", status: 134, end: shimwire.Trap},
	{Name: "stack overflow in the start function", guest: "recursion-start", status: 134, end: shimwire.Trap},
	{Name: "missing import", guest: "missing", status: 70, end: shimwire.CannotRun},
	{Name: "missing import of a long name", guest: "missing-long", status: 70, end: shimwire.CannotRun},
	{Name: "nothing to call", guest: "mute", status: 70, end: shimwire.CannotRun},
	{Name: "run that answers an i64", guest: "run-i64", calls: 2, status: 70, end: shimwire.CannotRun},
	{Name: "run that answers an f32", guest: "run-f32", status: 70, end: shimwire.CannotRun},
	{Name: "run with a parameter", guest: "run-param", calls: 2, status: 70, end: shimwire.CannotRun},
	{Name: "no WebAssembly", instead: garbage, status: 70, end: shimwire.CannotRun},
	{Name: "no file", guest: filepath.FromSlash("/no/such/file"), status: 70, end: shimwire.CannotRun},
	{Name: "directory to write", guest: "files", instead: directory(""), stdout: "mounted\n", end: shimwire.OK, optional: true, also: out("mounted\n")},
	{Name: "directory to read", guest: "files", instead: directory("::ro"), stdout: "mounted\n", status: 1, end: shimwire.Exit, optional: true, also: out("")},

	{Name: "count", instead: count, stdout: answered, stderr: initialized, end: shimwire.OK, optional: true},
	{Name: "precompile", instead: precompile, stdout: answered, stderr: initialized, end: shimwire.OK, optional: true, also: loaded},
	{Name: "descriptor 3 a file", instead: into(file), stdout: answered, stderr: initialized, end: shimwire.OK},
	{Name: "descriptor 3 closed", instead: into(closed), stdout: answered, stderr: initialized},
}

// Run does a check. The error is that we could not find out.
func (s Shim) Run(ctx context.Context, c Check) (Result, error) {
	got, err := probe{ctx, s, c}.once()
	if err != nil {
		return Result{}, fmt.Errorf("check %q of shim %s: %w", c.Name, s.Command[0], err)
	}
	r := Result{Check: c.Name, Want: c.wanted(), Seen: got.String(), stopped: got.stopped}
	if c.optional {
		r.Want += ", or unsupported"
		if c.unsupported(got) {
			r.OK = true
			return r, nil
		}
	}
	problems := c.problems(s, got)
	if len(problems) > 0 {
		r.Seen += ": " + strings.Join(problems, "; ")
	}
	r.OK = len(problems) == 0
	return r, nil
}

func (p probe) once() (seen, error) {
	if p.instead != nil {
		return p.instead(p)
	}
	options := p.options
	if p.calls > 0 {
		options = append([]string{"--calls", fmt.Sprint(p.calls)}, options...)
	}
	return p.run(p, options, p.guest, p.args, p.stdin, shimwire.Reader{Calls: p.calls}, pipe)
}

// unsupported reports whether got is an honest refusal.
func (c Check) unsupported(got seen) bool {
	return len(Check{status: 70, end: shimwire.Unsupported}.problems(Shim{}, got)) == 0
}

// problems says in what got is not as c wants it.
func (c Check) problems(s Shim, got seen) []string {
	var all []string
	bad := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if got.ended != "" {
		return []string{"it did not exit"}
	}
	if got.wrong != "" {
		return []string{got.wrong}
	}
	if got.status != c.status {
		bad("want status %d", c.status)
	}
	if c.stdout != "*" && got.stdout != c.stdout {
		bad("want stdout %q", c.stdout)
	}
	said := map[shimwire.End]string{
		shimwire.Trap: "trap", shimwire.Unsupported: "unsupported", shimwire.CannotRun: "cannot run", shimwire.Wrong: "wrong",
	}[c.end]
	switch {
	case c.status == 2 && c.end == "":
		if got.stderr == "" {
			bad("want a line on stderr")
		}
	case said != "":
		if line := lastLine(got.stderr); !strings.HasPrefix(line, "assay-shim: "+said+": ") {
			bad("want stderr to end with a line %q", "assay-shim: "+said+": REASON")
		}
	case got.stderr != c.stderr:
		bad("want stderr %q", c.stderr)
	}
	switch {
	case c.end == "":
		if !got.silent {
			bad("want nothing on descriptor 3")
		}
	case got.report.Wrong != "":
		bad("%s", got.report.Wrong)
	default:
		if got.report.End != c.end {
			bad("want end %q", c.end)
		}
		if mode := s.Mode; mode != "" && c.end != shimwire.Unsupported && got.report.Mode != mode {
			bad("want mode %q, it says %q", mode, got.report.Mode)
		}
		measured := func(p shimwire.Phase) bool { return p.NS > 0 }
		if all := got.report.Phases; len(all) > 1 && !slices.ContainsFunc(all, measured) {
			bad("each of its %d phases took 0 ns: leave out what is not measured", len(all))
		}
		// The kernel counts both in microseconds, and rounds.
		if cpu := got.processor(); cpu > got.cpu+time.Millisecond {
			bad("its phases have %v of processor time, the process %v", cpu, got.cpu)
		}
	}
	if c.also != nil {
		if why := c.also(s, got); why != "" {
			bad("%s", why)
		}
	}
	return all
}

// wanted and String write what is wanted and seen alike.
func (c Check) wanted() string {
	s := seen{stdout: c.stdout, stderr: c.stderr, status: c.status, silent: c.end == "", report: shimwire.Report{End: c.end}}
	if c.end != "" && c.end != shimwire.OK && c.end != shimwire.Exit {
		s.stderr = "assay-shim: " + strings.ReplaceAll(string(c.end), "-", " ") + ": REASON\n"
	}
	return s.String()
}

func (s seen) String() string {
	parts := []string{fmt.Sprintf("exit %d", s.status)}
	if s.ended != "" {
		parts[0] = s.ended
	}
	for _, stream := range []struct{ name, text string }{{"stdout", s.stdout}, {"stderr", s.stderr}} {
		if stream.text == "*" {
			parts = append(parts, stream.name)
		} else if stream.text != "" {
			parts = append(parts, fmt.Sprintf("%s %.200q", stream.name, stream.text))
		}
	}
	if !s.silent {
		parts = append(parts, fmt.Sprintf("end %q", s.report.End))
	}
	return strings.Join(parts, ", ")
}

func lastLine(s string) string {
	s = strings.TrimSuffix(s, "\n")
	return s[strings.LastIndexByte(s, '\n')+1:]
}

var versionPattern = regexp.MustCompile(`\b\d+\.\d+\S*`)

// version compares what --version prints with the reports.
func version(p probe) (seen, error) {
	got, err := p.start(p, []string{"--version"}, "", shimwire.Reader{}, pipe)
	if err != nil || got.stopped {
		return got, err
	}
	run, err := p.run(p, nil, "trap", nil, "", shimwire.Reader{}, pipe)
	if err != nil || run.stopped {
		return run, err
	}
	if v := versionPattern.FindString(got.stdout); v == "" || v != run.report.Version {
		got.wrong = fmt.Sprintf("--version says version %q, the reports %q", v, run.report.Version)
	}
	return got, nil
}

// usage gives words alone, of which a last one that is no option is a guest.
func usage(words ...string) func(probe) (seen, error) {
	return func(p probe) (seen, error) {
		if len(words) == 0 {
			return p.start(p, nil, "", shimwire.Reader{}, pipe)
		}
		last := len(words) - 1
		return p.run(p, words[:last], words[last], nil, "", shimwire.Reader{}, pipe)
	}
}

func garbage(p probe) (seen, error) {
	path := filepath.Join(p.Dir, "garbage.wasm")
	if err := os.WriteFile(path, []byte("this is no module"), 0o666); err != nil {
		return seen{}, err
	}
	return p.run(p, nil, path, nil, "", shimwire.Reader{}, pipe)
}

// into has another descriptor 3 than a pipe.
func into(other sink) func(probe) (seen, error) {
	return func(p probe) (seen, error) {
		return p.run(p, nil, "answer", nil, "", shimwire.Reader{}, other)
	}
}

// directory gives the guest a directory with the file in.
func directory(suffix string) func(probe) (seen, error) {
	return func(p probe) (seen, error) {
		dir := filepath.Join(p.Dir, "mounted")
		if err := os.RemoveAll(dir); err != nil {
			return seen{}, err
		}
		if err := os.Mkdir(dir, 0o777); err != nil {
			return seen{}, err
		}
		if err := os.WriteFile(filepath.Join(dir, "in"), []byte("mounted\n"), 0o666); err != nil {
			return seen{}, err
		}
		return p.run(p, []string{"--dir", dir + "::." + suffix}, p.guest, nil, "", shimwire.Reader{}, pipe)
	}
}

// out checks the file out that the guest writes; "": there is none.
func out(want string) func(Shim, seen) string {
	return func(s Shim, _ seen) string {
		got, _ := os.ReadFile(filepath.Join(s.Dir, "mounted", "out"))
		if string(got) != want {
			return fmt.Sprintf("the file that the guest wrote holds %q, want %q", got, want)
		}
		return ""
	}
}

// count counts twice the same, and more calls.
func count(p probe) (seen, error) {
	var counts []int64
	var got seen
	for _, calls := range []int{0, 0, 2} {
		options := []string{"--count", "--calls", fmt.Sprint(calls)}
		var err error
		if got, err = p.run(p, options, "answer", nil, "", shimwire.Reader{Calls: calls, Count: true}, pipe); err != nil {
			return seen{}, err
		}
		if got.stopped || p.unsupported(got) {
			return got, nil
		}
		counts = append(counts, got.report.Count)
	}
	if counts[0] < 1000 || counts[1] != counts[0] || counts[2] != 3*counts[0] {
		got.wrong = fmt.Sprintf("counts %d of one call, %d again, and %d of three, which is not three times as much or not the guest's", counts[0], counts[1], counts[2])
	}
	return got, nil
}

// precompile compiles, and runs what was made. A shim is asked for the mode
// that has that name, where none is given.
func precompile(p probe) (seen, error) {
	if p.Mode == "" {
		p.Mode = precompiled
	}
	source, err := p.source("answer")
	if err != nil {
		return seen{}, err
	}
	made := filepath.Join(p.Dir, "made")
	if err := os.RemoveAll(made); err != nil {
		return seen{}, err
	}
	got, err := p.start(p, []string{"--mode", p.Mode, "--precompile", made, source}, "", shimwire.Reader{}, pipe)
	if err != nil || got.status != 0 {
		return got, err
	}
	if got.stdout+got.stderr != "" {
		got.wrong = "it printed while it compiled: " + got.String()
		return got, nil
	}
	return p.run(p, nil, made, nil, "", shimwire.Reader{}, pipe)
}

func loaded(_ Shim, got seen) string {
	if got.phases(assay.Load) != 1 {
		return fmt.Sprintf("want %s among the phases", assay.Load)
	}
	return ""
}

// wholeReport wants a phase before the first call, and none of a call.
func wholeReport(_ Shim, got seen) string {
	if i := slices.IndexFunc(got.report.Phases, func(p shimwire.Phase) bool { return p.Name == assay.FirstCall }); i < 1 {
		return "no phase comes before " + string(assay.FirstCall)
	}
	return ""
}

// untilThirdCall wants the phases that were over when the third call trapped.
func untilThirdCall(_ Shim, got seen) string {
	if got.phases(assay.FirstCall) != 1 || got.phases(assay.Call) < 1 {
		return "want the calls before it among the phases"
	}
	if got.phases(assay.SecondInstantiate)+got.phases(assay.Teardown) > 0 {
		return "want nothing measured after it"
	}
	return ""
}

func regions(want int) func(Shim, seen) string {
	return func(_ Shim, got seen) string {
		if n := got.phases(assay.Region); n != want {
			return fmt.Sprintf("want %d regions, got %d", want, n)
		}
		return ""
	}
}
