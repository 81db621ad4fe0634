package figure

import (
	"math"
	"slices"
	"strings"
)

// Multiples are panels with the same axes, in rows; one panel is a figure
// without Facet.
type multiples struct {
	names    []string
	x, y     axis
	height   float64 // of a panel's data
	minWidth float64 // of a panel's data
	sideHead string  // over the texts at the right of the rows of a category axis
	side     [][]string
	sideLead float64 // between the lines of such a text
	upright  bool    // the names of the horizontal axis read from below
	draw     func(f frame, panel int)
}

// A frame is where one panel's data are drawn; top is less than bottom.
type frame struct {
	s                        *scene
	left, top, right, bottom float64
	x, y                     axis
}

func (f frame) px(v float64) float64 { return f.left + float64(f.x.at(v)*(f.right-f.left)) }

// py has the first category at the top, and numbers growing upwards.
func (f frame) py(v float64) float64 {
	at := f.y.at(v)
	if f.y.categories == nil {
		at = 1 - at
	}
	return f.top + float64(at*(f.bottom-f.top))
}

func (f frame) point(x, y float64) point { return point{f.px(x), f.py(y)} }

const (
	tickLength = 3.0
	gap        = 3.0  // between a tick and its text
	between    = 12.0 // panels
)

// body draws the panels below top and returns their bottom.
func (m multiples) body(s *scene, top float64) float64 {
	lead := plainText.lead()
	yLabels := m.yLabels(s.width)
	yWidth := 0.0
	for _, lines := range yLabels {
		if rows := float64(len(m.y.categories)); rows > 0 { // the rows are as high as the names need
			m.height = math.Max(m.height, rows*(float64(lead*float64(len(lines)))+2))
		}
		for _, line := range lines {
			yWidth = math.Max(yWidth, plainText.measure(line))
		}
	}
	yTitle := 0.0
	if m.y.title != "" {
		yTitle = axisText.lead() + 1
		if m.y.categories != nil {
			yTitle += 3 // names are less regular than numbers
		}
	}
	xTicks := plainText.measure(m.widestX())
	sideWidth := plainText.measure(m.sideHead)
	for _, texts := range m.side {
		for _, text := range texts {
			for line := range strings.SplitSeq(text, "\n") {
				sideWidth = math.Max(sideWidth, plainText.measure(line))
			}
		}
	}
	rightRoom := xTicks / 2
	if m.side != nil {
		rightRoom = math.Max(rightRoom, sideWidth+5)
	}
	leftRoom := margin + yTitle + yWidth + gap + tickLength
	room := s.width - leftRoom - margin
	columns := int(math.Max(1, math.Min(float64(len(m.names)), math.Floor((room+between)/(m.minWidth+rightRoom+between)))))
	rows := (len(m.names) + columns - 1) / columns
	width := (room-float64(between*float64(columns-1)))/float64(columns) - rightRoom

	head := 0.0
	for _, name := range m.names {
		if name != "" {
			head = math.Max(head, float64(panelText.lead()*float64(len(m.title(name, width))))+2)
		}
	}
	if m.sideHead != "" {
		head = math.Max(head, lead+1)
	}
	y := top
	for row := range rows {
		y += head
		for column := range columns {
			i := row*columns + column
			if i >= len(m.names) {
				break
			}
			x := leftRoom + float64(float64(column)*(width+rightRoom+between))
			f := frame{s: s, left: x, top: y, right: x + width, bottom: y + m.height, x: m.x, y: m.y}
			m.panel(f, i, xTicks, sideWidth)
			m.yAxis(f, yLabels, column == 0)
			m.xAxis(f, xTicks, i+columns >= len(m.names))
		}
		y += m.height
		if row < rows-1 {
			y += between / 2
			if len(m.names)%columns != 0 && row == rows-2 {
				y += gap + m.xRoom(width) // panels above a hole have their texts here
			}
		}
	}
	if m.y.title != "" {
		s.writeUpward(axisText, point{margin + axisText.size, (top + head + y) / 2}, m.y.title)
	}
	y += tickLength + gap + m.xRoom(width) - 2
	if m.x.title != "" {
		y += axisText.lead()
		s.write(axisText, point{leftRoom + room/2 - rightRoom/2, y - 2}, center, m.x.title)
	}
	return y + 1
}

// title is a panel's name in three lines at most: panels have to be told apart by it.
func (m multiples) title(name string, width float64) []string {
	lines, _ := panelText.shorten(name, width, 3)
	return lines
}

// panel draws one panel's name, grid, data and side texts.
func (m multiples) panel(f frame, i int, xTicks, sideWidth float64) {
	if m.names[i] != "" {
		lines := m.title(m.names[i], f.right-f.left)
		for k, line := range lines {
			f.s.write(panelText, point{f.left, f.top - 4 - float64(panelText.lead()*float64(len(lines)-1-k))}, left, line)
		}
	}
	for _, t := range m.x.ticks(f.right-f.left, xTicks) {
		if x := f.px(t.value); t.text != "" && m.x.categories == nil && x > f.left+0.5 {
			f.s.line(gridPen, point{x, f.top}, point{x, f.bottom})
		}
	}
	for _, t := range m.yTicks() {
		if y := f.py(t.value); t.text != "" && m.y.categories == nil && y < f.bottom-0.5 {
			f.s.line(gridPen, point{f.left, y}, point{f.right, y})
		}
	}
	m.draw(f, i)
	for _, v := range m.x.marks {
		f.s.line(referencePen, point{f.px(v), f.top}, point{f.px(v), f.bottom})
	}
	for _, v := range m.y.marks {
		f.s.line(referencePen, point{f.left, f.py(v)}, point{f.right, f.py(v)})
	}
	if m.x.empty && m.y.categories == nil {
		f.s.write(noteText, point{(f.left + f.right) / 2, (f.top + f.bottom) / 2}, center, noSamples)
	}
	if m.side == nil {
		return
	}
	edge := f.right + 5 + sideWidth
	if slices.ContainsFunc(m.side[i], func(text string) bool { return text != "" }) {
		f.s.write(noteText, point{edge, f.top - 4}, right, m.sideHead)
	}
	for k, text := range m.side[i] {
		lines := strings.Split(text, "\n")
		for l, line := range lines {
			y := f.py(float64(k)) + float64(m.sideLead*(float64(l)-float64(len(lines)-1)/2))
			f.s.write(plainText, point{edge, y + 2.5}, right, line)
		}
	}
}

func (m multiples) yTicks() []tick { return m.y.ticks(m.height, 14) }

// widestX returns the tick text to leave room for.
func (m multiples) widestX() string {
	widest := ""
	if m.x.categories != nil {
		return widest // these stay in their columns
	}
	for _, t := range m.x.ticks(200, 20) {
		if plainText.measure(t.text) > plainText.measure(widest) {
			widest = t.text
		}
	}
	return widest
}

// xLabel returns the text of a tick of the horizontal axis, broken to the width
// of its category.
func (m multiples) xLabel(t tick, width float64) []string {
	if m.x.categories == nil {
		return []string{t.text}
	}
	return plainText.wrap(t.text, width/float64(len(m.x.categories))-3)
}

// xRoom returns how high the texts of the horizontal axis are.
func (m multiples) xRoom(width float64) float64 {
	lead := plainText.lead()
	room := lead
	for _, t := range m.x.ticks(width, 20) {
		if m.upright {
			room = math.Max(room, plainText.measure(t.text)+4)
		} else {
			room = math.Max(room, lead*float64(len(m.xLabel(t, width))))
		}
	}
	return room
}

// yLabels returns the texts of the vertical axis, wrapped, by tick.
func (m multiples) yLabels(width float64) [][]string {
	var out [][]string
	for _, t := range m.yTicks() {
		out = append(out, plainText.wrap(t.text, 0.34*width))
	}
	return out
}

func (m multiples) yAxis(f frame, labels [][]string, texts bool) {
	f.s.line(framePen, point{f.left, f.top}, point{f.left, f.bottom})
	for i, t := range m.yTicks() {
		y := f.py(t.value)
		length := tickLength
		if t.text == "" {
			length /= 2
		}
		if m.y.categories == nil {
			f.s.line(framePen, point{f.left - length, y}, point{f.left, y})
		}
		if !texts {
			continue
		}
		lead := plainText.lead()
		y += 2.5 - float64(lead*float64(len(labels[i])-1)/2)
		for _, line := range labels[i] {
			f.s.write(plainText, point{f.left - tickLength - gap, y}, right, line)
			y += lead
		}
	}
}

func (m multiples) xAxis(f frame, wide float64, texts bool) {
	f.s.line(framePen, point{f.left, f.bottom}, point{f.right, f.bottom})
	for _, t := range m.x.ticks(f.right-f.left, wide) {
		x := f.px(t.value)
		length := tickLength
		if t.text == "" {
			length /= 2
		}
		f.s.line(framePen, point{x, f.bottom}, point{x, f.bottom + length})
		if !texts {
			continue
		}
		if m.upright {
			half := plainText.measure(t.text) / 2
			f.s.writeUpward(plainText, point{x + 2.5, f.bottom + tickLength + gap + half}, t.text)
			continue
		}
		y := f.bottom + tickLength + gap + plainText.size - 2
		for _, line := range m.xLabel(t, f.right-f.left) {
			f.s.write(plainText, point{x, y}, center, line)
			y += plainText.lead()
		}
	}
}
