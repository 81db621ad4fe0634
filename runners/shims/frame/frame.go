// Package frame is what the shims written in Go have in common: the command
// line, the clocks, the calls, the lines on descriptor 3 and the ways to end,
// as docs/shim-protocol.md has them. It knows no engine, and is also part of
// the modules that the shims are built in: it imports nothing of this one.
package frame

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/sys/unix"
)

// An Engine is what a shim says of itself.
type Engine struct {
	Name    string
	Version string // of the engine
	Modes   []string
	Threads func(mode string) int // that compile
	Count   string                // the unit of counts; "": it counts nothing
	Saves   string                // the mode that runs what --precompile made; "": none
}

// An Ask is what the command line asks for.
type Ask struct {
	Mode       string
	Calls      int
	Count      bool
	Precompile string // path; "": run the module
	Env        []string
	Dirs       []Dir
	Path       string // of the module
	Module     []byte
	Args       []string // of the guest, argv[0] among them
}

// A Dir is a directory of the guest.
type Dir struct {
	Host, Guest string
	ReadOnly    bool
}

// A Bad is an error that says how a shim ends. Another error is an engine's
// that cannot run the module.
type Bad struct {
	End    string // of the protocol
	Status int    // of the process
	Reason string
}

func (b *Bad) Error() string { return b.Reason }

// Trap is the error that the guest trapped.
func Trap(reason string) error { return &Bad{"trap", 134, reason} }

// Unsupported is the error that something cannot be had.
func Unsupported(format string, args ...any) error {
	return &Bad{"unsupported", 70, fmt.Sprintf(format, args...)}
}

// Exit is the error that the guest exited with a status, and nothing may follow.
func Exit(status int) error { return &Bad{"exit", status & 0xff, ""} }

func wrong(format string, args ...any) error {
	return &Bad{"wrong", 65, fmt.Sprintf(format, args...)}
}

// A Shim is one run of a module.
type Shim struct {
	Ask
	reports bool // descriptor 3 is open
	samples []sample
	call    int  // that is under way, after the first
	region  now  // the moment of bench.start
	within  bool // region is under way
	regions int  // in the call that is under way
	odd     bool // regions do not pair in the call that is under way
	count   *uint64
}

type sample struct {
	phase   string
	call    int
	ns, cpu int64
}

// now is a moment on both clocks.
type now struct {
	wall time.Time // with its monotonic reading
	cpu  int64
}

func begin() now {
	cpu := processTime()
	return now{time.Now(), cpu}
}

// end returns what has passed since.
func (n now) end() (ns, cpu int64) {
	ns = time.Since(n.wall).Nanoseconds()
	return ns, processTime() - n.cpu
}

// processTime returns the processor time of the process in nanoseconds.
func processTime() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		panic(err) // it is there on every system that this builds for
	}
	return t.Nano()
}

// Time does a phase and notes how long it took, if it came to its end.
func (s *Shim) Time(phase string, do func() error) error {
	start := begin()
	err := do()
	ns, cpu := start.end()
	if err == nil {
		s.samples = append(s.samples, sample{phase, s.call, ns, cpu})
	}
	return err
}

// Again times the making of a second instance, which is there only to be
// measured: where nobody reads what is, it is not made.
func (s *Shim) Again(do func() error) error {
	if !s.reports {
		return nil
	}
	return s.Time("second-instantiate", do)
}

// Start times the one call of a command: do returns nil if it returned or
// exited with 0.
func (s *Shim) Start(do func() error) error {
	if s.Calls > 0 {
		return Unsupported("calls of a command, which has no export run")
	}
	if err := s.Time("first-call", do); err != nil {
		return err
	}
	return s.paired()
}

// Run times the calls of a reactor: run returns what the export run does. It
// prints the answer.
func (s *Shim) Run(run func() (uint32, error)) error {
	var first, answer uint32
	once := func() (err error) {
		answer, err = run()
		return err
	}
	phase := "first-call"
	for s.call = 0; s.call <= s.Calls; s.call++ {
		if err := s.Time(phase, once); err != nil {
			return err
		}
		if err := s.paired(); err != nil {
			return err
		}
		if s.call == 0 {
			first = answer
		} else if answer != first {
			return wrong("run answered %d, and in call %d after that %d", first, s.call, answer)
		}
		phase = "call"
	}
	s.call = 0
	if _, err := fmt.Println(first); err != nil {
		return err
	}
	return nil
}

// Counted notes what the engine counted of the calls.
func (s *Shim) Counted(n uint64) { s.count = &n }

// BenchStart is the import bench.start.
func (s *Shim) BenchStart() {
	s.regions++
	s.odd = s.odd || s.regions > 1
	s.within = true
	s.region = begin()
}

// BenchEnd is the import bench.end.
func (s *Shim) BenchEnd() {
	ns, cpu := s.region.end()
	if !s.within || s.odd {
		s.odd = true
		return
	}
	s.samples = append(s.samples, sample{"region", s.call, ns, cpu})
	s.within = false
}

// paired says if regions do not pair in the call that has ended.
func (s *Shim) paired() error {
	odd := s.odd || s.within
	s.regions, s.within, s.odd = 0, false, false
	if odd {
		return wrong("bench.start and bench.end are no pair in one call")
	}
	return nil
}

// Main is the whole of a shim's main. run does every phase with Time, Start
// and Run; precompile returns what --precompile writes.
func Main(e Engine, run func(*Shim) error, precompile func(Ask) ([]byte, error)) {
	_, err := unix.FcntlInt(3, unix.F_GETFD, 0)
	s := &Shim{reports: err == nil} // before anything is opened, which would be descriptor 3
	ask, err := parse(e, os.Args[1:])
	if err == errVersion {
		fmt.Println(e.Name, e.Version)
		return
	}
	if usage, ok := errors.AsType[usageError](err); ok {
		fmt.Fprintf(os.Stderr, "assay-shim: %s: see docs/shim-protocol.md\n", string(usage))
		os.Exit(2)
	}
	s.Ask, s.samples = ask, make([]sample, 0, 16+2*ask.Calls)
	if err == nil {
		s.Module, err = os.ReadFile(ask.Path)
	}
	if err == nil && ask.Precompile != "" {
		var code []byte
		if code, err = precompile(s.Ask); err == nil {
			err = os.WriteFile(ask.Precompile, code, 0o666)
		}
		s.reports = s.reports && err != nil
	} else if err == nil {
		err = run(s)
	}
	bad := &Bad{End: "ok"}
	if err != nil && !errors.As(err, &bad) {
		bad = &Bad{"cannot-run", 70, err.Error()}
	}
	bad.Reason = short(bad.Reason)
	if bad.Reason != "" {
		fmt.Fprintf(os.Stderr, "assay-shim: %s: %s\n", strings.ReplaceAll(bad.End, "-", " "), bad.Reason)
	}
	if s.reports {
		s.report(os.NewFile(3, "samples"), e, bad) // to nobody, if the reader has left
	}
	os.Exit(bad.Status)
}

// short returns the first line of a reason as a report has it, which JSON makes
// no longer than twice the 400 bytes that it may have.
func short(reason string) string {
	reason, _, _ = strings.Cut(reason, "\n")
	reason = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, reason)
	return strings.ToValidUTF8(reason[:min(len(reason), 400)], "")
}

type headLine struct {
	Shim    int    `json:"shim"`
	Engine  string `json:"engine"`
	Version string `json:"version"`
	Mode    string `json:"mode"`
	Threads int    `json:"threads,omitempty"`
}

type phaseLine struct {
	Phase string `json:"phase"`
	Call  int    `json:"call,omitempty"`
	NS    int64  `json:"ns"`
	CPUNS int64  `json:"cpu_ns"`
}

type countLine struct {
	Count uint64 `json:"count"`
	Unit  string `json:"unit"`
}

type endLine struct {
	End    string `json:"end"`
	Detail string `json:"detail,omitempty"`
}

// report writes what was measured.
func (s *Shim) report(w io.Writer, e Engine, end *Bad) error {
	var b strings.Builder
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	lines := []any{headLine{1, e.Name, e.Version, s.Mode, e.Threads(s.Mode)}}
	for _, m := range s.samples {
		lines = append(lines, phaseLine{m.phase, m.call, m.ns, m.cpu})
	}
	if s.count != nil {
		lines = append(lines, countLine{*s.count, e.Count})
	}
	for _, l := range append(lines, endLine{end.End, end.Reason}) {
		if err := out.Encode(l); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// A usageError is what is wrong with a command line.
type usageError string

func (u usageError) Error() string { return string(u) }

var errVersion = errors.New("the version is asked for")

const maxCalls = 5000

// parse reads the command line. The ask has the mode in force also if what is
// asked for is unsupported.
func parse(e Engine, words []string) (ask Ask, err error) {
	ask.Mode = e.Modes[0]
	mode := ask.Mode
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		option := words[0]
		words = words[1:]
		switch option {
		case "--version":
			return ask, errVersion
		case "--count":
			ask.Count = true
			continue
		}
		if !slices.Contains([]string{"--mode", "--calls", "--precompile", "--env", "--dir"}, option) {
			return ask, usageError("no option " + option)
		}
		if len(words) == 0 {
			return ask, usageError(option + " wants a value")
		}
		value := words[0]
		words = words[1:]
		switch option {
		case "--mode":
			mode = value
		case "--calls":
			if ask.Calls, err = strconv.Atoi(value); err != nil || ask.Calls < 0 || ask.Calls > maxCalls {
				return ask, usageError(fmt.Sprintf("--calls %q: want 0 to %d", value, maxCalls))
			}
		case "--precompile":
			ask.Precompile = value
		case "--env":
			if name, _, ok := strings.Cut(value, "="); !ok || name == "" {
				return ask, usageError(fmt.Sprintf("--env %q: want NAME=VALUE", value))
			}
			ask.Env = append(ask.Env, value)
		case "--dir":
			var d Dir
			rest, ro := strings.CutSuffix(value, "::ro")
			i := strings.LastIndex(rest, "::")
			if i <= 0 || i+2 == len(rest) {
				return ask, usageError(fmt.Sprintf("--dir %q: want HOST::GUEST or HOST::GUEST::ro", value))
			}
			d.Host, d.Guest, d.ReadOnly = rest[:i], rest[i+2:], ro
			if d.Guest == "." {
				d.Guest = "/" // guests in Go find nothing in "."
			}
			ask.Dirs = append(ask.Dirs, d)
		}
	}
	if len(words) == 0 {
		return ask, usageError("no module is named")
	}
	ask.Path = words[0]
	ask.Args = append([]string{filepath.Base(ask.Path)}, words[1:]...)
	switch {
	case !slices.Contains(e.Modes, mode):
		return ask, Unsupported("mode %q: there are %s", mode, strings.Join(e.Modes, ", "))
	case ask.Count && e.Count == "":
		return ask, Unsupported("%s counts nothing", e.Name)
	case ask.Precompile != "" && (e.Saves == "" || mode != e.Saves):
		return ask, Unsupported("--precompile in mode %q", mode)
	}
	ask.Mode = mode
	return ask, nil
}
