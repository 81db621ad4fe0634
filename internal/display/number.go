package display

import (
	"math"
	"strconv"
	"strings"

	"github.com/assay-notebooks/assay"
)

// A number is an estimate as text, value and interval to the same decimal.
type number struct{ Value, Interval string }

// spell writes an estimate: to two digits of the interval's width, but with
// three to five significant digits of the value.
func spell(e *assay.Estimate) number {
	switch {
	case e == nil:
		return number{"–", ""}
	case e.Low == nil || e.High == nil:
		return number{fixed(e.Value, significant(e.Value, 3)), "[n too small for an interval]"}
	}
	decimals := significant(e.Value, 3)
	if width := *e.High - *e.Low; width > 0 {
		decimals = min(max(significant(width, 2), decimals), significant(e.Value, 5))
	}
	return number{fixed(e.Value, decimals), "[" + fixed(*e.Low, decimals) + ", " + fixed(*e.High, decimals) + "]"}
}

// below returns n, which spells e, the peaks in MiB of processes of which some
// are below the floor, in bytes: they count as 0. A nil e is below it.
func (n number) below(floor int64, e *assay.Estimate) number {
	low := "below " + fixed(float64(floor)/(1<<20), 1)
	switch {
	case e == nil:
		return number{low, ""}
	case e.Low != nil && e.High != nil && *e.Low == 0:
		_, high, _ := strings.Cut(n.Interval, ", ")
		n.Interval = "[" + low + ", " + high
	}
	return n
}

func (n number) String() string {
	if n.Interval == "" {
		return n.Value
	}
	return n.Value + " " + n.Interval
}

// significant is how many decimals show so many significant digits of v.
func significant(v float64, digits int) int {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0
	}
	return min(max(digits-1-int(math.Floor(math.Log10(math.Abs(v)))), 0), 9)
}

func fixed(v float64, decimals int) string { return strconv.FormatFloat(v, 'f', decimals, 64) }
