package summary

import (
	"fmt"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

// alike is how far apart levels of call times may be, as a fraction, and yet
// not be told apart by warmups.
const alike = 0.01

// A warmups gathers the calls of a run, warm-up included, to say whether enough
// of them are left out, or to leave out more where the protocol says so.
type warmups map[int32]*calls // by trial

// Calls are the ok calls of a trial's invocations, in order, in nanoseconds.
type calls struct {
	seqs  []int64
	times [][]float64
	left  int // how many at the start of each are left out
}

func (w warmups) add(x assay.Sample) {
	if x.Phase != assay.Call || x.Outcome != assay.OK || x.WallNS == nil {
		return
	}
	c := w[x.Trial]
	if c == nil {
		c = &calls{}
		w[x.Trial] = c
	}
	if n := len(c.seqs); n == 0 || c.seqs[n-1] != x.Seq {
		c.seqs, c.times = append(c.seqs, x.Seq), append(c.times, nil)
	}
	if x.Warmup {
		c.left = max(c.left, int(x.Call))
	}
	last := len(c.times) - 1
	c.times[last] = append(c.times[last], float64(*x.WallNS))
}

// most returns the most calls of an invocation.
func (w warmups) most() int {
	n := 0
	for _, c := range w {
		for _, times := range c.times {
			n = max(n, len(times))
		}
	}
	return n
}

// An onset is how the invocations of a trial become steady.
type onset struct {
	warming, slowing []stats.Course
	unsteady, of     int
}

func (c *calls) onset() onset {
	o := onset{of: len(c.times)}
	for _, times := range c.times {
		switch course := stats.CourseOf(times, alike); course.Class {
		case stats.WarmsUp:
			o.warming = append(o.warming, course)
		case stats.SlowsDown:
			o.slowing = append(o.slowing, course)
		case stats.Unsteady:
			o.unsteady++
		}
	}
	return o
}

// warmUp returns how many calls are warm-up, and in how many invocations; none
// unless it is in most, for in one alone it may be chance.
func (o onset) warmUp() (first, in int) {
	if first, in = stats.WarmUp(o.warming); 2*in > o.of {
		return first, in
	}
	return 0, 0
}

// MarkWarmup marks as warm-up the calls that are, with their regions, trial by
// trial. It is a function of the samples, which are sorted by invocation. At least a quarter of the
// calls of each are left.
func MarkWarmup(samples []assay.Sample) {
	w, first := warmups{}, map[int32]int{}
	for _, x := range samples {
		w.add(x)
	}
	for trial, c := range w {
		first[trial], _ = c.onset().warmUp()
	}
	for i := range samples {
		if x := &samples[i]; x.Span().Repeats() && int(x.Call) <= first[x.Trial] {
			x.Warmup = true
		}
	}
}

// notes says of which rows more calls are warm-up than are left out, which the
// protocol says are so many, or never become steady.
func (w warmups) notes(rows []assay.SummaryRow, discarded int) []string {
	var out []string
	if made := w.most(); made > 0 && made < stats.ShortestCourse {
		out = append(out, fmt.Sprintf("too few calls to look for warm-up: %d an invocation, warm-up included; it takes %d", made, stats.ShortestCourse))
	}
	for i, row := range rows {
		c := w[int32(i)]
		if c == nil {
			continue
		}
		o, where := c.onset(), title(row.Workload, row.Params)+" on "+row.Runtime
		switch first, in := o.warmUp(); {
		case c.left > discarded:
			out = append(out, fmt.Sprintf("%s: the first %d calls are left out: they are warm-up in %d of %d invocations", where, c.left, in, o.of))
		case first > discarded:
			out = append(out, fmt.Sprintf("%s: the first %d calls are warm-up in %d of %d invocations; the protocol leaves out %d", where, first, in, o.of, discarded))
		}
		if first, in := stats.WarmUp(o.slowing); 2*in > o.of {
			out = append(out, fmt.Sprintf("%s: calls become slower, for good after %d calls, in %d of %d invocations: the host was throttled, or the guest's work grows", where, first, in, o.of))
		}
		if 2*o.unsteady > o.of {
			out = append(out, fmt.Sprintf("%s: call times do not become steady in %d of %d invocations; make more calls, or look at them one by one", where, o.unsteady, o.of))
		}
	}
	return out
}
