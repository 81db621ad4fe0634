package seal

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/nodewasi"
	"github.com/assay-notebooks/assay/internal/seal/archive"
	"github.com/assay-notebooks/assay/internal/seal/extract"
	"github.com/assay-notebooks/assay/internal/seal/sandbox"
	"github.com/assay-notebooks/assay/internal/tooltest"
	"github.com/assay-notebooks/assay/kernelext/table"
)

var update = flag.Bool("update", false, "write the golden files")

var cacheDir string // shared by all tests

// TestMain makes the test program a worker, as assay is.
func TestMain(m *testing.M) {
	if os.Args[len(os.Args)-1] == sandbox.WorkerArg {
		os.Exit(sandbox.Work(os.Stdin, os.Stdout, os.Stderr))
	}
	cacheDir = os.Getenv("ASSAY_TEST_SEAL_CACHE")
	if cacheDir == "" {
		var err error
		if cacheDir, err = os.MkdirTemp("", "assay-seal-test-"); err != nil {
			panic(err)
		}
	}
	status := m.Run()
	if os.Getenv("ASSAY_TEST_SEAL_CACHE") == "" {
		exec.Command("chmod", "-R", "u+w", cacheDir).Run()
		os.RemoveAll(cacheDir)
	}
	os.Exit(status)
}

const example = "testdata/coldstart"

func build(t testing.TB, dir, name string) *Sealed {
	t.Helper()
	s, err := Build(t.Context(), Options{Dir: dir, Func: name, Cache: cacheDir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// program writes source as the only file of a program.
func program(t testing.TB, source string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.go"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func exampleSource(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(example, "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func mainOf(t testing.TB, s *Sealed) string {
	t.Helper()
	files, err := archive.Unpack(s.Source, archive.Limits{Files: 3, Bytes: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.Name == mainFile {
			return string(f.Data)
		}
	}
	t.Fatal("the source has no main.go")
	return ""
}

func TestExtractedSource(t *testing.T) {
	golden := filepath.Join(example, "sealed.golden")
	got := mainOf(t, build(t, example, "ColdStart"))
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("extracted:\n%s\nwant:\n%s", got, want)
	}
}

// TestEdits checks which edits of a program change the module.
func TestEdits(t *testing.T) {
	source := exampleSource(t)
	want := build(t, example, "ColdStart").Seal
	for name, edit := range map[string]struct {
		old, new string
		changes  bool
	}{
		"another function":       {"func main()", "// New.\nfunc other() { counter = 7 }\n\nfunc main()", false},
		"the body of main":       {"counter++", "counter += 2\n\tdefer fmt.Println()", false},
		"an import of main":      {"\t\"os\"\n", "\t\"os\"\n\t\"os/signal\"\n", false},
		"the end of a group":     {"\tunused = \"not in the figure\"\n", "\tunused = \"not\"\n\tmore\n", false},
		"a comment before all":   {"// A program", "// For the paper.\n// A program", false},
		"a type error elsewhere": {"counter++", "counter++\n\tmissing()", false},
		"the figure":             {"Process cold start", "Cold start", true},
		"what it calls":          {"max(first, v)", "min(first, v)", true},
		"a variable it reads":    {`"us"`, `"µs"`, true},
		"a value of its group":   {"Nano  Unit = iota", "Nano  Unit = iota + 1", true},
	} {
		edited := strings.Replace(source, edit.old, edit.new, 1)
		if edited == source {
			t.Fatalf("%s: nothing to edit", name)
		}
		got := build(t, program(t, edited), "main.ColdStart").Seal
		if changed := got.Module != want.Module || got.Source != want.Source; changed != edit.changes {
			t.Errorf("edit of %s: module and source changed: %t, want %t", name, changed, edit.changes)
		}
	}
	moved := source[:strings.Index(source, "// ColdStart")] + source[strings.Index(source, "func main"):] + "\n" +
		source[strings.Index(source, "// ColdStart"):strings.Index(source, "func main")]
	if got := build(t, program(t, moved), "ColdStart").Seal; got.Module != want.Module {
		t.Error("moving functions changed the module")
	}
}

var expectation = regexp.MustCompile(`// refuse: ([a-z-]+)`)

// TestRefusals holds the refusals of each program to the rules that its
// comments expect, on their lines.
func TestRefusals(t *testing.T) {
	files, err := filepath.Glob("testdata/refused/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no programs: %v", err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for i, line := range strings.Split(string(source), "\n") {
			if m := expectation.FindStringSubmatch(line); m != nil {
				want = append(want, strconv.Itoa(i+1)+" "+m[1])
			}
		}
		dir := program(t, string(source))
		_, err = Build(t.Context(), Options{Dir: dir, Func: "main.F", Cache: cacheDir}, nil)
		refused, ok := errors.AsType[*extract.RefusedError](err)
		if !ok {
			t.Errorf("%s: error %v, want a refusal", file, err)
			continue
		}
		var got []string
		for _, r := range refused.Refusals {
			got = append(got, strconv.Itoa(r.Line)+" "+string(r.Rule))
			if r.File != filepath.Join(dir, "main.go") || r.Reason == "" || r.Remedy == "" {
				t.Errorf("%s: refusal %+v lacks a file, reason or remedy", file, r)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: refusals %q, want %q\n%v", file, got, want, err)
		}
	}
}

// TestOtherPlatforms seals programs whose files are not all built for wasip1.
func TestOtherPlatforms(t *testing.T) {
	const head = "package main\n\nimport \"github.com/assay-notebooks/assay/kernelext/figure\"\n\n"
	const calls = head + "type v int\n\nfunc F(f *figure.Figure, s figure.Table) error { help(); v(0).method(); return nil }\n"
	const remedy = "; move it to a file without build constraints: no //go:build line, no _linux or the like in its name [platform]"
	for name, c := range map[string]struct {
		files map[string]string
		want  []string // after the directory
	}{
		"only such files": {
			map[string]string{"main.go": "//go:build linux\n\n" + head + "func F(f *figure.Figure) error { return nil }\n"},
			[]string{"main.go:7: F is in a file that is not built for wasip1" + remedy},
		},
		"a helper and a method": {
			map[string]string{"main.go": calls, "h_linux.go": "package main\n\nfunc help() {}\n\nfunc (v) method() {}\n"},
			[]string{"main.go:7: F needs help, which is in a file that is not built for wasip1 (DIR/h_linux.go:3)" + remedy,
				"main.go:7: F needs method, which is in a file that is not built for wasip1 (DIR/h_linux.go:5)" + remedy},
		},
		"a helper that is nowhere": {
			map[string]string{"main.go": head + "func F(f *figure.Figure) error { help(); return nil }\n", "h_linux.go": "package main\n"},
			[]string{"main.go:5: undefined: help; make the program compile first [compile]"},
		},
	} {
		dir := t.TempDir()
		for file, source := range c.files {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(source), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Build(t.Context(), Options{Dir: dir, Func: "main.F", Cache: cacheDir}, nil)
		refused, ok := errors.AsType[*extract.RefusedError](err)
		if !ok {
			t.Errorf("%s: error %v, want a refusal", name, err)
			continue
		}
		var got []string
		for _, r := range refused.Refusals {
			got = append(got, strings.ReplaceAll(strings.TrimPrefix(r.String(), dir+"/"), dir, "DIR"))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: refusals %q, want %q", name, got, c.want)
		}
	}
}

// TestRefusedNames checks names that are not of top-level functions.
func TestRefusedNames(t *testing.T) {
	for name, want := range map[string]string{
		"Warm":               "no top-level function Warm in " + example + "; there are ColdStart, Medians [not-found]",
		"main.main.func1":    "main.go:46: main.func1 is a func literal in main",
		"main.Unit.Draw-fm":  "main.go:14: Unit.Draw is a method value",
		"main.(*Unit).Draw":  "is a method",
		"example.com/x.Warm": "[method-value]",
		"counter":            "main.go:26: counter is a variable",
		"Unit":               "main.go:14: Unit is not a function",
		"largest":            "[signature]",
	} {
		if _, err := Build(t.Context(), Options{Dir: example, Func: name, Cache: cacheDir}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Build(%s): %v, want %q", name, err, want)
		}
	}
}

func TestRebuild(t *testing.T) {
	s := build(t, example, "ColdStart")
	o := Options{Cache: cacheDir}
	module, err := Rebuild(t.Context(), s.Seal, s.Source, s.Kernelext, o)
	if err != nil {
		t.Fatal(err)
	}
	if got := assay.DigestOf(module); got != s.Seal.Module {
		t.Errorf("rebuilt %v, want %v", got, s.Seal.Module)
	}

	other := s.Seal
	other.Go = "go1.25.0"
	if _, err := Rebuild(t.Context(), other, s.Source, s.Kernelext, o); !errors.Is(err, ErrGoVersion) {
		t.Errorf("sealed with %s: error %v, want %v", other.Go, err, ErrGoVersion)
	}
	other = s.Seal
	other.Flags = []string{"-toolexec=/bin/sh"}
	if _, err := Rebuild(t.Context(), other, s.Source, s.Kernelext, o); !errors.Is(err, ErrSeal) {
		t.Errorf("flags %q: error %v, want %v", other.Flags, err, ErrSeal)
	}
	for name, source := range map[string][]byte{
		"replaced": bytes.Replace(s.Source, []byte("=> ./assay"), []byte("=> /assays"), 1),
		"no main":  bytes.Replace(s.Source, []byte("main.go"), []byte("evil.go"), 1),
		"empty":    nil,
		"cut":      s.Source[:700],
	} {
		if _, err := Rebuild(t.Context(), s.Seal, source, s.Kernelext, o); !errors.Is(err, ErrSeal) && !errors.Is(err, archive.ErrMalformed) {
			t.Errorf("source %s: error %v, want one that says so", name, err)
		}
	}
	evil, err := archive.Pack([]archive.File{{Name: "go.sum"}, {Name: "go.mod",
		Data: []byte("module github.com/assay-notebooks/assay\n\ngo 1.26.0\n\nrequire (\n\tx v1 => /etc\n)\n")}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Rebuild(t.Context(), s.Seal, s.Source, evil, o); !errors.Is(err, ErrSeal) {
		t.Errorf("kernelext with a replace directive: error %v, want %v", err, ErrSeal)
	}
}

// TestEnvironments builds under conditions that must not matter.
func TestEnvironments(t *testing.T) {
	want := build(t, example, "ColdStart").Seal
	source := exampleSource(t)
	out, err := exec.Command("go", "env", "GOMODCACHE", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	dirs := strings.Fields(string(out))
	links := t.TempDir()
	modules, compiled := filepath.Join(links, "modules"), filepath.Join(links, "compiled")
	if err := errors.Join(os.Symlink(dirs[0], modules), os.Symlink(dirs[1], compiled)); err != nil {
		t.Fatal(err)
	}
	for name, env := range map[string]map[string]string{
		"place":     {"HOME": t.TempDir(), "TMPDIR": t.TempDir(), "GOMODCACHE": modules, "GOCACHE": compiled},
		"locale":    {"TZ": "Asia/Kathmandu", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
		"processor": {"GOAMD64": "v3", "GOMAXPROCS": "1", "GOARCH": "arm64", "GOOS": "windows", "GOWASM": "satconv"},
		"flags": {"GOFLAGS": "-mod=mod -tags=x -ldflags=-w", "GOEXPERIMENT": "arenas", "GODEBUG": "gotypesalias=0",
			"CGO_ENABLED": "1", "GOWORK": "/nonexistent/go.work", "GO111MODULE": "off"},
	} {
		t.Run(name, func(t *testing.T) {
			for key, value := range env {
				t.Setenv(key, value)
			}
			s, err := Build(t.Context(), Options{Dir: program(t, source), Func: "ColdStart", Cache: cacheDir}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if s.Seal.Module != want.Module || s.Seal.Source != want.Source || s.Seal.Kernelext != want.Kernelext {
				t.Errorf("sealed %+v, want %+v", s.Seal, want)
			}
		})
	}
}

func TestWithoutGo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := Build(t.Context(), Options{Dir: example, Func: "ColdStart", Cache: cacheDir}, nil); !errors.Is(err, ErrNoGo) {
		t.Errorf("error %v, want %v", err, ErrNoGo)
	}
}

// TestStrangeGo has a go on PATH that is another program.
func TestStrangeGo(t *testing.T) {
	dir := t.TempDir()
	fake := filepath.Join(dir, "go")
	if err := os.WriteFile(fake, []byte("#!/bin/sh\necho go is a board game\necho with stones\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	_, err := Build(t.Context(), Options{Dir: example, Func: "ColdStart", Cache: cacheDir}, nil)
	if want := fake + ` env -json printed "go is a board game", which is not JSON: put Go from https://go.dev/dl before it on PATH`; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}

func samples(t testing.TB, rows int) []byte {
	t.Helper()
	runtimes, values := table.Column{Name: "runtime", Kind: table.String, Dict: []string{"v8", "wazero"}}, make([]float64, rows)
	x := uint64(1)
	for i := range values {
		x = x*6364136223846793005 + 1442695040888963407
		values[i] = 1e6 + float64(x>>40)
		runtimes.Codes = append(runtimes.Codes, uint32(x>>63))
	}
	b, err := table.Encode(runtimes, table.Floats("wall_ns", "ns", "wall time", values))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var allFormats = sandbox.Request{Formats: []string{"svg", "png", "pdf", "txt"}, WidthMM: 84}

// TestEnginesAgree replays one figure on every engine.
func TestEnginesAgree(t *testing.T) {
	s := build(t, example, "ColdStart")
	tables := [][]byte{samples(t, 60)}
	worker := []string{os.Args[0], sandbox.WorkerArg}
	want, err := sandbox.Run(t.Context(), s.Module, allFormats, tables, sandbox.Options{Cache: cacheDir, Worker: worker})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TZ", "Asia/Kathmandu")
	t.Setenv("GOAMD64", "v3")
	t.Setenv("GOMAXPROCS", "1")
	for _, engine := range sandbox.Engines {
		if _, err := exec.LookPath("node"); err != nil && engine == sandbox.Node {
			if tooltest.Required("node") {
				t.Error("node not found, and ASSAY_REQUIRE names it")
			}
			t.Log("node not found: the referee is skipped")
			continue
		}
		request := allFormats
		if engine == sandbox.Interpreter { // rasterizing takes it long
			request.Formats = []string{"svg", "txt"}
		}
		got, err := sandbox.Run(t.Context(), s.Module, request, tables, sandbox.Options{Engine: engine, Cache: cacheDir, Worker: worker})
		if err != nil {
			t.Errorf("%s: %v", engine, err)
			continue
		}
		for _, format := range request.Formats {
			if !bytes.Equal(got[format], want[format]) || len(want[format]) == 0 {
				t.Errorf("%s: %s of %d bytes has another digest than wazero's", engine, format, len(got[format]))
			}
		}
	}
}

// TestPanicSaysWhere looks for the line of a panic in the sealed source.
func TestPanicSaysWhere(t *testing.T) {
	s := build(t, program(t, `package main

import "github.com/assay-notebooks/assay/kernelext/figure"

func Wrong(f *figure.Figure, s figure.Table) error {
	f.Title(nth(s.Len()))
	return f.ECDF(s.Group("runtime"), s.Float("wall_ns"))
}

func nth(i int) string {
	names := []string{"first", "second"}
	return names[i] // wrong
}

func main() {}
`), "Wrong")
	line := 0
	for i, text := range strings.Split(mainOf(t, s), "\n") {
		if strings.Contains(text, "// wrong") {
			line = i + 1
		}
	}
	options := sandbox.Options{Cache: cacheDir, Worker: []string{os.Args[0], sandbox.WorkerArg}}
	_, err := sandbox.Run(t.Context(), s.Module, allFormats, [][]byte{samples(t, 60)}, options)
	want := fmt.Sprintf("runtime error: index out of range [60] with length 2, in nth at main.go:%d of the sealed source", line)
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("error %q, want one that ends in %q", err, want)
	}
}

// TestOrigin looks for lines of the sealed source in the program it was made
// from, which has other declarations, comments and another layout.
func TestOrigin(t *testing.T) {
	dir := program(t, `package main

import "github.com/assay-notebooks/assay/kernelext/figure"

func main() { Other() }

func Other() {}

type sized struct{ n int }

// of is kept.
func (s *sized) of(i int) int {


	// the second of two
	return s.n / i // divided
}

func Wrong(f *figure.Figure, s figure.Table) error { s0 := sized{1}
	wait := make(chan int)
	func() {
		_ = s0.of(1)
		<-wait // for ever
	}()
	return nil
}
`)
	s := build(t, dir, "Wrong")
	at := func(line int) string { return fmt.Sprintf("%s:%d", filepath.Join(dir, "main.go"), line) }
	found := 0
	for i, text := range strings.Split(mainOf(t, s), "\n") {
		for mark, want := range map[string]int{"// divided": 16, "// for ever": 23, "s0.of(1)": 22, "s0 := ": 19, "package main": 19} {
			if strings.Contains(text, mark) {
				found++
				if got := s.Origin(i + 1); got != at(want) {
					t.Errorf("line %d, %q: %s, want %s", i+1, text, got, at(want))
				}
			}
		}
	}
	if got := s.Origin(0); found != 5 || got != at(19) {
		t.Errorf("%d lines found, line 0 is %s; want 5 and %s", found, got, at(19))
	}

	options := sandbox.Options{Cache: cacheDir, Worker: []string{os.Args[0], sandbox.WorkerArg}}
	_, err := sandbox.Run(t.Context(), s.Module, allFormats, [][]byte{samples(t, 60)}, options)
	failed, ok := errors.AsType[*sandbox.FigureError](err)
	if !ok {
		t.Fatalf("error %v, want a figure's", err)
	}
	failed.Source = s.Origin(failed.Line())
	if want := at(23) + ": fatal error: all goroutines are asleep - deadlock, in "; !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q, want %q", err, want)
	}
}

// TestWithoutNetwork runs TestRebuild and TestEnginesAgree in a network
// namespace without interfaces.
func TestWithoutNetwork(t *testing.T) {
	if err := exec.Command("unshare", "-n", "true").Run(); err != nil {
		tooltest.Missing(t, "unshare", fmt.Errorf("unshare -n, which needs root: %w", err))
	}
	if _, err := nodewasi.Dir(t.Context(), cacheDir); err != nil && !errors.Is(err, nodewasi.ErrNoNPM) {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "-n", os.Args[0], "-test.run=^(TestRebuild|TestEnginesAgree)$")
	cmd.Env = append(os.Environ(), "ASSAY_TEST_SEAL_CACHE="+cacheDir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("without network: %v\n%s", err, out)
	}
}
