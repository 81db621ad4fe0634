package measure

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/assay-notebooks/assay"
)

// Calls are the times of the calls that a command made and reported.
type Calls struct {
	NS    []int64 // as reported, in order; at most as many as were asked for
	Wrong string  // what is wrong with the reports; "": they are as asked for
}

// within finds it wrong if the calls took longer, in all, than their process.
func (c *Calls) within(wall int64) {
	left := wall
	for _, ns := range c.NS {
		if left -= ns; left < 0 && c.Wrong == "" {
			c.Wrong = fmt.Sprintf("the calls that were reported take longer together than their process, %d ns: is their clock wrong?", wall)
		}
		left = max(left, -1) // no overflow
	}
}

// reportPrefix is how a line of stderr begins that reports a call.
const reportPrefix = assay.CallReport + " "

// longestReport is the length of the longest report, with its line end.
const longestReport = len(reportPrefix) + len("9223372036854775807") + 1

// A reports takes the reports of calls out of what a command writes to stderr.
// It hands on all the rest. However it is given the bytes, and whatever they
// are, it holds no more than one report and the times that were asked for.
type reports struct {
	want  int // calls
	rest  func([]byte)
	line  []byte // the beginning of a line, as long as it may become a report
	other bool   // the line that is being read is none
	seen  int    // whole reports
	calls Calls
}

// write takes p in.
func (r *reports) write(p []byte) {
	for rest := p; len(rest) > 0; {
		part := rest
		end := bytes.IndexByte(rest, '\n')
		if end >= 0 {
			part = rest[:end+1]
		}
		rest = rest[len(part):]
		if !r.other {
			// Of a line that is too long to be a report, no more is looked at than shows that.
			n := min(len(part), longestReport+1-len(r.line))
			r.line = append(r.line, part[:n]...)
			part = part[n:]
			begun := min(len(r.line), len(reportPrefix))
			switch whole := len(part) == 0 && end >= 0; {
			case string(r.line[:begun]) != reportPrefix[:begun]:
				r.pass()
			case whole || len(r.line) > longestReport:
				r.report(whole)
			}
		}
		if r.other {
			r.rest(part)
		}
		if end >= 0 {
			r.other = false
		}
	}
}

// pass hands on the line that is being read, which is no report.
func (r *reports) pass() {
	r.rest(r.line)
	r.line, r.other = r.line[:0], true
}

// report takes in the line, which begins as a report does.
func (r *reports) report(whole bool) {
	digits := strings.TrimSuffix(string(r.line[len(reportPrefix):]), "\n")
	ns, err := strconv.ParseInt(digits, 10, 64)
	if !whole || err != nil || ns < 0 || strings.HasPrefix(digits, "+") || strings.HasPrefix(digits, "-") {
		if r.calls.Wrong == "" {
			r.calls.Wrong = fmt.Sprintf("report %d of a call is %q: want %q and nanoseconds in decimal digits", r.seen+1, r.line, reportPrefix)
		}
		r.pass()
		return
	}
	r.line = r.line[:0]
	if r.seen++; len(r.calls.NS) < r.want {
		r.calls.NS = append(r.calls.NS, ns)
	}
}

// close returns what was reported. What was held of a last line without its
// end is handed on.
func (r *reports) close() Calls {
	begun := len(r.line) >= len(reportPrefix)
	last := string(r.line)
	if len(r.line) > 0 {
		r.pass()
	}
	switch c := &r.calls; {
	case c.Wrong != "":
	case begun:
		c.Wrong = fmt.Sprintf("report %d of a call, %q, has no line end", r.seen+1, last)
	case r.seen != r.want:
		c.Wrong = fmt.Sprintf("%d calls were reported, %d asked for", r.seen, r.want)
	}
	return r.calls
}
