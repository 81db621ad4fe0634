package figure

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// An axis maps values to fractions of its length. It has numbers, on a linear
// or logarithmic scale, or categories, of which the first is at 0.
type axis struct {
	title      string
	log        bool
	min, max   float64
	categories []string
	marks      []float64 // where lines go across the data
	empty      bool      // no values: the numbers mean nothing and get no marks
}

// A tick is a mark on an axis; a minor one has no text.
type tick struct {
	value float64
	text  string
}

// at returns the fraction of a value; of category i for the value i.
func (a axis) at(v float64) float64 {
	switch {
	case a.categories != nil:
		return (v + 0.5) / float64(len(a.categories))
	case a.log:
		return (math.Log(v) - math.Log(a.min)) / (math.Log(a.max) - math.Log(a.min))
	}
	return (v - a.min) / (a.max - a.min)
}

// value is the inverse of at, for numbers.
func (a axis) value(at float64) float64 {
	if a.log {
		return math.Exp(math.Log(a.min) + float64(at*(math.Log(a.max)-math.Log(a.min))))
	}
	return a.min + float64(at*(a.max-a.min))
}

// numeric returns an axis from min to max with a little room, so that no datum
// is drawn on the frame; with zero, a linear one begins there.
func numeric(title string, log, zero bool, min, max float64) (axis, error) {
	a := axis{title: title, log: log, min: min, max: max}
	switch {
	case min > max: // no values at all
		a.min, a.max, a.log, a.empty = 0, 1, false, true
	case math.IsInf(min, 0) || math.IsInf(max, 0):
		return a, fmt.Errorf("%s: a value is infinite", title)
	case log && min <= 0:
		return a, fmt.Errorf("%s: a log axis cannot show %v; leave such rows out with Where, or draw on a linear axis", title, min)
	case log:
		room := math.Max(math.Pow(max/min, 0.04), 1.05)
		a.min, a.max = min/room, max*room
	case min == max && min == 0:
		a.max = 1
	case min == max:
		a.min, a.max = min-math.Abs(min)/10, max+math.Abs(max)/10
	default:
		room := (max - min) * 0.04
		a.min, a.max = min-room, max+room
	}
	if zero && !log && min >= 0 {
		a.min = 0
	}
	if !log && min >= 0 && a.min < 0 {
		a.min = 0
	}
	return a, nil
}

// ticks returns the marks for a length in points; a text is about as wide as
// wide, and texts must not touch.
func (a axis) ticks(length, wide float64) []tick {
	if a.categories != nil {
		var out []tick
		for i, c := range a.categories {
			out = append(out, tick{float64(i), c})
		}
		return out
	}
	if a.empty {
		return nil
	}
	most := math.Max(2, math.Floor(length/(wide*1.3)))
	if a.log {
		if t := a.decades(length, most); t != nil {
			return t
		}
	}
	return a.round(most)
}

// decades returns the powers of ten as marks, with minor marks between; where
// fewer than three powers are in range, 2 and 5 get texts too. Nil: the range
// is too narrow for that.
func (a axis) decades(length, most float64) []tick {
	low, high := int(math.Floor(math.Log10(a.min)-1e-9)), int(math.Ceil(math.Log10(a.max)+1e-9))
	inside := func(v float64) bool { return v >= a.min*(1-1e-12) && v <= a.max*(1+1e-12) }
	powers, fives := 0.0, 0.0
	for e := low; e <= high; e++ {
		for _, m := range []int{1, 2, 5} {
			if !inside(power(m, e)) {
				continue
			}
			fives++
			if m == 1 {
				powers++
			}
		}
	}
	if fives < 2 {
		return nil
	}
	every := int(math.Max(1, math.Ceil(powers/most)))
	withFives := powers < 3 && fives <= most
	var out []tick
	for e := low; e <= high; e++ {
		for m := 1; m <= 9; m++ {
			v := power(m, e)
			if !inside(v) {
				continue
			}
			t := tick{value: v}
			if m == 1 && ((e%every)+every)%every == 0 || withFives && (m == 1 || m == 2 || m == 5) {
				t.text = number(v)
			}
			if m > 1 && t.text == "" && (every > 1 || length/powers < 18) {
				continue // minor marks would be a smear
			}
			out = append(out, t)
		}
	}
	return out
}

// power returns m times ten to the e, as the nearest float.
func power(m, e int) float64 {
	v, err := strconv.ParseFloat(fmt.Sprintf("%de%d", m, e), 64)
	if err != nil {
		panic(err) // not possible for a digit and an int
	}
	return v
}

// round returns marks at multiples of 1, 2 or 5 times a power of ten, at most
// so many.
func (a axis) round(most float64) []tick {
	raw := (a.max - a.min) / math.Min(most, 8)
	e := int(math.Floor(math.Log10(raw)))
	step, at := power(1, e), 0
	for _, m := range []int{1, 2, 5, 10} {
		if step, at = power(m, e), m; step >= raw*(1-1e-9) {
			break
		}
	}
	decimals := -e
	if at == 10 {
		decimals--
	}
	var out []tick
	for i := math.Ceil(a.min/step - 1e-9); i*step <= a.max+step*1e-9; i++ {
		v := i*step + 0 // not -0
		text := strconv.FormatFloat(v, 'f', max(0, decimals), 64)
		if big := math.Max(math.Abs(a.min), math.Abs(a.max)); big >= 1e6 || big < 1e-4 {
			text = number(v)
		}
		out = append(out, tick{v, text})
	}
	return out
}

// number returns a short text: 0.01, 100000, 1e6.
func number(v float64) string {
	if a := math.Abs(v); a == 0 || a >= 1e-4 && a < 1e6 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return strings.NewReplacer("e+0", "e", "e+", "e", "e-0", "e-").Replace(strconv.FormatFloat(v, 'g', 3, 64))
}

// rounded returns a number of four digits.
func rounded(v float64) string {
	short, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
	if err != nil {
		panic(err) // not possible for what FormatFloat made
	}
	return number(short)
}

// shortText returns a value in as little room as its two first digits take: "0.8",
// "1.2", "35".
func shortText(v float64) string {
	if v < 9.95 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}

// estimateText returns a value as it is quoted: three significant digits.
func estimateText(v float64) string {
	a := math.Abs(v)
	switch {
	case math.IsNaN(v):
		return "–"
	case a == 0:
		return "0"
	case a < 1e-3 || a >= 1e6:
		return strconv.FormatFloat(v, 'e', 2, 64)
	case a >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	decimals := 2 - int(math.Floor(math.Log10(a)))
	return strconv.FormatFloat(v, 'f', decimals, 64)
}
