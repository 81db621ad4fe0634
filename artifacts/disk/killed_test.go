package disk_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/artifactstest"
	"github.com/assay-notebooks/assay/artifacts/disk"
)

const (
	fromEnv = "ASSAY_DISK_TEST_FROM" // the store that copiers and repairers read
	slotEnv = "ASSAY_DISK_TEST_SLOT" // where a copier has its references

	damageEvery = 4  // in each such round blobs are damaged before, and repairers run, too
	closures    = 30 // that copiers copy
)

// playCopies is the life of a process that works on two stores and is to be
// killed. It only returns when something is wrong.
func playCopies(role string, to *artifacts.Store, rnd *rand.Rand) error {
	b, err := disk.Open(os.Getenv(fromEnv))
	if err != nil {
		return err
	}
	from := artifacts.New(b)
	act := map[string]func(context.Context) error{
		"copier":   func(ctx context.Context) error { return copyOne(ctx, to, from, rnd) },
		"repairer": func(ctx context.Context) error { return repairAll(ctx, to, from) },
		"sweeper": func(ctx context.Context) error {
			report, err := sweep(ctx, to)
			fmt.Println("gc", len(report.Removed))
			return err
		},
	}[role]
	fmt.Println("begin")
	for {
		if err := act(context.Background()); err != nil {
			return err
		}
	}
}

// copyOne copies a closure, or lets go of one so that it can be collected.
func copyOne(ctx context.Context, to, from *artifacts.Store, rnd *rand.Rand) error {
	i := rnd.IntN(closures)
	d, err := from.Ref(ctx, fmt.Sprintf("runs/%d", i))
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s/%d", os.Getenv(slotEnv), i)
	if rnd.IntN(3) == 0 {
		fmt.Println("try", name, assay.Digest{})
		if err := to.DeleteRef(ctx, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		fmt.Println("ref", name, assay.Digest{})
		return nil
	}
	fmt.Println("try", name, d)
	report, err := artifacts.Copy(ctx, to, from, artifacts.CopyOptions{
		Refs: []artifacts.Ref{{Name: name, Digest: d}}, Children: artifactstest.Children(from), Jobs: 3,
	})
	switch {
	case errors.Is(err, artifacts.ErrConflict):
		fmt.Println("overtaken")
		return nil
	case err != nil:
		return err
	}
	fmt.Println("ref", name, d)
	fmt.Println("copied", report.Copied)
	return nil
}

func repairAll(ctx context.Context, to, from *artifacts.Store) error {
	report, err := to.Repair(ctx, artifacts.RepairOptions{
		Copies: []artifacts.Named{{Name: "from", Store: from}}, Children: artifactstest.Children(to), Jobs: 2,
	})
	if err == nil {
		fmt.Println("repaired", len(report.Repaired))
	}
	return err
}

// sweep collects all that no reference keeps, also what has just been copied.
func sweep(ctx context.Context, to *artifacts.Store) (artifacts.GCReport, error) {
	report, err := to.GC(ctx, artifacts.GCOptions{MinAge: 1, Children: artifactstest.Children(to)})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, artifacts.ErrCorrupt) {
		err = nil // damage that is not yet repaired: nothing is removed
	}
	return report, err
}

// TestKilled kills processes that copy from one store to another, collect
// there and repair it, at random times, and looks after each round whether
// the other store has all that they said it has and that it refers to.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir, fromDir := t.TempDir(), t.TempDir()
	to, from := newStore(t, dir), newStore(t, fromDir)
	rnd := rand.New(rand.NewPCG(2, 2))
	putClosures(t, from, rnd)
	all, rounds := newAcknowledged(), rounds()
	damaged, lost, restored := 0, 0, 0
	for round := range rounds {
		roles := []string{"copier", "copier", "sweeper"}
		if round%damageEvery == 0 {
			damaged += damage(t, to, dir, rnd)
			roles = append(roles, "repairer", "repairer")
		}
		var processes []*process
		for i, role := range roles {
			processes = append(processes, start(t, role, dir, round*len(roles)+i, fromEnv+"="+fromDir, fmt.Sprintf("%s=slot%d", slotEnv, i)))
		}
		killAll(t, processes, 50*time.Millisecond, rnd, all)
		lost += all.lost(t, to)
		if round%damageEvery == 0 {
			report, err := to.Repair(t.Context(), artifacts.RepairOptions{
				Copies: []artifacts.Named{{Name: "from", Store: from}}, Children: artifactstest.Children(to),
			})
			if err != nil || report.Damaged() {
				t.Errorf("round %d: repair: %v, left %v", round, err, report.Left)
			}
			restored += len(report.Repaired)
		}
		report, err := to.Check(t.Context(), artifacts.CheckOptions{ReadData: true, Children: artifactstest.Children(to)})
		if err != nil || report.Damaged() {
			t.Fatalf("round %d: check: %v, %v", round, err, report.Problems)
		}
	}
	if all.sums["copied"] == 0 || all.sums["gc"] == 0 || all.said["repaired"] == 0 || damaged == 0 {
		t.Errorf("said %v, %v: want some of each, or the processes did nothing that could be lost", all.said, all.sums)
	}
	t.Logf("%d rounds of processes between two stores, all killed; acknowledged: %d copies (%d blobs copied; %d overtaken by collections), "+
		"%d collections (%d blobs removed), %d repairs; %d blobs damaged, restored %d times by them and %d times after them; lost: %d",
		rounds, all.said["copied"], all.sums["copied"], all.said["overtaken"], all.said["gc"], all.sums["gc"],
		all.said["repaired"], damaged, all.sums["repaired"], restored, lost)
}

// putClosures puts manifests over manifests over blobs, many of them in common.
func putClosures(t *testing.T, s *artifacts.Store, rnd *rand.Rand) {
	t.Helper()
	put := func(b []byte) assay.Digest {
		d, err := s.PutBytes(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for i := range closures {
		below := put(artifactstest.Manifest(put(randomBlob(rnd)), put(fmt.Appendf(nil, "shared %d", i%7))))
		top := put(artifactstest.Manifest(below, put(randomBlob(rnd)), put(fmt.Appendf(nil, "shared %d", i%5))))
		if err := s.SetRef(t.Context(), fmt.Sprintf("runs/%d", i), top); err != nil {
			t.Fatal(err)
		}
	}
}

// damage removes and overwrites blobs that references reach, as a disk would.
func damage(t *testing.T, s *artifacts.Store, dir string, rnd *rand.Rand) int {
	t.Helper()
	if _, err := sweep(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "blobs", "sha256", "*"))
	if err != nil {
		t.Fatal(err)
	}
	rnd.Shuffle(len(files), func(i, j int) { files[i], files[j] = files[j], files[i] })
	files = files[:min(5, len(files))]
	for i, name := range files {
		err := os.Remove(name)
		if err == nil && i%2 == 0 {
			err = os.WriteFile(name, []byte("damaged"), 0o444)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return len(files)
}
