package artifacts_test

import (
	"context"
	"slices"
	"strconv"
	"testing"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/artifactstest"
)

// TestChain copies, checks, repairs and collects blobs that name one another in
// a long chain, as runs do that each have a successor, and in a circle, as no
// digests do.
func TestChain(t *testing.T) {
	t.Run("chain", func(t *testing.T) { testChain(t, 100_000, false) })
	t.Run("circle", func(t *testing.T) { testChain(t, 100, true) })
}

func testChain(t *testing.T, length int, circle bool) {
	chain := make([]assay.Digest, length)
	index := map[assay.Digest]int{}
	from := artifacts.New(new(artifactstest.Staging))
	for i := range chain {
		d, err := from.PutBytes(t.Context(), []byte(strconv.Itoa(i)))
		if err != nil {
			t.Fatal(err)
		}
		chain[i], index[d] = d, i
	}
	children := func(_ context.Context, d assay.Digest) ([]assay.Digest, error) {
		i := index[d]
		next := slices.Clone(chain[i+1 : min(i+2, length)])
		if circle {
			next = append(next, chain[0], d)
		}
		return next, nil
	}
	var b artifactstest.Staging
	to := artifacts.New(&b)
	report, err := artifacts.Copy(t.Context(), to, from, artifacts.CopyOptions{
		Refs: []artifacts.Ref{{Name: "runs/1", Digest: chain[0]}}, Children: children,
	})
	if err != nil || report.Copied != length {
		t.Fatalf("copy = %+v, %v, want %d blobs", report, err, length)
	}
	if collected, err := to.GC(t.Context(), artifacts.GCOptions{Children: children, DryRun: true, MinAge: 1}); err != nil || collected.Kept != length {
		t.Errorf("gc keeps %d, %v, want %d", collected.Kept, err, length)
	}
	for _, i := range []int{5, length / 2} {
		if err := b.Delete(t.Context(), "blobs/sha256/"+chain[i].Hex()); err != nil {
			t.Fatal(err)
		}
	}
	repaired, err := to.Repair(t.Context(), artifacts.RepairOptions{
		Copies: []artifacts.Named{{Name: "from", Store: from}}, Children: children,
	})
	if err != nil || repaired.Damaged() || len(repaired.Repaired) != 2 {
		t.Errorf("repair = %+v, %v, want 2 repaired", repaired, err)
	}
	if checked, err := to.Check(t.Context(), artifacts.CheckOptions{Children: children}); err != nil || len(checked.Problems) != 0 || checked.Blobs != length {
		t.Errorf("check = %+v, %v, want no problem", checked, err)
	}
}
