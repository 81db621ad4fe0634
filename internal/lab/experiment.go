package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/plainfile"
	"github.com/assay-notebooks/assay/internal/plans"
	"github.com/assay-notebooks/assay/internal/strictyaml"
	"github.com/assay-notebooks/assay/runners/runtimes"
)

const maxSpec = 1 << 20 // bytes of an experiment file

// LoadSpec reads an experiment file. Paths in it are relative to it; they come
// back absolute.
func LoadSpec(path string) (assay.Spec, error) {
	var spec assay.Spec
	b, err := plainfile.Read(path, maxSpec)
	if errors.Is(err, fs.ErrNotExist) {
		return spec, failure.Usagef("experiment: no file %s: name one; docs/experiment.md shows an experiment", path)
	}
	if err != nil {
		return spec, fmt.Errorf("experiment: %w", err)
	}
	if err := strictyaml.Decode(b, &spec); err != nil {
		return spec, failure.Usagef("%s: %w; docs/experiment.md shows an experiment", path, err)
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return spec, err
	}
	for i, w := range spec.Workloads {
		spec.Workloads[i] = Within(dir, w)
	}
	for i := range spec.Figures {
		f := &spec.Figures[i]
		if !filepath.IsAbs(f.Source) {
			f.Source = filepath.Join(dir, f.Source)
		}
	}
	return spec, nil
}

// grammar of names that become columns, parts of tables and of lines.
var (
	namePattern  = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N} ._+-]*$`) // a bound in it would cost 7 ms at every start
	paramPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,62}$`)
	placeholder  = regexp.MustCompile(`\$\{([^}]*)\}`)
)

// checkName says what is wrong with the name of an experiment or a figure.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New(`name is missing: give one, such as "coldstart"`)
	case !namePattern.MatchString(name), utf8.RuneCountInString(name) > 100:
		return fmt.Errorf("name %q: want at most 100 letters, digits, spaces, '.', '_', '+' or '-', the first a letter or digit", name)
	}
	return nil
}

// labelled says what kind of thing it is and, if it has one, its name.
func labelled(kind, name string) string {
	if name == "" {
		return kind
	}
	return kind + " " + name
}

// Resolve makes an experiment of spec: workloads pinned, defaults written out.
// It reports every mistake of spec, not the first.
func (w *Workspace) Resolve(ctx context.Context, spec assay.Spec) (assay.Experiment, error) {
	exp := assay.Experiment{Name: spec.Name, Runtimes: spec.Runtimes, Params: spec.Params, Protocol: spec.Protocol}
	var wrong []string
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if err := checkName(spec.Name); err != nil {
		bad("%v", err)
	}
	if len(spec.Workloads) == 0 {
		bad("workloads is empty: name at least one")
	}
	if len(spec.Runtimes) == 0 {
		bad("runtimes is empty: name at least one of %s", strings.Join(runtimeNames(), ", "))
	}
	seen := map[string]bool{}
	for _, r := range spec.Runtimes {
		if _, err := runtimes.Find(r); err != nil {
			bad("%v", err)
		}
		if seen[r] {
			bad("runtime %s is listed twice: list it once; protocol has control: true for the first one twice", r)
		}
		seen[r] = true
	}
	treatments := len(spec.Runtimes)
	if spec.Protocol.Control {
		treatments++
	}
	matrix := len(spec.Workloads) * treatments
	for i, p := range spec.Params {
		if slices.ContainsFunc(spec.Params[:i], func(q assay.Param) bool { return q.Name == p.Name }) {
			bad("parameter %s is listed twice: list it once, with all of its values", p.Name)
		}
		if values := slices.Sorted(slices.Values(p.Values)); len(slices.Compact(values)) != len(p.Values) {
			bad("parameter %s has a value twice: list it once", p.Name)
		}
		if !paramPattern.MatchString(p.Name) {
			bad("parameter %q: want a name of letters, digits and '_', not beginning with a digit", p.Name)
		}
		if len(p.Values) == 0 {
			bad("parameter %s has no values: list one or more, or drop it", p.Name)
		}
		matrix *= max(len(p.Values), 1)
		if matrix > plans.MaxRows {
			bad("the matrix has more than %d trials: make several experiments of it", plans.MaxRows)
			break
		}
	}
	wrong = append(wrong, plans.CheckProtocol(spec.Protocol, matrix, spec.Params)...)
	limits, err := parseLimits(spec.Limits)
	if err != nil {
		bad("%v", err)
	}
	exp.Limits = limits
	for i, f := range spec.Figures {
		if err := checkDrawing(DrawingOf(f, "")); err != nil {
			bad("%s: %v", labelled("figure", f.Name), err)
		}
		if slices.ContainsFunc(spec.Figures[:i], func(g assay.FigureSpec) bool { return g.Name == f.Name }) {
			bad("figure %s is listed twice: give one of them another name", f.Name)
		}
	}
	if len(wrong) > 0 {
		return exp, failure.Usagef("%s: %s", labelled("experiment", spec.Name), strings.ReplaceAll(strings.Join(wrong, "; "), "\n", "; "))
	}
	for _, ref := range spec.Workloads {
		wl, err := w.Workload(ctx, ref)
		if err != nil {
			return exp, fmt.Errorf("experiment %s: workload %s: %w", spec.Name, ref, err)
		}
		for _, other := range exp.Workloads {
			if other.Name == wl.Name {
				return exp, failure.Usagef("experiment %s: two workloads are called %s: list it once, or give one another name in its workload.yaml, or with assay pin --name", spec.Name, wl.Name)
			}
		}
		for _, m := range placeholder.FindAllStringSubmatch(strings.Join(append(slices.Clone(wl.Args), wl.Env...), " "), -1) {
			if !slices.ContainsFunc(spec.Params, func(p assay.Param) bool { return p.Name == m[1] }) {
				return exp, failure.Usagef("experiment %s: workload %s has ${%s}, and there is no parameter of that name: list it under params", spec.Name, wl.Name, m[1])
			}
		}
		if slices.ContainsFunc(wl.Env, func(kv string) bool { return strings.HasPrefix(kv, assay.CallsVariable+"=") }) {
			return exp, failure.Usagef("experiment %s: workload %s sets %s, which is for assay to set: leave it out of env", spec.Name, wl.Name, assay.CallsVariable)
		}
		exp.Workloads = append(exp.Workloads, wl)
	}
	return exp, nil
}

// parseLimits reads limits, and reports every one that is wrong.
func parseLimits(s assay.SpecLimits) (assay.Limits, error) {
	l := assay.Limits{Timeout: assay.DefaultTimeout, Output: assay.DefaultOutput}
	var wrong []error
	if s.Timeout != "" {
		d, err := time.ParseDuration(s.Timeout)
		if err != nil || d <= 0 {
			wrong = append(wrong, fmt.Errorf(`limits.timeout %q: want a positive time such as "60s", and no more than "2562047h"`, s.Timeout))
		}
		l.Timeout = d
	}
	for _, f := range []struct {
		key, text string
		to        *int64
	}{{"memory", s.Memory, &l.Memory}, {"output", s.Output, &l.Output}} {
		if f.text == "" {
			continue
		}
		n, err := parseBytes(f.text)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("limits.%s: %w", f.key, err))
		}
		*f.to = n
	}
	return l, errors.Join(wrong...)
}

// parseBytes reads "512MiB", "16KiB", "1GiB" or a plain number of bytes.
func parseBytes(s string) (int64, error) {
	digits := strings.TrimRight(s, "BKMGTi ")
	unit, ok := map[string]int64{"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}[strings.TrimSpace(s[len(digits):])]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !ok || n <= 0 || n > (1<<62)/unit {
		return 0, fmt.Errorf(`%q: want a positive size such as "512MiB" (B, KiB, MiB, GiB)`, s)
	}
	return n * unit, nil
}

func runtimeNames() []string {
	var names []string
	for _, r := range runtimes.All {
		names = append(names, r.Name())
	}
	return names
}
