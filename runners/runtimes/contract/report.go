package contract

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

// A Runtime is what took part in a Report, or could not.
type Runtime struct {
	assay.RuntimeVersion
	Mode    runners.Mode  `json:"mode"`
	Cache   runners.Cache `json:"cache,omitempty"`
	Threads int           `json:"compile_threads,omitempty"` // on this host
	Note    string        `json:"note,omitempty"`            // what a reader of its numbers must know
	Shim    bool          `json:"shim"`                      // there is a program that tells its phases
}

// Of returns what r is, with what a host has of it.
func Of(r runners.Runtime, found assay.RuntimeVersion) Runtime {
	t := r.Traits()
	here := Runtime{RuntimeVersion: found, Mode: t.Mode, Cache: t.Cache, Threads: t.Threads, Shim: r.Shim() != nil}
	if t.Threads == runners.EachProcessor {
		here.Threads = runtime.NumCPU()
	}
	if here.Shim {
		here.Note = r.Shim().Note
	}
	return here
}

// A Report is how runtimes met the contract on one host.
type Report struct {
	Runtimes []Runtime // those that are Absent have no results
	Results  []Result
}

// Matrix returns the report as a table: a row for each case, a column for each
// runtime that has results. A number in brackets is that of a note, from 1.
func (r Report) Matrix() (header []string, rows [][]string, notes []string) {
	header = []string{"case"}
	of := map[string]map[string]Result{} // by case and runtime
	for _, res := range r.Results {
		if !slices.Contains(header[1:], res.Runtime) {
			header = append(header, res.Runtime)
		}
		if of[res.Case] == nil {
			of[res.Case] = map[string]Result{}
		}
		of[res.Case][res.Runtime] = res
	}
	for _, c := range Cases {
		if len(of[c.Name]) == 0 {
			continue
		}
		row := []string{c.Name}
		for _, runtime := range header[1:] {
			row = append(row, cell(of[c.Name][runtime], &notes))
		}
		rows = append(rows, row)
	}
	return header, rows, notes
}

// cell says how a case went, and puts the reason of a deviation in notes.
func cell(r Result, notes *[]string) string {
	switch r.Verdict {
	case "":
		return "" // not run
	case Deviates:
		note := fmt.Sprintf("%s: %s", r.Got, r.Why)
		n := slices.Index(*notes, note)
		if n < 0 {
			n = len(*notes)
			*notes = append(*notes, note)
		}
		return fmt.Sprintf("[%d]", n+1)
	case Met:
		if r.Got == string(assay.Unsupported) {
			return r.Got
		}
	}
	return string(r.Verdict)
}

// A Part is a generated part of docs/runtimes.md: the line that begins it.
type Part string

// The parts.
const (
	Everything Part = "<!-- by assay runtimes check --all --markdown docs/runtimes.md -->\n"
	Slow       Part = "<!-- by make test-slow -->\n" // what everything else does not wait for
)

const end = "<!-- end -->\n"

// Cut returns what doc has of the part, and what is before and after that.
func (p Part) Cut(doc string) (before, part, after string, ok bool) {
	before, rest, begins := strings.Cut(doc, string(p))
	part, after, ends := strings.Cut(rest, end)
	return before + string(p), part, end + after, begins && ends
}

// Write puts r into file, as the part p of it.
func (r Report) Write(file string, p Part, day time.Time) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, _, after, ok := p.Cut(string(b))
	if !ok {
		return fmt.Errorf("%s has no lines %q and %q: add them where the result is to be", file, p, end)
	}
	return renameio.WriteFile(file, []byte(before+r.Markdown(day)+after), 0o644)
}

// Markdown returns the report as the generated part of docs/runtimes.md.
func (r Report) Markdown(day time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Seen on %s, on linux/amd64 unless said otherwise.\n\n", day.Format(time.DateOnly))
	fmt.Fprintf(&b, "| runtime | version | binary | mode | cache | shim | how it was obtained |\n|---|---|---|---|---|---|---|\n")
	absent := map[string]string{}
	for _, v := range r.Runtimes {
		if v.Absent != "" {
			absent[v.Name] = v.Absent
			continue
		}
		version, digest := "–", "–"
		if !v.Digest.IsZero() {
			version, digest = v.Version, "`"+v.Digest.String()[:len("sha256:")+12]+"`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s |\n", v.Name, version, digest, v.Mode, orDash(string(v.Cache)), yes(v.Shim), noted(v))
	}
	if len(absent) > 0 {
		fmt.Fprintf(&b, "\nThese were not there then: only their plans are tested, against golden ones.\n\n")
		for _, name := range slices.Sorted(maps.Keys(absent)) {
			fmt.Fprintf(&b, "- `%s`: %s\n", name, absent[name])
		}
	}
	header, rows, notes := r.Matrix()
	fmt.Fprintf(&b, "\n| %s |\n|%s\n", strings.Join(header, " | "), strings.Repeat("---|", len(header)))
	for _, row := range rows {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
	}
	fmt.Fprintf(&b, "\nWhat deviates, how it ended there and why:\n\n")
	for i, note := range notes {
		fmt.Fprintf(&b, "- [%d] %s\n", i+1, note)
	}
	return b.String()
}

// noted returns how v was obtained, with what a reader must know.
func noted(v Runtime) string {
	if v.Note != "" {
		return v.Origin + "; " + v.Note
	}
	return v.Origin
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "–"
}
