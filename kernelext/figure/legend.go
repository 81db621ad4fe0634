package figure

// A key is one entry of a legend.
type key struct {
	look    look
	name    string
	how     keyKind
	missing string  // why the category has no samples, "" if it has some
	cells   []*cell // that have none for this reason
}

// A keyKind is what a key shows beside its name.
type keyKind int

const (
	lineKey keyKind = iota
	markerKey
	boxKey // filled as a bar is
)

const swatch = 22 // width of a line in a legend

// drawLegend draws the keys in rows above the data, where they cover nothing;
// those without samples come last, a line each. It returns the new top.
func drawLegend(s *scene, keys []key, top float64) float64 {
	const apart = 12
	room := s.width - 2*margin
	lead := plainText.lead() + 1.5
	x := room // no row yet
	for _, k := range keys {
		if k.missing != "" {
			continue
		}
		name := plainText.fit(k.name, room-swatch-4)
		width := k.swatch() + 4 + plainText.measure(name)
		if x+width > room {
			x = 0
			top += lead
		}
		k.draw(s, margin+x, top-4.5)
		s.write(plainText, point{margin + x + k.swatch() + 4, top - 2}, left, name)
		x += width + apart
	}
	for _, k := range keys {
		if k.missing == "" {
			continue
		}
		const most = 2 // lines of one key
		lines, whole := noteText.shorten(k.name+" – "+k.missing, room-swatch-4, most)
		for _, c := range k.cells {
			s.said[c] = whole
		}
		for i, line := range lines {
			top += lead
			if i == 0 {
				cross.draw(s, grey, point{margin + k.swatch()/2, top - 4.5}, 2.4)
			}
			s.write(noteText, point{margin + k.swatch() + 4, top - 2}, left, line)
		}
	}
	if len(keys) > 0 {
		top += 5
	}
	return top
}

// swatch is the width of the key's picture.
func (k key) swatch() float64 {
	switch k.how {
	case markerKey:
		return 8
	case boxKey:
		return 14
	}
	return swatch
}

func (k key) draw(s *scene, x, y float64) {
	if k.how == boxKey {
		k.look.hatch.fill(s, k.look.color, point{x, y - 3}, point{x + k.swatch(), y + 3})
		return
	}
	middle := point{x + k.swatch()/2, y}
	if k.how == lineKey {
		s.line(pen{color: k.look.color, width: 1.2, dash: k.look.dash}, point{x, y}, point{x + swatch, y})
	}
	k.look.marker.draw(s, k.look.color, middle, 2.3)
}
