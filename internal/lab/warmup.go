package lab

import (
	"fmt"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/stats"
)

// alike is how far apart levels of call times may be, as a fraction, and yet
// not be told apart by warmups.
const alike = 0.01

// A warmups gathers the calls of a run, warm-up included, to say whether the
// protocol leaves out enough of them. It is advice: nothing is left out that
// the protocol did not say.
type warmups map[int32]*calls // by trial

// Calls are the ok calls of a trial's invocations, in order, in nanoseconds.
type calls struct {
	seqs  []int64
	times [][]float64
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
	last := len(c.times) - 1
	c.times[last] = append(c.times[last], float64(*x.WallNS))
}

// fewestCalls is the fewest among which stats.CourseOf finds a change.
const fewestCalls = 10

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

// notes says of which rows more calls are warm-up than are left out, or never
// become steady, in most invocations: in one alone it may be chance.
func (w warmups) notes(rows []assay.SummaryRow, discarded int) []string {
	var out []string
	if made := w.most(); made > 0 && made < fewestCalls {
		out = append(out, fmt.Sprintf("%d calls an invocation, warm-up included, are too few to look for warm-up: it takes %d", made, fewestCalls))
	}
	for i, row := range rows {
		c := w[int32(i)]
		if c == nil {
			continue
		}
		var warming, slowing []stats.Course
		unsteady := 0
		for _, times := range c.times {
			switch course := stats.CourseOf(times, alike); course.Class {
			case stats.WarmsUp:
				warming = append(warming, course)
			case stats.SlowsDown:
				slowing = append(slowing, course)
			case stats.Unsteady:
				unsteady++
			}
		}
		of, where := len(c.times), title(row.Workload, row.Params)+" on "+row.Runtime
		if first, in := stats.WarmUp(warming); 2*in > of && first > discarded {
			out = append(out, fmt.Sprintf("%s: the first %d calls are warm-up in %d of %d invocations; the protocol leaves out %d", where, first, in, of, discarded))
		}
		if first, in := stats.WarmUp(slowing); 2*in > of {
			out = append(out, fmt.Sprintf("%s: calls become slower, for good after %d calls, in %d of %d invocations: the host was throttled, or the guest's work grows", where, first, in, of))
		}
		if 2*unsteady > of {
			out = append(out, fmt.Sprintf("%s: call times do not become steady in %d of %d invocations; make more calls, or look at them one by one", where, unsteady, of))
		}
	}
	return out
}
