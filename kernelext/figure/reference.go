package figure

import (
	"fmt"
	"math"
)

// A reference is a value that all others are to be seen against.
type reference struct {
	value float64
	name  string
}

// Reference draws a line across the axis of values at a value in their unit,
// and says below the drawing what it is: f.Reference(1, "as fast as native").
// The axis reaches it.
func (f *Figure) Reference(value float64, name string) {
	f.references = append(f.references, reference{value, name})
}

// Note adds a line below the drawing: where the samples are from, what a reader
// must know.
func (f *Figure) Note(text string) { f.remarks = append(f.remarks, text) }

// values returns the axis of values that reach from low to high, with the
// references on it.
func (f *Figure) values(title string, log, zero bool, low, high float64) (axis, error) {
	var marks []float64
	if low <= high {
		for _, r := range f.references {
			low, high = math.Min(low, r.value), math.Max(high, r.value)
			marks = append(marks, r.value)
		}
	}
	a, err := numeric(title, log, zero, low, high)
	a.marks = marks
	return a, err
}

// notes returns what stands below the drawing.
func (f *Figure) notes(said func(*cell) bool) []string {
	out := f.chart.notes(said)
	for _, r := range f.references {
		out = append(out, fmt.Sprintf("Line at %s: %s.", rounded(r.value), r.name))
	}
	if note := waysNote(f.ways); note != "" {
		out = append(out, note)
	}
	return append(out, f.remarks...)
}
