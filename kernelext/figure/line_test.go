package figure

import (
	"strings"
	"testing"
)

// The note under lines says where there is no band, and only there.
func TestLineBandNote(t *testing.T) {
	for _, test := range []struct {
		estimate Estimator
		counts   []int // samples of each point
		want     string
	}{
		{Mean, []int{1, 1}, "Each point is one sample. n = 1: no interval."},
		{Mean, []int{4, 4}, "n = 4 per point."},
		{Mean, []int{1, 2, 4}, "n = 1 to 4 per point. No band where n < 2."},
		{Median, []int{4, 5}, "n = 4 to 5 per point. No band: too few samples for an interval."},
		{Median, []int{3, 5, 6}, "n = 3 to 6 per point. No band where n < 6."},
	} {
		var pairs []pair
		for x, n := range test.counts {
			for y := range n {
				pairs = append(pairs, pair{float64(x), float64(y + 1)})
			}
		}
		l := line{grouped: grouped{estimate: test.estimate}, lines: [][][]spot{{test.estimate.along(pairs)}}}
		if got := l.perPoint(); !strings.HasSuffix(got, test.want) {
			t.Errorf("%s of %v samples: %q, want it to end %q", test.estimate, test.counts, got, test.want)
		}
	}
}
