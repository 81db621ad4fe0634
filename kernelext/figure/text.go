package figure

import (
	"strings"
	"unicode/utf8"
)

// text returns the figure as aligned columns and its notes.
func (f *Figure) text() []byte {
	rows := f.chart.rows()
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, v := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(v))
		}
	}
	var b strings.Builder
	if f.title != "" {
		b.WriteString(f.title + "\n\n")
	}
	for _, row := range rows {
		var line strings.Builder
		for i, v := range row {
			line.WriteString(v + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(v)+2))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	b.WriteString("\n")
	for _, note := range f.notes(func(*cell) bool { return true }) {
		b.WriteString(note + "\n")
	}
	return []byte(b.String())
}
