package summary

import (
	"maps"
	"slices"
	"testing"

	"github.com/assay-notebooks/assay"
)

// Warm-up that most invocations show is said where the protocol leaves out
// less, and chance in one of them is not.
func TestWarmups(t *testing.T) {
	w := warmups{}
	var samples []assay.Sample
	for seq := range int64(10) {
		for trial := range int32(5) {
			for call := range int32(50) {
				ns := int64(1_000_000 + call*37%50*200) // without order
				switch {
				case trial == 1 && seq > 0 && call < 7, trial == 2 && seq == 0 && call < 7: // in nine, in one
					ns *= 2
				case trial == 3 && call > 40, trial == 4 && call >= 10:
					ns *= 3
				}
				x := assay.Sample{Seq: seq*5 + int64(trial), Trial: trial, Phase: assay.Call, Call: call + 1, Warmup: call < 5, Outcome: assay.OK, WallNS: &ns}
				w.add(x)
				inside := x
				inside.Phase = assay.Region
				if samples = append(samples, inside, x); call == 20 {
					x.Outcome, x.WallNS = assay.Timeout, nil
					w.add(x)
				}
			}
		}
	}
	var rows []assay.SummaryRow
	for _, runtime := range []string{"steady", "warm", "chance", "unsteady", "slower"} {
		rows = append(rows, assay.SummaryRow{Workload: "json", Runtime: runtime})
	}
	late := "json on unsteady: call times do not become steady in 10 of 10 invocations; make more calls, or look at them one by one"
	slower := "json on slower: calls become slower, for good after 10 calls, in 10 of 10 invocations: the host was throttled, or the guest's work grows"
	for discarded, want := range map[int][]string{
		5: {"json on warm: the first 7 calls are warm-up in 9 of 10 invocations; the protocol leaves out 5", late, slower},
		7: {late, slower},
	} {
		if got := w.notes(rows, discarded); !slices.Equal(got, want) {
			t.Errorf("%d left out: %q, want %q", discarded, got, want)
		}
	}

	// Where the protocol asks for it, those are left out, and nothing of the others.
	MarkWarmup(samples)
	w, left := warmups{}, map[int32]int{}
	for _, x := range samples {
		if w.add(x); x.Warmup {
			left[x.Trial]++
		}
	}
	if want := map[int32]int{0: 100, 1: 140, 2: 100, 3: 100, 4: 100}; !maps.Equal(left, want) {
		t.Errorf("calls and regions left out by trial: %v, want %v", left, want)
	}
	want := []string{"json on warm: the first 7 calls are left out: they are warm-up in 9 of 10 invocations", late, slower}
	if got := w.notes(rows, 5); !slices.Equal(got, want) {
		t.Errorf("notes of what is left out: %q, want %q", got, want)
	}
}

// Of few calls nothing can be found, and that is said.
func TestWarmupsOfFewCalls(t *testing.T) {
	rows := []assay.SummaryRow{{Workload: "json", Runtime: "v8"}}
	few := []string{"too few calls to look for warm-up: 9 an invocation, warm-up included; it takes 10"}
	for calls, want := range map[int][]string{0: nil, 9: few, 10: {"json on v8: the first 4 calls are warm-up in 5 of 5 invocations; the protocol leaves out 1"}} {
		w := warmups{}
		for seq := range int64(5) {
			for call := range calls {
				ns := int64(1_000_000 + call*7%10*200)
				if call < 4 {
					ns *= 10
				}
				w.add(assay.Sample{Seq: seq, Phase: assay.Call, Call: int32(call + 1), Outcome: assay.OK, WallNS: &ns})
			}
		}
		if got := w.notes(rows, 1); !slices.Equal(got, want) {
			t.Errorf("%d calls: %q, want %q", calls, got, want)
		}
	}
}
