// Package figure draws figures from tables: for print, in colour and in grey,
// with units on the axes, and with n and the interval named in the drawing. It
// is what a sealed figure is compiled with, so the same table gives the same
// bytes; docs/figure.md has the protocol of a sealed module.
//
// It refuses to hide: rows that are not measurements are left out of the
// numbers and counted in the drawing, and a category without samples is drawn
// as one, with the reason.
//
//	func ColdStart(f *figure.Figure, s figure.Table) error {
//		f.Title("Process cold start")
//		return f.ECDF(s.Group("runtime"), s.Float("wall_ns").In("ms"))
//	}
package figure

import (
	"errors"
	"fmt"
)

// A Figure is one drawing. Say what holds for all of it first (Title, LogX,
// Facet), then call exactly one of ECDF, Box, Bar, Bars, Stack, Line, Scatter,
// HeatMap, Suite, Intervals and TableText.
type Figure struct {
	width      float64 // in points
	title      string
	logX, logY bool
	facet      Group
	kinds      Group // of Distinguish
	ways       []way // of Modes, as is waysErr
	waysErr    error
	references []reference
	remarks    []string // of Note
	peaks      bool
	decimals   int // of peaks
	estimator  Estimator
	drawn      string // the method that was called
	chart      chart
}

// Title sets the line above the drawing.
func (f *Figure) Title(title string) { f.title = title }

// LogX makes the horizontal axis logarithmic. That of Bar, Box and ECDF shows
// the values.
func (f *Figure) LogX() { f.logX = true }

// LogY makes the vertical axis logarithmic.
func (f *Figure) LogY() { f.logY = true }

// Facet draws one panel per category, all with the same axes.
func (f *Figure) Facet(g Group) { f.facet = g }

// Distinguish gives the values of Intervals a colour and a shape for each
// category of g, of which there are few: verdicts.
func (f *Figure) Distinguish(g Group) { f.kinds = g }

// Estimate says what Bar, Bars, Stack, Line, HeatMap and TableText show of a
// category's samples. The default is Median.
func (f *Figure) Estimate(e Estimator) { f.estimator = e }

// A chart is the drawing of one kind, its samples collected.
type chart interface {
	legend() []key
	body(s *scene, top float64) (bottom float64)
	// notes returns the lines below the body; said reports whether the drawing
	// has the whole reason of a cell without samples.
	notes(said func(*cell) bool) []string
	rows() [][]string // as text, a header first, with all reasons
}

// begin notes which method draws the figure.
func (f *Figure) begin(method string) error {
	if f.drawn != "" {
		return fmt.Errorf("%s: the figure already is one of %s; use two figures, or Facet", method, f.drawn)
	}
	switch {
	case f.waysErr != nil:
		return fmt.Errorf("%s: modes: %w", method, f.waysErr)
	case f.peaks && method != "Line":
		return fmt.Errorf("%s: there are no lines, so leave Peaks out", method)
	case (f.kinds.code != nil || f.kinds.err != nil) && method != "Intervals":
		return fmt.Errorf("%s: only Intervals has values to distinguish, so leave Distinguish out", method)
	case f.references != nil && (method == "HeatMap" || method == "Suite" || method == "TableText"):
		return fmt.Errorf("%s: no axis has values, so leave Reference out", method)
	}
	f.drawn = method
	return nil
}

// onlyLogX reports a LogY where the vertical axis has no values.
func (f *Figure) onlyLogX(method string) error {
	if f.logY {
		return fmt.Errorf("%s: values run along x; use LogX in place of LogY", method)
	}
	return nil
}

const margin = 4 // points around a page

// scene lays the figure out.
func (f *Figure) scene() (*scene, error) {
	if f.chart == nil {
		return nil, errors.New("the figure function drew nothing; call one of ECDF, Box, Bar, Bars, Stack, Line, Scatter, HeatMap, Suite, Intervals, TableText")
	}
	s := &scene{width: f.width, said: make(map[*cell]bool)}
	y := float64(margin)
	if f.title != "" {
		for _, line := range titleText.wrap(f.title, s.width-2*margin) {
			y += titleText.lead()
			s.write(titleText, point{margin, y - 2}, left, line)
		}
		y += 3
	}
	y = drawLegend(s, f.chart.legend(), y)
	y = f.chart.body(s, y)
	y += 3
	for _, note := range f.notes(func(c *cell) bool { return s.said[c] }) {
		for _, line := range noteText.wrap(note, s.width-2*margin) {
			y += noteText.lead()
			s.write(noteText, point{margin, y - 2}, left, line)
		}
	}
	s.height = y + margin
	return s, nil
}
