package figure

import (
	"fmt"
	"math"
	"strings"
)

// TableText draws a table: a row per category, with n, the estimate (by
// default the median) and its 95% interval of each of the values, and what was
// left out. The format "txt" is the same table as text.
func (f *Figure) TableText(g Group, values ...Values) error {
	if len(values) == 0 {
		return fmt.Errorf("TableText: no values")
	}
	var t tableText
	for i, v := range values {
		if i > 0 {
			f.drawn = "" // the same drawing
		}
		all, err := f.gather("TableText", g, v)
		if err != nil {
			return err
		}
		t = append(t, all)
	}
	f.chart = t
	return nil
}

// A tableText is one gathering of samples per column of values.
type tableText []grouped

func (t tableText) legend() []key { return nil }

func (t tableText) notes(func(*cell) bool) []string {
	short, none := "", true
	for _, g := range t {
		for _, p := range g.panels {
			for _, c := range p.cells {
				e := g.estimate.of(c.values)
				none = none && e.n == 0
				if e.n > 0 && !e.ok {
					short = g.estimate.short()
				}
			}
		}
	}
	if none {
		return []string{"No samples."}
	}
	return []string{sentences(t[0].estimate.name(), short)}
}

// rows has n per column of values only where the columns differ in it.
func (t tableText) rows() [][]string {
	differ := false
	t.each(func(i, k int) {
		for _, g := range t {
			differ = differ || len(g.panels[i].cells[k].values) != len(t[0].panels[i].cells[k].values)
		}
	})
	header := []string{t[0].group}
	if !differ {
		header = append(header, "n")
	}
	for _, g := range t {
		if differ {
			header = append(header, "n")
		}
		header = append(header, g.values.title()+" "+g.estimate.bracket())
	}
	header = append(header, "left out")
	faceted := t[0].panels[0].name != ""
	if faceted {
		header = append([]string{"panel"}, header...)
	}
	out := [][]string{header}
	t.each(func(i, k int) {
		c := &t[0].panels[i].cells[k]
		row := []string{c.category}
		if !differ {
			row = append(row, fmt.Sprint(len(c.values)))
		}
		for _, g := range t {
			e := g.estimate.of(g.panels[i].cells[k].values)
			if differ {
				row = append(row, fmt.Sprint(e.n))
			}
			text := e.text()
			if text == "" {
				text = "–"
			}
			row = append(row, text)
		}
		row = append(row, t.account(i, k))
		if faceted {
			row = append([]string{t[0].panels[i].name}, row...)
		}
		out = append(out, row)
	})
	return out
}

// account says what is not in the numbers of a row. Rows without a value can be
// others for each of the values.
func (t tableText) account(panel, category int) string {
	first := &t[0].panels[panel].cells[category]
	var failed, unmeasured []string
	for _, l := range first.leftOut {
		if l.outcome != notMeasured {
			failed = append(failed, l.text())
		}
	}
	same := true
	for _, g := range t {
		c := &g.panels[panel].cells[category]
		same = same && c.account() == first.account()
		for _, l := range c.leftOut {
			if l.outcome == notMeasured {
				unmeasured = append(unmeasured, l.text()+" ("+g.values.label+")")
			}
		}
	}
	if same {
		return first.account()
	}
	return strings.Join(append(failed, unmeasured...), ", ")
}

// each calls visit with every panel and category.
func (t tableText) each(visit func(panel, category int)) {
	for i, p := range t[0].panels {
		for k := range p.cells {
			visit(i, k)
		}
	}
}

// body draws the rows between rules, numbers flush right.
func (t tableText) body(s *scene, top float64) float64 {
	rows := t.rows()
	last := len(rows[0]) - 1
	names := 1
	if t[0].panels[0].name != "" {
		names = 2
	}
	const apart = 8
	room := s.width - 2*margin
	widths, total := columnWidths(rows, room-float64(apart*float64(last)))
	total += float64(apart * float64(last))
	rule := func(p pen, y float64) { s.line(p, point{margin, y}, point{margin + math.Min(total, room), y}) }
	y := top + 2
	rule(framePen, y)
	for r, row := range rows {
		lines := make([][]string, len(row))
		most := 1
		for i, text := range row {
			lines[i] = rowText(r).wrap(whole(text), widths[i])
			most = max(most, len(lines[i]))
		}
		x := float64(margin)
		face := rowText(r)
		for i := range row {
			for k, line := range lines[i] {
				base := y + 2 + float64(face.lead()*float64(k+1)) - 1.5
				if i >= names && i < last {
					s.write(face, point{x + widths[i], base}, right, line)
				} else {
					s.write(face, point{x, base}, left, line)
				}
			}
			x += widths[i] + apart
		}
		y += 3 + float64(face.lead()*float64(most))
		if r == 0 {
			rule(pen{color: ink, width: 0.4}, y)
		}
	}
	rule(framePen, y+1)
	return y + 3
}

// rowText is the typeface of a row; the first is the header.
func rowText(row int) typeface {
	face := plainText
	face.bold = row == 0
	return face
}

// whole keeps the ends of an interval on one line.
func whole(text string) string {
	if !strings.HasSuffix(text, "]") || strings.HasSuffix(text, Median.bracket()) || strings.HasSuffix(text, Quartiles.bracket()) {
		return text
	}
	return strings.ReplaceAll(text, ", ", ",\u00a0")
}

// columnWidths returns how wide each column is, at most room in total where the
// longest words allow: what is too much is taken from the columns in proportion
// to what they can give.
func columnWidths(rows [][]string, room float64) (widths []float64, total float64) {
	widths = make([]float64, len(rows[0]))
	least := make([]float64, len(rows[0]))
	for r, row := range rows {
		face := rowText(r)
		for i, text := range row {
			text = whole(text)
			widths[i] = math.Max(widths[i], face.measure(text)+1)
			for _, word := range face.words(text) {
				least[i] = math.Max(least[i], face.measure(word)+1)
			}
		}
	}
	slack := 0.0
	for i := range widths {
		total += widths[i]
		slack += widths[i] - least[i]
	}
	if over := total - room; over > 0 && slack > 0 {
		share := math.Min(1, over/slack)
		total = 0
		for i := range widths {
			widths[i] -= float64(share * (widths[i] - least[i]))
			total += widths[i]
		}
	}
	return widths, total
}
