package lab

import (
	"slices"
	"testing"

	"github.com/assay-notebooks/assay"
)

// Warm-up that most invocations show is said where the protocol leaves out
// less, and chance in one of them is not.
func TestWarmups(t *testing.T) {
	w := warmups{}
	for seq := range int64(10) {
		for trial := range int32(4) {
			for call := range int32(50) {
				ns := int64(1_000_000 + call*37%50*200) // without order
				switch {
				case trial == 1 && seq > 0 && call < 7, trial == 2 && seq == 0 && call < 7: // in nine, in one
					ns *= 2
				case trial == 3 && call > 40:
					ns *= 3
				}
				x := assay.Sample{Seq: seq*4 + int64(trial), Trial: trial, Phase: assay.Call, Call: call + 1, Warmup: call < 5, Outcome: assay.OK, WallNS: &ns}
				if w.add(x); call == 20 {
					x.Outcome, x.WallNS = assay.Timeout, nil
					w.add(x)
				}
			}
		}
	}
	var rows []assay.SummaryRow
	for _, runtime := range []string{"steady", "warm", "chance", "unsteady"} {
		rows = append(rows, assay.SummaryRow{Workload: "json", Runtime: runtime})
	}
	late := "json on unsteady: call times do not become steady in 10 of 10 invocations; make more calls, or look at them one by one"
	for discarded, want := range map[int][]string{
		5: {"json on warm: the first 7 calls are warm-up in 9 of 10 invocations; the protocol leaves out 5", late},
		7: {late},
	} {
		if got := w.notes(rows, discarded); !slices.Equal(got, want) {
			t.Errorf("%d left out: %q, want %q", discarded, got, want)
		}
	}
}
