package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/assay-notebooks/assay/kernelext/stats"
)

// level is that of all intervals.
const level = 0.95

// A row is one line of the table.
type row struct {
	title      string
	ours, peer string // metrics, of one unit
	against    string // what peer is
	needs      string // what ours cannot be measured without, if that is not the peer
	goal       goal
}

// suite is the name of the suite that measures the row.
func (r row) suite() string {
	return r.ours[:strings.IndexAny(r.ours, " /")]
}

// A goal is the most that a ratio or a value may be, or the factor by which a
// ratio may be off 1.
type goal struct {
	kind goalKind
	most float64
}

type goalKind int

const (
	noGoal goalKind = iota
	ofRatio
	ofValue
	nearOne
)

func ratioGoal(most float64) goal { return goal{ofRatio, most} }
func nearGoal(most float64) goal  { return goal{nearOne, most} }
func valueGoal(most float64) goal { return goal{ofValue, most} }

// An estimate is a median and its interval.
type estimate struct {
	n        int
	median   float64
	interval stats.Interval
	bounded  bool // there are enough values for an interval
}

func estimateOf(x []float64) estimate {
	e := estimate{n: len(x), median: stats.Median(x)}
	e.interval, e.bounded = stats.MedianInterval(x, level)
	return e
}

// String says it with three significant digits, without a unit.
func (e estimate) String() string {
	if !e.bounded {
		return significant(e.median) + " [too few]"
	}
	return fmt.Sprintf("%s [%s, %s]", significant(e.median), significant(e.interval.Low), significant(e.interval.High))
}

// significant writes a positive number with three significant digits.
func significant(v float64) string {
	decimals := max(0, 2-int(math.Floor(math.Log10(v))))
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

// verdict says whether a goal is met or missed, if all of the interval is on
// one side of it. unit is that of ours.
func (g goal) verdict(ours, ratio estimate, unit string) string {
	e, of := ours, " "+unit
	switch g.kind {
	case noGoal:
		return "no goal"
	case ofRatio:
		e, of = ratio, "x"
	case nearOne:
		least := 1 / g.most
		said := fmt.Sprintf("within %.3g to %.3gx: ", least, g.most)
		switch i := ratio.interval; {
		case !ratio.bounded:
			return said + "unknown"
		case least <= i.Low && i.High <= g.most:
			return said + "met"
		case i.High < least || g.most < i.Low:
			return said + "MISSED"
		}
		return said + "undecided"
	}
	said := fmt.Sprintf("at most %.3g%s: ", g.most, of)
	switch {
	case !e.bounded:
		return said + "unknown"
	case e.interval.High <= g.most:
		return said + "met"
	case e.interval.Low > g.most:
		return said + "MISSED"
	default:
		return said + "undecided"
	}
}

// writeTable writes a block for each row: what, and below it the numbers in
// columns.
func writeTable(w io.Writer, rows []row, all samples) error {
	const line = "  %-3s %-5s %-25s %-25s %-22s %s\n"
	fmt.Fprintf(w, line, "n", "unit", "assay", "peer", "ratio", "goal")
	for _, r := range rows {
		against := ""
		if r.against != "" {
			against = " / " + r.against
		}
		fmt.Fprintf(w, "\n%s%s\n", r.title, against)
		ours, peers := all[r.ours], all[r.peer]
		if len(ours) == 0 {
			fmt.Fprintf(w, "  unsupported: needs %s\n", cmp.Or(r.needs, r.against))
			continue
		}
		unit := r.ours[strings.LastIndexByte(r.ours, '-')+1:]
		peer, ratio := "-", "-"
		var quotient estimate
		switch {
		case len(peers) == len(ours):
			quotients := make([]float64, len(ours))
			for i := range ours {
				quotients[i] = ours[i] / peers[i]
			}
			quotient = estimateOf(quotients)
			peer, ratio = estimateOf(peers).String(), quotient.String()
		case len(peers) > 0:
			return fmt.Errorf("%d values of %s and %d of %s", len(ours), r.ours, len(peers), r.peer)
		case r.peer != "":
			peer = "unsupported"
		}
		e := estimateOf(ours)
		if _, err := fmt.Fprintf(w, line, strconv.Itoa(e.n), unit, e, peer, ratio, r.goal.verdict(e, quotient, unit)); err != nil {
			return err
		}
	}
	return nil
}
