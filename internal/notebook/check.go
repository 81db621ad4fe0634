package notebook

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/display"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/jupyter/nbformat"
	"github.com/assay-notebooks/assay/internal/lab"
	"github.com/assay-notebooks/assay/internal/pins"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// A Difference is something in a notebook that is not as it should be.
type Difference struct {
	Cell int    `json:"cell"` // from 1; 0: of the notebook as a whole
	What string `json:"what"`
	Want string `json:"want,omitempty"` // in the notebook
	Got  string `json:"got,omitempty"`  // executing it
}

// A Checked is what a check has found.
type Checked struct {
	Cells       int          `json:"cells"` // executed
	Outputs     int          `json:"outputs"`
	Runs        int          `json:"runs"`
	Figures     int          `json:"figures"`
	Differences []Difference `json:"-"`
	Failure     *CellError   `json:"-"` // of a cell that ended the execution
}

// Err returns nil if there are no differences; else its error matches
// failure.ErrMismatch.
func (c Checked) Err() error {
	switch n := len(c.Differences); n {
	case 0:
		return nil
	case 1:
		return failure.Classed(failure.ErrMismatch, errors.New("1 difference"))
	default:
		return failure.Classed(failure.ErrMismatch, fmt.Errorf("%d differences", n))
	}
}

// Check executes a copy of the notebook from the top and compares what comes
// with the outputs that nb holds, and what these say of runs, workloads and
// figures with assay.lock and the archive. It finds all differences; a cell
// that does not end as it should is one, and ends the execution: it is in
// Failure too. It writes no file of the workspace but archived ones: those of
// runs, which o.Archived rules out, and what nothing refers to.
func Check(ctx context.Context, w *lab.Workspace, nb *nbformat.Notebook, o Options, watch func(Step)) (Checked, error) {
	var c Checked
	if err := Executable(nb); err != nil {
		return c, err
	}
	fresh, err := nbformat.Parse(nb.Bytes())
	if err != nil {
		return c, err
	}
	c.counts(nb)
	if err := c.locked(ctx, w, nb); err != nil {
		return c, err
	}
	o.AllowErrors, o.KeepLock = false, true
	last := len(nb.Cells)
	err = Run(ctx, fresh, nil, o, func(s Step) {
		if s.State != Begins {
			c.Cells++
		}
		watch(s)
	})
	if failure, ok := errors.AsType[*CellError](err); ok && ctx.Err() == nil {
		c.Failure = failure
		c.differ(failure.Cell, "it ends the execution: "+failure.what(), "", "")
		last = failure.Cell - 1
	} else if err != nil {
		return c, err
	}
	for i := range last {
		c.compare(i+1, nb.Cells[i], fresh.Cells[i])
	}
	slices.SortStableFunc(c.Differences, func(a, b Difference) int { return a.Cell - b.Cell })
	return c, nil
}

func (c *Checked) differ(cell int, what, want, got string) {
	c.Differences = append(c.Differences, Difference{cell, what, want, got})
}

// counts checks that the notebook was executed once, from top to bottom.
func (c *Checked) counts(nb *nbformat.Notebook) {
	for n, i := range executable(nb) {
		switch count := nb.Cells[i].ExecutionCount; {
		case count == nil:
			c.differ(i+1, "it was not executed", "", "")
		case *count != n+1:
			c.differ(i+1, fmt.Sprintf("its number is [%d], and should be [%d]: the notebook was not executed once from top to bottom", *count, n+1), "", "")
		}
	}
}

// locked checks what displays say against assay.lock and the archive.
func (c *Checked) locked(ctx context.Context, w *lab.Workspace, nb *nbformat.Notebook) error {
	lock, err := w.Lock()
	if err != nil {
		return err
	}
	verified := map[assay.Digest]error{}
	runs, figures, displays := map[string]bool{}, map[string]bool{}, map[string]bool{}
	defer func() { c.Runs, c.Figures = len(runs), len(figures) }()
	inArchive := func(cell int, name string, d assay.Digest) error {
		err, known := verified[d]
		if !known {
			err = readable(ctx, w, d)
			verified[d] = err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			c.differ(cell, fmt.Sprintf("%s %v is not whole in the archive: %v", name, d, err), "", "")
		}
		return nil
	}
	for i, cell := range nb.Cells {
		n := i + 1
		for _, o := range cell.Outputs {
			facts := factsOf(o)
			name, _ := facts["name"].(string)
			switch facts["kind"] {
			case "workload":
				if got := lock.Workloads[name]; got.String() != text(facts["manifest"]) {
					c.differ(n, fmt.Sprintf("workload %s is not the one in %s", name, pins.File), text(facts["manifest"]), orNone(got))
				}
			case "run":
				run := text(facts["run"])
				runs[run] = true
				var manifest assay.Digest
				for _, e := range lock.Experiments {
					if e.Run == run {
						manifest = e.Manifest
					}
				}
				if manifest.IsZero() {
					c.differ(n, fmt.Sprintf("%s has no run %s of %s", pins.File, run, name), "", "")
				} else if err := inArchive(n, "run "+run, manifest); err != nil {
					return err
				}
				if trace, err := assay.ParseDigest(text(facts["trace"])); err != nil {
					c.differ(n, fmt.Sprintf("run %s names no trace: %v", run, err), "", "")
				} else if err := inArchive(n, "trace", trace); err != nil {
					return err
				}
			case "import":
				got := lock.Imports[name].Manifest
				if got.String() != text(facts["manifest"]) {
					c.differ(n, fmt.Sprintf("import %s is not the one in %s", name, pins.File), text(facts["manifest"]), orNone(got))
				} else if err := inArchive(n, "import "+name, got); err != nil {
					return err
				}
			case "figure":
				outputs, _ := facts["outputs"].(map[string]any)
				if want, got, ok := pictured(o, outputs); !ok {
					c.differ(n, fmt.Sprintf("figure %s: the picture in the notebook is not the one that its facts name", name), want, got)
				}
				figures[name] = true
				if display := canonical(facts); displays[display] {
					continue // its caption has the same facts as its picture
				} else {
					displays[display] = true
				}
				locked, ok := lock.Figures[name]
				if !ok {
					c.differ(n, fmt.Sprintf("figure %s is not sealed: %s does not have it", name, pins.File), "", "")
					continue
				}
				if module := text(facts["module"]); module != locked.Module.String() {
					c.differ(n, fmt.Sprintf("figure %s is of another module than %s has", name, pins.File), module, locked.Module.String())
				}
				digests := []assay.Digest{locked.Module}
				for _, t := range locked.Tables {
					digests = append(digests, t.Digest)
				}
				for _, format := range slices.Sorted(maps.Keys(outputs)) {
					digest := locked.Outputs[format]
					if text(outputs[format]) != digest.String() {
						c.differ(n, fmt.Sprintf("figure %s: its %s is not the one in %s", name, format, pins.File), text(outputs[format]), orNone(digest))
					}
					if !digest.IsZero() {
						digests = append(digests, digest)
					}
				}
				for _, d := range digests {
					if err := inArchive(n, "figure "+name+":", d); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// readable reads a blob from its begin to its end.
func readable(ctx context.Context, w *lab.Workspace, d assay.Digest) error {
	r, err := w.Store.Open(ctx, d)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	return errors.Join(err, r.Close())
}

func orNone(d assay.Digest) string {
	if d.IsZero() {
		return "none"
	}
	return d.String()
}

// pictured compares the picture in a figure's display with the digests of what
// the figure gave.
func pictured(o nbformat.Output, outputs map[string]any) (want, got string, ok bool) {
	data := o.Object("data")
	format, encoded := "png", text(data["image/png"])
	if _, svg, found := strings.Cut(html.UnescapeString(text(data["text/html"])), "data:image/svg+xml;base64,"); found {
		format = "svg"
		encoded, _, _ = strings.Cut(svg, `"`)
	}
	if encoded == "" {
		return "", "", true // a caption, or text, which is compared
	}
	want = text(outputs[format])
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(encoded), ""))
	if err != nil {
		return want, "not base64: " + err.Error(), false
	}
	got = assay.DigestOf(b).String()
	return want, got, want == got
}

func factsOf(o nbformat.Output) map[string]any {
	facts, _ := o.Object("metadata")[wire.Facts].(map[string]any)
	return facts
}

// compare compares the outputs of a cell: text stream by stream, for their
// order among each other is chance, and all else one by one.
func (c *Checked) compare(n int, stored, fresh *nbformat.Cell) {
	if stored.Type != nbformat.Code || stored.HasTag(tagSkip) {
		return
	}
	want, got := split(stored.Outputs), split(fresh.Outputs)
	c.Outputs += len(got.shown)
	for _, name := range []string{"stdout", "stderr"} {
		if want.streams[name] != "" || got.streams[name] != "" {
			c.Outputs++
		}
		if want.streams[name] != got.streams[name] {
			a, b := around(want.streams[name], got.streams[name])
			c.differ(n, name+" differs", a, b)
		}
	}
	for i := range max(len(want.shown), len(got.shown)) {
		switch {
		case i >= len(want.shown):
			c.differ(n, fmt.Sprintf("output %d is new", i+1), "", got.shown[i].String())
		case i >= len(got.shown):
			c.differ(n, fmt.Sprintf("output %d does not come", i+1), want.shown[i].String(), "")
		case want.shown[i] != got.shown[i]:
			a, b := around(want.shown[i].value, got.shown[i].value)
			if want.shown[i].what != got.shown[i].what {
				a, b = want.shown[i].String(), got.shown[i].String()
			}
			c.differ(n, fmt.Sprintf("output %d differs", i+1), a, b)
		}
	}
}

// A compared is a cell's outputs as they are compared.
type compared struct {
	streams map[string]string
	shown   []shown
}

// A shown is an output by what counts in it.
type shown struct{ what, value string }

func (s shown) String() string {
	line, _ := around(s.value, "")
	return s.what + " " + line
}

func split(outs []nbformat.Output) compared {
	c := compared{streams: map[string]string{}}
	for _, o := range outs {
		switch o.Kind() {
		case "stream":
			c.streams[o.String("name")] += o.String("text")
			continue
		case "error":
			c.shown = append(c.shown, shown{"error", unplaced(o.String("ename") + ": " + o.String("evalue"))})
			continue
		}
		c.shown = append(c.shown, counts(o)...)
	}
	for name, said := range c.streams {
		c.streams[name] = unplaced(mark.ReplaceAllString(elsewhere.ReplaceAllString(said, "$1"), ""))
	}
	return c
}

// elsewhere is the name of the file that holds the text that leftOut says is
// left out: a check's is another than a run's.
var elsewhere = regexp.MustCompile(`(\nassay: \d+ bytes are left out here); all of the text is in [^\n]*`)

// mark is what GoNB puts before a place in a cell, if the place comes in one
// piece with its line, which is chance.
var mark = regexp.MustCompile(` ?(?:\x1b\[[0-9;]*m)*\[\[ Cell \[\d+\] Line \d+ \]\](?:\x1b\[[0-9;]*m)* ?`)

// counts returns what counts in a display: of assay's the facts and what is
// shown of them, but not how this came about just then.
func counts(o nbformat.Output) []shown {
	facts, data := factsOf(o), o.Object("data")
	kind := display.Kind(text(facts["kind"]))
	switch kind {
	case display.KindProgress, display.KindStatus:
		return nil // of the moment
	case "":
		return []shown{{o.Kind(), unplaced(canonical(data))}}
	case display.KindRuntimes, display.KindHosts:
		return []shown{{string(kind), canonical(facts)}} // the rest is of today
	}
	said := ""
	for _, mime := range slices.Sorted(maps.Keys(data)) {
		s, ok := data[mime].(string)
		if !ok {
			s = canonical(data[mime])
		}
		said += "\n" + mime + ":\n" + display.Lasting(s)
	}
	if kind == display.KindFigure {
		// Its manifest also names the assay that drew it: not what it is.
		if d, err := assay.ParseDigest(text(facts["manifest"])); err == nil {
			said = strings.ReplaceAll(said, d.String(), "")
		}
		facts = maps.Clone(facts)
		delete(facts, "manifest")
	}
	return []shown{{string(kind), canonical(facts) + said}}
}

// canonical writes a value so that equal ones are equal strings: keys sorted.
func canonical(v any) string {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// diffWidth bounds a line of a difference.
const diffWidth = 100

// around returns the first lines in which two texts differ, cut.
func around(a, b string) (string, string) {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	i := 0
	for i < len(as)-1 && i < len(bs)-1 && as[i] == bs[i] {
		i++
	}
	return cut(as[i]), cut(bs[i])
}

func cut(s string) string {
	s = strings.TrimSpace(uncoloured(s))
	if r := []rune(s); len(r) > diffWidth {
		return string(r[:diffWidth]) + "…"
	}
	return s
}
