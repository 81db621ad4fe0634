package figure

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Peaks has Line mark the highest estimate of each line, with its number to so
// many decimals, there and below the drawing.
func (f *Figure) Peaks(decimals int) { f.peaks, f.decimals = true, decimals }

// peak returns the highest spot; the first of equals.
func peak(spots []spot) spot {
	best := spots[0]
	for _, s := range spots {
		if s.value > best.value {
			best = s
		}
	}
	return best
}

// headroom returns the highest value of an axis that leaves room for the text
// of a peak.
func headroom(log bool, low, high float64) float64 {
	switch {
	case log && low > 0:
		return high * math.Pow(high/low, 0.08)
	case high > low:
		return high + float64(0.08*(high-low))
	}
	return high
}

// peakText returns the number of a peak.
func (l line) peakText(s spot) string { return strconv.FormatFloat(s.value, 'f', l.decimals, 64) }

// peakNote says what is marked: "Highest: noop 123.40 at 8; crc32 9.10 at 4."
func (l line) peakNote() string {
	if !l.peaks {
		return ""
	}
	var parts []string
	for i, p := range l.panels {
		for k := range p.cells {
			if spots := l.lines[i][k]; len(spots) > 0 {
				s := peak(spots)
				parts = append(parts, fmt.Sprintf("%s %s at %s", p.cells[k].in(p), l.peakText(s), number(s.x)))
			}
		}
	}
	return "Highest: " + strings.Join(parts, "; ") + "."
}

// drawPeaks marks the peaks of a panel. A text stands above its mark or, where
// that is on another's or off the panel, below or further below.
func (l line) drawPeaks(f frame, panel int) {
	type box struct{ left, top, right, bottom float64 }
	var taken []box
	free := func(b box) bool {
		for _, t := range taken {
			if b.left < t.right && t.left < b.right && b.top < t.bottom && t.top < b.bottom {
				return false
			}
		}
		return b.top >= f.top && b.bottom <= f.bottom
	}
	for i, spots := range l.lines[panel] {
		if len(spots) == 0 {
			continue
		}
		s := peak(spots)
		at := f.point(s.x, s.value)
		lookOf(i).marker.draw(f.s, lookOf(i).color, at, 3)
		taken = append(taken, box{at.x - 3, at.y - 3, at.x + 3, at.y + 3})
	}
	for _, spots := range l.lines[panel] {
		if len(spots) == 0 {
			continue
		}
		s := peak(spots)
		at := f.point(s.x, s.value)
		text := l.peakText(s)
		width := plainText.measure(text)
		left := math.Max(f.left+1, math.Min(at.x-width/2, f.right-width))
		var b box
		for _, down := range []float64{-5, 11, 19, 27, -13, -21} {
			b = box{left - 0.5, at.y + down - plainText.size + 1, left + width + 0.5, at.y + down + 0.5}
			if free(b) {
				break
			}
		}
		taken = append(taken, b)
		paper := white
		paper.A = 190
		f.s.area(paper, point{b.left, b.top}, point{b.right, b.top}, point{b.right, b.bottom}, point{b.left, b.bottom})
		f.s.write(plainText, point{left, b.bottom - 0.5}, 0, text)
	}
}
