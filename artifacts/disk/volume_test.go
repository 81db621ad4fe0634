package disk_test

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/artifactstest"
	"github.com/assay-notebooks/assay/artifacts/disk"
)

// TestVolume commits a batch that is large enough to be synced with all of the
// file system, with a power cut at each of its operations, and with an error of
// each.
func TestVolume(t *testing.T) {
	const blobs = 40
	commit := func(f *artifactstest.Faults) (*model, error) {
		m := newModel()
		b, err := disk.CreateFiles(faultyFiles{m, f}, "/store")
		if err != nil {
			return m, err
		}
		batch := artifacts.New(b).Batch()
		for n := range blobs {
			if _, _, err := batch.Put(t.Context(), strings.NewReader(strings.Repeat("x", n))); err != nil {
				return m, errors.Join(err, batch.Discard())
			}
		}
		return m, batch.Commit(t.Context())
	}
	var none artifactstest.Faults
	if _, err := commit(&none); err != nil {
		t.Fatal(err)
	}
	kept := 0
	for _, fault := range []artifactstest.Fault{artifactstest.IO, artifactstest.PowerCut} {
		for at := range none.Calls() {
			m, err := commit(&artifactstest.Faults{At: at + 1, Fault: fault})
			if err != nil {
				continue
			}
			kept++
			m.root.powerCut(true)
			b, err := disk.OpenFiles(m, "/store")
			if err != nil {
				t.Fatal(err)
			}
			for n := range blobs {
				if _, err := artifacts.New(b).ReadAll(t.Context(), assay.DigestOf([]byte(strings.Repeat("x", n))), blobs); err != nil {
					t.Fatalf("with %s at operation %d, after a power cut: %v", fault, at+1, err)
				}
			}
		}
	}
	if kept == 0 {
		t.Error("no batch outlived an error; one whose volume cannot be synced is to sync each file")
	}
}

// A slowModel's volume takes a second to say what became of a sync.
type slowModel struct{ *model }

func (m slowModel) Volume(name string) (disk.Volume, error) {
	v, err := m.model.Volume(name)
	return slowVolume{v}, err
}

type slowVolume struct{ disk.Volume }

func (v slowVolume) Sync() error {
	err := v.Volume.Sync()
	time.Sleep(time.Second)
	return err
}

// TestVolumeLosesBytes has one batch learn that bytes of another were lost, of
// which the volume tells nobody else: before the other's commit, and during it.
func TestVolumeLosesBytes(t *testing.T) {
	const blobs = 40
	for _, together := range []bool{false, true} {
		t.Run(fmt.Sprintf("together=%t", together), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := newModel()
				b, err := disk.CreateFiles(slowModel{m}, "/store")
				if err != nil {
					t.Fatal(err)
				}
				store := artifacts.New(b)
				kept, lost := store.Batch(), store.Batch()
				for n := range blobs {
					for _, err := range []error{put(t, kept, "kept", n), put(t, lost, "lost", n)} {
						if err != nil {
							t.Fatal(err)
						}
					}
				}
				m.bad = "lost 7 "
				var keptErr error
				done := make(chan bool)
				go func() {
					keptErr = kept.Commit(t.Context())
					close(done)
				}()
				if synctest.Wait(); !together { // the volume has told
					<-done
				}
				lostErr := lost.Commit(t.Context())
				<-done
				if keptErr != nil || !errors.Is(lostErr, syscall.EIO) {
					t.Fatalf("the batch that was kept: %v; the one that lost bytes: %v, want %v", keptErr, lostErr, syscall.EIO)
				}
				m.root.powerCut(true)
				for n := range blobs {
					want := content("kept", n)
					if _, err := store.ReadAll(t.Context(), assay.DigestOf([]byte(want)), int64(len(want))); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

func put(t *testing.T, batch *artifacts.Batch, name string, n int) error {
	_, _, err := batch.Put(t.Context(), strings.NewReader(content(name, n)))
	return err
}

func content(name string, n int) string { return fmt.Sprintf("%s %d in a batch", name, n) }
