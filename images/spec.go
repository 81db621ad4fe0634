package images

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/strictyaml"
)

// SpecFile is the name of the file that makes a directory a workload.
const SpecFile = "workload.yaml"

const specLimit = 1 << 20

// A Spec is what workload.yaml says. Files it names are relative to its
// directory and inside it.
type Spec struct {
	Name     string   `yaml:"name" json:"name"`
	Language Language `yaml:"language,omitempty" json:"language,omitempty"` // of the source; default Go
	Flags    []string `yaml:"flags,omitempty" json:"flags,omitempty"`       // for the C compiler, besides the recipe's
	Features []string `yaml:"features,omitempty" json:"features,omitempty"` // of WebAssembly, beyond those that the compiler uses unasked; none in the variants mvp
	Reactor  bool     `yaml:"reactor,omitempty" json:"reactor,omitempty"`   // the source has what a reactor exports: docs/workload.md
	Args     []string `yaml:"args,omitempty" json:"args,omitempty"`         // without argv[0]
	Env      []string `yaml:"env,omitempty" json:"env,omitempty"`           // KEY=VALUE
	Stdin    string   `yaml:"stdin,omitempty" json:"stdin,omitempty"`       // a file
	Expect   Expect   `yaml:"expect,omitempty" json:"expect,omitzero"`      // what a right answer is
	Scratch  bool     `yaml:"scratch,omitempty" json:"scratch,omitempty"`   // it wants an empty directory as its working directory
	Steady   bool     `yaml:"steady,omitempty" json:"steady,omitempty"`     // it heeds ASSAY_CALLS: docs/workload.md
	Licence  string   `yaml:"licence,omitempty" json:"licence,omitempty"`   // SPDX expression
	URL      string   `yaml:"url,omitempty" json:"url,omitempty"`           // where the source comes from
	Module   string   `yaml:"module,omitempty" json:"module,omitempty"`     // a ready .wasm file, in place of source
	Imports  []string `yaml:"imports,omitempty" json:"imports,omitempty"`   // import modules allowed besides WASI

	ReactorModule string `yaml:"reactor_module,omitempty" json:"reactor_module,omitempty"` // a ready reactor beside a Module that is a command
}

// A Language is what a workload's source is written in.
type Language string

// The languages that there is a recipe for.
const (
	Go   Language = "go"
	C    Language = "c"
	Rust Language = "rust"
)

var languages = []Language{Go, C, Rust}

// features are those that a workload may ask for: the ones that change what a
// compiler makes of a loop.
var features = []string{"simd128"}

// steady reports whether the workload heeds ASSAY_CALLS: the command that the C
// recipe makes around work does.
func (s Spec) steady() bool { return s.Steady || s.Language == C && s.Reactor }

// Expect is what a right answer is. Stdout and StdoutFile exclude each other;
// with neither, any output is right.
type Expect struct {
	Stdout     *string `yaml:"stdout,omitempty" json:"stdout,omitempty"`           // the whole of it
	StdoutFile string  `yaml:"stdout_file,omitempty" json:"stdout_file,omitempty"` // a file that holds the whole of it
	Exit       int     `yaml:"exit,omitempty" json:"exit,omitempty"`
}

var nameGrammar = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// flagGrammar has the compiler's flags that name no file, so that what is built
// stays a function of the source, and that every platform knows: not -m….
var flagGrammar = regexp.MustCompile(`^-(D[A-Za-z_][A-Za-z0-9_]*(=[A-Za-z0-9_.+-]*)?|f[a-z0-9-]+(=[a-z0-9-]+)?|O[0-3sz])$`)

// CheckName reports why s cannot be the name of a workload.
func CheckName(s string) error {
	if !nameGrammar.MatchString(s) {
		return fmt.Errorf("workload name %q: want 1 to 64 letters, digits, '.', '_' or '-', the first a letter or digit", s)
	}
	return nil
}

// ParseSpec parses and checks a workload.yaml. An unknown field is an error, and
// errors match failure.ErrUsage.
func ParseSpec(b []byte) (Spec, error) {
	var s Spec
	if len(b) > specLimit {
		return s, badSpec(fmt.Errorf("%d bytes, more than %d", len(b), specLimit))
	}
	if err := strictyaml.Decode(b, &s); err != nil {
		return Spec{}, badSpec(err)
	}
	if err := s.check(); err != nil {
		return Spec{}, badSpec(err)
	}
	return s, nil
}

// badSpec says what is wrong with a workload.yaml.
func badSpec(err error) error {
	return failure.Usagef("%s: %s; docs/workload.md shows one", SpecFile, strings.ReplaceAll(err.Error(), "\n", "; "))
}

func (s Spec) check() error {
	errs := []error{CheckName(s.Name)}
	for _, arg := range s.Args {
		if strings.ContainsRune(arg, 0) {
			errs = append(errs, fmt.Errorf("args: %q has a NUL", arg))
		}
	}
	for _, kv := range s.Env {
		if k, _, ok := strings.Cut(kv, "="); !ok || k == "" || strings.ContainsRune(kv, 0) {
			errs = append(errs, fmt.Errorf("env: %q, want KEY=VALUE", kv))
		}
	}
	if s.Language != "" && !slices.Contains(languages, s.Language) {
		errs = append(errs, fmt.Errorf("language %q, want one of %q", s.Language, languages))
	}
	if s.Module != "" && (s.Language != "" || s.Reactor) {
		errs = append(errs, errors.New("module: it is ready; leave out language and reactor"))
	}
	if s.ReactorModule != "" && s.Module == "" {
		errs = append(errs, errors.New("reactor_module: it is beside a command, which module names; a reactor alone is what module names"))
	}
	if len(s.Flags) > 0 && s.Language != C {
		errs = append(errs, errors.New("flags are for language: c"))
	}
	if len(s.Features) > 0 && s.Language != C && s.Language != Rust {
		errs = append(errs, errors.New("features are for language: c and rust"))
	}
	for _, f := range s.Features {
		if !slices.Contains(features, f) {
			errs = append(errs, fmt.Errorf("features: %q, want one of %q", f, features))
		}
	}
	for _, f := range s.Flags {
		if !flagGrammar.MatchString(f) {
			errs = append(errs, fmt.Errorf("flags: %q, want -DNAME, -DNAME=VALUE, -f… or -O…, and no path", f))
		}
	}
	if s.Expect.Stdout != nil && s.Expect.StdoutFile != "" {
		errs = append(errs, errors.New("expect: stdout and stdout_file exclude each other; keep one"))
	}
	if s.Expect.Exit < 0 || s.Expect.Exit > 255 {
		errs = append(errs, fmt.Errorf("expect: exit %d, want 0 to 255", s.Expect.Exit))
	}
	return errors.Join(errs...)
}

// expectation resolves e, whose files are read from src.
func (e Expect) expectation(src source) (assay.Expectation, error) {
	out := assay.Expectation{Exit: e.Exit}
	switch {
	case e.Stdout != nil:
		out.Stdout = assay.DigestOf([]byte(*e.Stdout))
	case e.StdoutFile != "":
		b, err := src.read(e.StdoutFile)
		if err != nil {
			return out, fmt.Errorf("expect: stdout_file: %w", err)
		}
		out.Stdout = assay.DigestOf(b)
	}
	return out, nil
}
