package lab

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/lab/labtest"
)

// newLab makes a workspace with n archived runs.
func newLab(t testing.TB, n int) *Workspace {
	t.Helper()
	w, err := Init(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := labtest.Archive(t.Context(), w.Root, 0, n); err != nil {
		t.Fatal(err)
	}
	return w
}

// wantRuns fails the test unless the list is of the runs of those numbers.
func wantRuns(t *testing.T, w *Workspace, f RunFilter, numbers ...int) {
	t.Helper()
	got, err := w.Runs(t.Context(), f)
	if err != nil {
		t.Errorf("Runs(%+v): %v", f, err)
	}
	var ids, want []string
	for _, l := range got {
		ids = append(ids, l.ID)
	}
	for _, i := range numbers {
		want = append(want, labtest.Run(i).ID)
	}
	if !reflect.DeepEqual(ids, want) {
		t.Errorf("Runs(%+v) = %q, want %q", f, ids, want)
	}
}

func TestRunsFilter(t *testing.T) {
	t.Parallel()
	w := newLab(t, 6)
	started := labtest.Run(3).Started
	for _, tt := range []struct {
		filter RunFilter
		want   []int
	}{
		{RunFilter{}, []int{0, 1, 2, 3, 4, 5}},
		{RunFilter{Name: "exp-02"}, []int{2}},
		{RunFilter{Name: "exp-0[2-4]"}, []int{2, 3, 4}},
		{RunFilter{Name: "exp"}, nil},
		{RunFilter{Workload: "noop"}, []int{0, 3}},
		{RunFilter{Workload: "*c*"}, []int{1, 4}},
		{RunFilter{Runtime: "wasm*"}, []int{0, 1, 2, 3, 4, 5}},
		{RunFilter{Runtime: "wasm"}, nil},
		{RunFilter{State: "complete"}, []int{0, 1, 2, 3, 4, 5}},
		{RunFilter{State: "running"}, nil},
		{RunFilter{Since: started}, []int{3, 4, 5}},
		{RunFilter{Until: started}, []int{0, 1, 2}},
		{RunFilter{Since: started, Until: started.Add(time.Minute)}, []int{3}},
		{RunFilter{Newest: 2}, []int{4, 5}},
		{RunFilter{Workload: "noop", Newest: 1}, []int{3}},
		{RunFilter{Newest: 100}, []int{0, 1, 2, 3, 4, 5}},
	} {
		wantRuns(t, w, tt.filter, tt.want...)
	}
	for _, f := range []RunFilter{{Name: "["}, {State: "done"}, {Newest: -1}} {
		if _, err := w.Runs(t.Context(), f); !errors.Is(err, failure.ErrUsage) {
			t.Errorf("Runs(%+v): %v, want a usage error", f, err)
		}
	}
}

// TestFindRunAbbreviated finds runs by the beginning of an ID or a digest.
func TestFindRunAbbreviated(t *testing.T) {
	t.Parallel()
	w := newLab(t, 12)
	runs, err := w.Runs(t.Context(), RunFilter{})
	if err != nil {
		t.Fatal(err)
	}
	l := runs[7]
	for _, ref := range []string{l.ID, l.ID[:14], l.Name, l.Manifest.String(), l.Manifest.String()[:19], l.Manifest.Hex()[:12]} {
		if run, err := w.FindRun(t.Context(), ref); err != nil || run.ID != l.ID {
			t.Errorf("FindRun(%q) = %s, %v; want %s", ref, run.ID, err, l.ID)
		}
	}
	for _, ref := range []string{"2026", "202", "sha256:", l.ID[:14] + "x"} {
		if run, err := w.FindRun(t.Context(), ref); !errors.Is(err, failure.ErrUsage) {
			t.Errorf("FindRun(%q) = %s, %v; want a usage error", ref, run.ID, err)
		}
	}
}

// TestCatalogue changes the archive in every way, and lists it with the
// catalogue from before.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w := newLab(t, 4)
	read, of := 0, 0
	w.Reading = func(done, total int) { read, of = done, total }
	wantRuns(t, w, RunFilter{}, 0, 1, 2, 3)
	if read != 4 || of != 4 {
		t.Errorf("making the list told of %d of %d runs, want 4 of 4", read, of)
	}
	if err := labtest.Archive(ctx, w.Root, 4, 5); err != nil {
		t.Fatal(err)
	}
	wantRuns(t, w, RunFilter{}, 0, 1, 2, 3, 4)
	if err := w.Store.DeleteRef(ctx, "runs/"+labtest.Run(1).ID); err != nil {
		t.Fatal(err)
	}
	wantRuns(t, w, RunFilter{}, 0, 2, 3, 4)
	mark := settle(t, w)
	wantRuns(t, w, RunFilter{}, 0, 2, 3, 4)
	if c := keptCatalogue(t, w); c.Mark != mark {
		t.Errorf("the catalogue's mark is %q, the archive's %q", c.Mark, mark)
	}

	// It is believed while nothing changes, and no longer.
	c := keptCatalogue(t, w)
	c.Names.Values[0] = "believed"
	w.keepCatalogue(c)
	wantRuns(t, w, RunFilter{Name: "believed"}, 0)
	manifest, err := w.Store.Ref(ctx, "runs/"+labtest.Run(0).ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Store.SetRef(ctx, "runs/"+labtest.Run(0).ID, manifest); err != nil {
		t.Fatal(err)
	}
	wantRuns(t, w, RunFilter{Name: "believed"})
	wantRuns(t, w, RunFilter{Name: "exp-00"}, 0)

	// A reference to what is no run is a problem each time.
	wrong, err := w.Store.PutBytes(ctx, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Store.SetRef(ctx, "runs/"+labtest.Run(2).ID, wrong); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if runs, err := w.Runs(ctx, RunFilter{}); err == nil || len(runs) != 3 {
			t.Errorf("with a reference to no run: %d runs, error %v; want 3 and one", len(runs), err)
		}
		settle(t, w)
	}
	if err := w.Store.SetRef(ctx, "runs/"+labtest.Run(2).ID, manifest); err != nil {
		t.Fatal(err)
	}
	if runs, err := w.Runs(ctx, RunFilter{}); err == nil || len(runs) != 3 {
		t.Errorf("with a reference to another run: %d runs, error %v; want 3 and one", len(runs), err)
	}
}

// settle waits until the archive has a mark, and returns it.
func settle(t *testing.T, w *Workspace) string {
	t.Helper()
	for t.Context().Err() == nil {
		mark, err := w.Store.RefsMark(t.Context(), "runs")
		if err != nil {
			t.Fatal(err)
		}
		if mark != "" {
			return mark
		}
		time.Sleep(50 * time.Millisecond)
	}
	return ""
}

func keptCatalogue(t *testing.T, w *Workspace) *catalogue {
	t.Helper()
	b, err := os.ReadFile(w.path(catalogueFile))
	if err != nil {
		t.Fatal(err)
	}
	c, ok := decodeCatalogue(b)
	if !ok {
		t.Fatalf("the catalogue in %s cannot be read", w.path(catalogueFile))
	}
	return c
}

// TestCatalogueWounds lists with catalogues that are none, and finds a whole
// one afterwards.
func TestCatalogueWounds(t *testing.T) {
	t.Parallel()
	w := newLab(t, 3)
	wantRuns(t, w, RunFilter{}, 0, 1, 2)
	path := w.path(catalogueFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"empty":     {},
		"cut":       whole[:len(whole)-1],
		"flipped":   flipped(whole, len(whole)/2),
		"of v0":     append([]byte("assay.catalogue.v0\n"), whole[len(catalogueFormat):]...),
		"continued": append(whole[:len(whole):len(whole)], 0),
	} {
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
		wantRuns(t, w, RunFilter{}, 0, 1, 2)
		if c := keptCatalogue(t, w); len(c.Runs) != 3 {
			t.Errorf("%s: the catalogue has %d runs after a list, want 3", name, len(c.Runs))
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o777); err != nil { // it cannot be written at all
		t.Fatal(err)
	}
	wantRuns(t, w, RunFilter{}, 0, 1, 2)
	if left, err := filepath.Glob(w.path(runsDir, ".*")); err != nil || len(left) != 0 {
		t.Errorf("left beside the runs: %q, %v", left, err)
	}
}

func flipped(b []byte, i int) []byte {
	b = append([]byte(nil), b...)
	b[i] ^= 1
	return b
}

// TestCatalogueTogether lists while runs are archived: every list has at least
// the runs that were there when it began.
func TestCatalogueTogether(t *testing.T) {
	t.Parallel()
	const runs = 60
	w := newLab(t, 0)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var listers sync.WaitGroup
	for range 3 {
		listers.Go(func() {
			for ctx.Err() == nil {
				before := 0
				for range w.Store.RefNames(t.Context(), "runs") {
					before++
				}
				got, err := w.Runs(t.Context(), RunFilter{})
				if err != nil || len(got) < before {
					t.Errorf("%d runs, %v; there were %d when the list began", len(got), err, before)
				}
			}
		})
	}
	for i := range runs {
		if err := labtest.Archive(t.Context(), w.Root, i, i+1); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	listers.Wait()
	if got, err := w.Runs(t.Context(), RunFilter{}); err != nil || len(got) != runs {
		t.Errorf("%d runs in the end, %v; want %d", len(got), err, runs)
	}
}

// FuzzCatalogue reads bytes as a catalogue: those it takes have every row.
func FuzzCatalogue(f *testing.F) {
	c := new(catalogue)
	for i := range 3 {
		c.add(newListed(labtest.Run(i), assay.Experiment{}), 1)
	}
	b, err := c.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b[len(catalogueFormat)+4:])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		c, ok := decodeCatalogue(frameCatalogue(body))
		if !ok {
			return
		}
		for i := range c.Runs {
			if row, ok := c.find(c.row(i).ID); !ok || c.Runs[row] != c.Runs[i] {
				t.Errorf("row %d is not found", i)
			}
		}
	})
}
