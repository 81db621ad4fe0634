package shimcheck_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/nodewasi"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/runners"
	"github.com/assay-notebooks/assay/runners/measure"
	"github.com/assay-notebooks/assay/runners/runtimes"
	"github.com/assay-notebooks/assay/runners/shimcheck"
	"github.com/assay-notebooks/assay/runners/toolbox"
)

// TestMain makes this binary a shim with a wound: "--wounded NAME SHIM" is the
// shim but for what the wound does. It also makes it a launcher.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "launch" {
		if err := measure.Launch(); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 3 && os.Args[1] == "--wounded" {
		os.Exit(wounded(os.Args[2], os.Args[3], os.Args[4:]))
	}
	os.Exit(m.Run())
}

// TestShims checks every shim that there is.
func TestShims(t *testing.T) {
	for _, r := range runtimes.All {
		shim := r.Shim()
		if shim == nil {
			continue
		}
		t.Run(r.Name(), func(t *testing.T) {
			s := shimcheck.Shim{Command: command(t, r.Name(), *shim), Mode: shim.Mode, Dir: t.TempDir()}
			for _, c := range shimcheck.Checks {
				if got, err := s.Run(t.Context(), c); err != nil || !got.OK {
					t.Errorf("%s: %v\nwant %s\nseen %s", c.Name, err, got.Want, got.Seen)
				}
			}
		})
	}
}

// TestMemoryLimit has every shim run a guest that touches 512 MiB, which is
// more than the process may have.
func TestMemoryLimit(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	launcher, err := measure.Start(self, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { launcher.Close() })
	judge, err := measure.NewJudge(assay.Expectation{}, runners.ShimSigns)
	if err != nil {
		t.Fatal(err)
	}
	guest, err := filepath.Abs(filepath.Join("..", "runtimes", "contract", "guests", "large.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range runtimes.All {
		shim := r.Shim()
		if shim == nil {
			continue
		}
		t.Run(r.Name(), func(t *testing.T) {
			argv, module := command(t, r.Name(), *shim), guest
			if shim.Mode != "" {
				argv = append(argv, "--mode", shim.Mode)
			}
			if shim.Mode == string(runners.Precompiled) {
				module = filepath.Join(t.TempDir(), "made")
				words := append(argv[1:len(argv):len(argv)], "--precompile", module, guest)
				if out, err := exec.Command(argv[0], words...).CombinedOutput(); err != nil {
					t.Fatalf("precompile: %v\n%s", err, out)
				}
			}
			res, err := launcher.Run(t.Context(), assay.Command{Argv: append(argv, module)},
				measure.Options{Shim: true, Limits: assay.Limits{Timeout: time.Minute, Output: 1 << 20, Memory: 384 << 20}})
			if err != nil {
				t.Fatal(err)
			}
			if got := judge.Outcome(res); got != assay.Limit || !strings.Contains(res.Reason, "limit 402653184") {
				t.Errorf("outcome %s, %q, want %s\nstderr %s", got, res.Reason, assay.Limit, res.StderrTail)
			}
		})
	}
}

// TestExample checks the shim of docs/shim-protocol.md.
func TestExample(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "shim-protocol.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, code, found := strings.Cut(string(page), "```go\n")
	code, _, closed := strings.Cut(code, "```\n")
	if !found || !closed {
		t.Fatal("the page has no code in Go")
	}
	tool := runtimes.Wazero.Shim().Tool
	build := *tool.Build
	build.Package, build.Files = goModule, map[string][]byte{"main.go": []byte(code)}
	tool.Build = &build
	program, err := toolbox.Build(t.Context(), tool, t.TempDir())
	if err != nil {
		tooltest.Missing(t, "go", err)
	}
	s := shimcheck.Shim{Command: []string{program}, Dir: t.TempDir()}
	for _, c := range shimcheck.Checks {
		if got, err := s.Run(t.Context(), c); err != nil || !got.OK {
			t.Errorf("%s: %v\nwant %s\nseen %s", c.Name, err, got.Want, got.Seen)
		}
	}
}

const goModule = "github.com/assay-notebooks/assay/runners/shims"

// command returns what runs the shim of a runtime. A test without it is as
// with tooltest.Missing, by the name of what is to be installed.
func command(t *testing.T, name string, shim runners.Shim) []string {
	t.Helper()
	dir := os.Getenv("ASSAY_CACHE")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		dir = filepath.Join(cache, "assay")
	}
	o := toolbox.Options{Cache: dir, Packages: map[string]string{}}
	if shim.Tool.Module != "" {
		switch node, err := nodewasi.Dir(t.Context(), o.Cache); {
		case err == nil:
			o.Packages[shim.Tool.Module] = filepath.Join(node, nodewasi.Shim)
		case !errors.Is(err, nodewasi.ErrNoNPM):
			t.Fatal(err)
		}
	}
	found, err := toolbox.Locate(t.Context(), runners.CLI{ID: name, Program: shim.Tool}, o)
	if err != nil {
		t.Fatal(err)
	}
	if found.Absent != "" {
		if shim.Tool.Package != "" {
			name = shim.Tool.Package
		}
		tooltest.Missing(t, name, errors.New(found.Absent))
	}
	plan, err := shim.Plan(runners.Invocation{Tool: found, Module: "MODULE"}, runners.Ask{})
	if err != nil {
		t.Fatal(err)
	}
	argv := plan.Command.Argv
	if shim.Mode != "" {
		return argv[:slices.Index(argv, "--mode")]
	}
	return argv[:slices.Index(argv, "MODULE")]
}

// An output is what a shim made of a module.
type output struct {
	stdout, stderr, report string
	status                 int
}

// A wound makes a shim do one thing wrong: to its words before it runs, or to
// what came of it.
type wound struct {
	words func([]string) []string
	after func(*output)
}

var (
	prints   = wound{after: func(o *output) { o.stdout += "hello from the shim\n" }}
	mumbles  = wound{after: func(o *output) { o.stderr += "a warning\n" }}
	succeeds = wound{after: func(o *output) { o.status = 0 }}
	answers  = wound{after: func(o *output) {
		*o = output{stdout: "7\n", report: regexp.MustCompile(`(?m)^(\{"end").*`).ReplaceAllString(o.report, `{"phase":"first-call","ns":1}`+"\n"+`{"end":"ok"}`)}
	}}
	says = func(old, new string) wound {
		return wound{after: func(o *output) { o.report = regexp.MustCompile(old).ReplaceAllString(o.report, new) }}
	}
	ignores = func(option string) wound {
		return wound{words: func(w []string) []string {
			for i := slices.Index(w, option); i >= 0; i = slices.Index(w, option) {
				w = slices.Delete(w, i, i+2)
			}
			return w
		}}
	}
)

// wounds has, for each check, shims that do not meet it.
var wounds = map[string]map[string]wound{
	"version":        {"another": {after: func(o *output) { o.stdout = strings.ReplaceAll(o.stdout, "1.", "2.") }}},
	"no module":      {"succeeds": succeeds, "silent": {after: func(o *output) { o.stderr = "" }}},
	"unknown option": {"succeeds": succeeds},
	"too many calls": {"does them": {words: func(w []string) []string { return slices.Replace(w, 1, 2, "5000") }}},
	"unknown mode":   {"takes any": ignores("--mode"), "calls it a failure": says("unsupported", "cannot-run")},
	"reactor":        {"prints": prints, "mumbles": mumbles, "no first call": says(`(?m)^.*"first-call".*\n`, ""), "nothing before it": says(`(?m)^.*"(engine-init|compile|link|instantiate)".*\n`, ""), "a slow clock": says(`"ns":`, `"ns":99999999`), "much work": says(`"cpu_ns":`, `"cpu_ns":99999`), "signed": {after: func(o *output) { o.stdout = "-1294967296\n" }}},
	"calls":          {"one less": {words: func(w []string) []string { return slices.Replace(w, 1, 2, "2") }}, "not numbered": says(`"call":\d,`, "")},
	"5000 calls":     {"no more than 1000": {words: func(w []string) []string { return slices.Replace(w, 1, 2, "1000") }}, "cut off": says(`(?s)\A(.{65536}).*`, "$1")},
	"results that differ": {"not compared": {after: func(o *output) {
		*o = output{stdout: "1\n", report: strings.ReplaceAll(o.report, `"wrong"`, `"ok"`)}
	}}},
	"trap in the third call":   {"status 1": {after: func(o *output) { o.status = 1 }}, "forgets": says(`(?m)^.*"call".*\n`, ""), "goes on": says(`(\{"end")`, `{"phase":"teardown","ns":1}`+"\n$1")},
	"exit in run":              {"answers": prints, "says ok": says(`"exit"`, `"ok"`)},
	"regions":                  {"all in one": says(`(?m)^.*"region","call".*\n`, ""), "after their calls": says(`(?m)^(.*"region".*\n)(.*\n)`, "$2$1"), "longer than their calls": says(`("region".*"ns":)`, "${1}1000")},
	"regions that do not pair": {"let pass": {after: func(o *output) { *o = output{stdout: "7\n", report: strings.ReplaceAll(o.report, `"wrong"`, `"ok"`)} }}},
	"bench.start with a parameter": {"unsupported": says("cannot-run", "unsupported"), "called": {after: func(o *output) {
		*o = output{stderr: "assay-shim: wrong: \n", report: strings.Replace(o.report, "cannot-run", "wrong", 1), status: 65}
	}}},
	"command":                   {"no variables": ignores("--env"), "eats dashes": {words: func(w []string) []string { return slices.DeleteFunc(w, func(s string) bool { return s == "--" }) }}},
	"command without variables": {"gives its own": {words: func(w []string) []string { return append([]string{"--env", "HOME=/"}, w...) }}, "writes to stdout": prints},
	"calls of a command":        {"calls it once": ignores("--calls")},
	"exit 0":                    {"an exit": says(`"ok"`, `"exit"`)},
	"exit 3":                    {"succeeds": succeeds},
	"exit 65":                   {"a mistake of the guest": says(`"exit"`, `"wrong"`), "explains": mumbles},
	"exit 70":                   {"a failure": says(`"exit"`, `"cannot-run"`)},
	"exit 134":                  {"a trap": says(`"exit"`, `"trap"`)},
	"exit 255":                  {"no more than 125": {after: func(o *output) { o.status = 1 }}},
	"trap":                      {"silent": {after: func(o *output) { o.stderr = "" }}, "an exit": says(`"trap"`, `"exit"`)},
	"trap in the start function": {"a failure": {after: func(o *output) {
		*o = output{stderr: strings.Replace(o.stderr, "trap", "cannot run", 1), report: strings.Replace(o.report, `"trap"`, `"cannot-run"`, 1), status: 70}
	}}},
	"stack overflow":                       {"dies": {after: func(o *output) { o.status = 139 }}, "says nothing": says(`(?s).*`, "")},
	"stack overflow in the start function": {"a failure": says(`"trap"`, `"cannot-run"`)},
	"missing import of a long name":        {"all of it": says(`"detail":".*"`, `"detail":"`+strings.Repeat(`\u0001`, 400)+`"`)},
	"missing import":                       {"a trap": {after: func(o *output) { o.status = 134 }}},
	"nothing to call":                      {"succeeds": succeeds},
	"run that answers an i64":              {"answers": answers},
	"run that answers an f32":              {"answers": answers},
	"run with a parameter":                 {"a trap": says("cannot-run", "trap"), "answers": answers},
	"no WebAssembly":                       {"a trap": says("cannot-run", "trap")},
	"no file":                              {"succeeds": succeeds},
	"directory to write":                   {"none": ignores("--dir"), "read-only": {words: func(w []string) []string { w[1] += "::ro"; return w }}},
	"directory to read":                    {"writable": {words: func(w []string) []string { w[1] = strings.TrimSuffix(w[1], "::ro"); return w }}},
	"descriptor 3 a file":                  {"wants a pipe": {after: func(o *output) { o.report = "" }}},
	"descriptor 3 closed":                  {"prints": prints, "wants it": {after: func(o *output) { o.status = 70 }}},
	"count": {
		"does not": {words: func(w []string) []string { return slices.Delete(w, 0, 1) }, after: func(*output) {}},
		"always the same": {words: func(w []string) []string { return slices.Delete(w, 0, 1) },
			after: func(o *output) {
				o.report = strings.Replace(o.report, `{"end"`, `{"count":5000,"unit":"u"}`+"\n"+`{"end"`, 1)
			}},
	},
	"precompile": {
		"makes nothing": {words: func(w []string) []string { return []string{"--version"} }},
		"compiles again": {words: func(w []string) []string {
			if i := slices.Index(w, "--precompile"); i >= 0 { // a copy
				data, err := os.ReadFile(w[i+2])
				if err != nil || os.WriteFile(w[i+1], data, 0o666) != nil {
					os.Exit(99)
				}
				return []string{"--env", "A=1", "--version"}
			}
			return slices.Delete(w, 0, 2)
		}, after: func(o *output) { o.stdout = strings.TrimPrefix(o.stdout, "wazero 1.12.0\n") }},
	},
}

// TestWounded lets no wounded shim pass the check it is for.
func TestWounded(t *testing.T) {
	shim := runtimes.Wazero.Shim()
	sound := command(t, "wazero", *shim)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range shimcheck.Checks {
		if len(wounds[c.Name]) == 0 {
			t.Errorf("no wounded shim fails the check %q", c.Name)
		}
		for name := range wounds[c.Name] {
			s := shimcheck.Shim{Command: []string{self, "--wounded", c.Name + "/" + name, sound[0]}, Dir: t.TempDir()}
			if got, err := s.Run(t.Context(), c); err != nil || got.OK {
				t.Errorf("%s: a shim that is wounded (%s): %+v, %v; want it to fail", c.Name, name, got, err)
			}
		}
	}
}

// TestNoShim checks what is none at all.
func TestNoShim(t *testing.T) {
	for _, program := range []string{"true", "cat"} {
		path, err := exec.LookPath(program)
		if err != nil {
			t.Fatal(err)
		}
		s := shimcheck.Shim{Command: []string{path}, Dir: t.TempDir()}
		for _, c := range shimcheck.Checks {
			if got, err := s.Run(t.Context(), c); err != nil || got.OK {
				t.Errorf("%s: %s passes: %+v, %v", c.Name, program, got, err)
			}
		}
	}
	s := shimcheck.Shim{Command: []string{"/no/such/program"}, Dir: t.TempDir()}
	if got, err := s.Run(t.Context(), shimcheck.Checks[0]); err == nil {
		t.Errorf("a program that is not there: %+v, want an error", got)
	}
}

// TestStopped checks programs that go on: the first check that stops one is the
// last.
func TestStopped(t *testing.T) {
	for _, test := range []struct {
		script, seen string
		limit        time.Duration
	}{
		{"exec sleep 600", "not ended after 100ms", 100 * time.Millisecond},
		{`case "$*" in *--precompile*) exec sleep 600;; *--version) echo shim 1.0;; esac`, "not ended after 1s", time.Second},
		{"exec yes '{}' >&3", "more than 10342400 bytes through descriptor 3", 0},
	} {
		t.Run(test.script, func(t *testing.T) {
			s := shimcheck.Shim{Command: []string{"/bin/sh", "-c", test.script, "sh"}, Mode: "precompiled", Dir: t.TempDir(), Limit: test.limit}
			var made []shimcheck.Result
			failed, err := s.CheckAll(t.Context(), func(r shimcheck.Result) error {
				made = append(made, r)
				return nil
			})
			if !errors.Is(err, shimcheck.ErrStopped) || failed != len(made) || len(made) != 1 || !strings.HasPrefix(made[0].Seen, test.seen) {
				t.Errorf("%d fail of %+v, %v; want ErrStopped after one: %s", failed, made, err, test.seen)
			}
		})
	}
}

// wounded runs a shim as a wound has it, and returns the status.
func wounded(name, shim string, words []string) int {
	check, name, _ := strings.Cut(name, "/")
	w := wounds[check][name]
	if w.words != nil {
		words = w.words(words)
	}
	reports := os.NewFile(3, "samples")
	read, write, err := os.Pipe()
	if err != nil {
		return 99
	}
	var o output
	cmd := exec.Command(shim, words...)
	cmd.Stdin = os.Stdin
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.ExtraFiles = []*os.File{write}
	if err := cmd.Start(); err != nil {
		return 99
	}
	write.Close()
	report, err := io.ReadAll(read)
	if err != nil {
		return 99
	}
	cmd.Wait()
	o = output{stdout.String(), stderr.String(), string(report), cmd.ProcessState.ExitCode()}
	if w.after != nil {
		w.after(&o)
	}
	os.Stdout.WriteString(o.stdout)
	os.Stderr.WriteString(o.stderr)
	reports.WriteString(o.report) // to nobody, where it is closed
	return o.status
}
