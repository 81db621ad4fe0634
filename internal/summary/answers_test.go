package summary

import (
	"slices"
	"testing"

	"github.com/assay-notebooks/assay"
)

func TestAnswers(t *testing.T) {
	a, b := assay.DigestOf([]byte("5")), assay.DigestOf([]byte("6"))
	for name, c := range map[string]struct {
		rows []assay.Sample
		want []string
	}{
		"one": {[]assay.Sample{{Runtime: "x", Stdout: a}, {Runtime: "y", Stdout: a}}, nil},
		"two": {
			[]assay.Sample{{Runtime: "z", Stdout: b}, {Runtime: "x", Stdout: a}, {Runtime: "y", Stdout: a}, {Runtime: "x" + assay.ControlSuffix, Stdout: a}},
			[]string{"w: ANSWERS DIFFER, and with them perhaps the work that was timed: one from x, y; another from z; give the workload its expected stdout, so that another one is a failure"},
		},
		"one each time": {
			[]assay.Sample{{Runtime: "x", Stdout: a}, {Runtime: "x", Stdout: b}, {Runtime: "y", Stdout: a}},
			[]string{"w: its answer is another from one invocation to the next, so that runtimes cannot be held against each other by it"},
		},
		"failures": {[]assay.Sample{{Runtime: "x", Stdout: a}, {Runtime: "y", Stdout: b, Outcome: assay.Exit}}, nil},
	} {
		all := answers{}
		for _, x := range c.rows {
			x.Workload, x.Phase = "w", assay.Process
			if x.Outcome == "" {
				x.Outcome = assay.OK
			}
			all.add(x)
		}
		if got := all.notes(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
