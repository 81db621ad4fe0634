package minio_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/artifacts/minio/miniotest"
)

// writerEnv makes this program a writer of TestProcesses: its name and where.
const writerEnv = "ASSAY_TEST_MINIO_WRITER"

type writer struct {
	Name   string
	Config minio.Config
}

// lease is long against a stutter of this machine, and short enough to wait for.
const lease = 2 * time.Second

// TestProcesses kills writers at random times, while a collector takes
// everything without a reference, however new. It takes over the locks of the
// dead. No reference that was acknowledged is lost, nor its blob.
func TestProcesses(t *testing.T) {
	if os.Getenv(writerEnv) != "" {
		write(t)
		return
	}
	server := miniotest.Start(t)
	cfg := server.Config("processes")
	create(t, cfg)
	collector := artifacts.New(tuned(t, cfg, minio.Tuned{Lease: lease}))
	const seed, rounds, writers = 1, 3, 3
	random := rand.New(rand.NewPCG(seed, 0))
	acked := map[string]assay.Digest{}
	removed := 0
	for round := range rounds {
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range writers {
			cmd := exec.Command(os.Args[0], "-test.run=^TestProcesses$")
			env, err := json.Marshal(writer{fmt.Sprintf("%d-%d", round, i), cfg})
			if err != nil {
				t.Fatal(err)
			}
			cmd.Env = append(os.Environ(), writerEnv+"="+string(env))
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			dies := 1 + random.IntN(20) // after so many acknowledgements, and a moment
			moment := time.Duration(random.IntN(20)) * time.Millisecond
			wg.Go(func() {
				defer cmd.Wait()
				lines := bufio.NewScanner(out)
				for n := 1; lines.Scan(); n++ {
					name, text, _ := strings.Cut(lines.Text(), " ")
					d, err := assay.ParseDigest(text)
					if err != nil {
						t.Errorf("writer: %s", lines.Text())
						break
					}
					mu.Lock()
					acked[name] = d
					mu.Unlock()
					if n == dies {
						time.AfterFunc(moment, func() { cmd.Process.Kill() })
					}
				}
			})
		}
		var err error
		for range 10 { // it may lose its lock, where this machine stutters for a lease
			var report artifacts.GCReport
			report, err = collector.GC(t.Context(), artifacts.GCOptions{Now: later})
			removed += len(report.Removed)
			if !errors.Is(err, minio.ErrLockLost) {
				break
			}
		}
		if err != nil {
			t.Errorf("gc: %v", err)
		}
		wg.Wait()
	}
	for name, d := range acked {
		if got, err := collector.Ref(t.Context(), name); err != nil || got != d {
			t.Errorf("reference %s = %v, %v, want %v", name, got, err, d)
		}
		if _, err := collector.ReadAll(t.Context(), d, 1<<20); err != nil {
			t.Errorf("blob of %s: %v", name, err)
		}
	}
	if len(acked) < rounds*writers {
		t.Errorf("%d acknowledgements, want one of each writer at least", len(acked))
	}
	if report, err := collector.Check(t.Context(), artifacts.CheckOptions{ReadData: true}); err != nil || report.Damaged() {
		t.Errorf("check = %v, %v, want no damage", report.Problems, err)
	}
	t.Logf("seed %d: %d writers killed, %d references acknowledged, %d blobs collected beside them; lost: 0", seed, rounds*writers, len(acked), removed)
}

// write puts blobs and refers to them until it is killed.
func write(t *testing.T) {
	var w writer
	if err := json.Unmarshal([]byte(os.Getenv(writerEnv)), &w); err != nil {
		t.Fatal(err)
	}
	s := artifacts.New(tuned(t, w.Config, minio.Tuned{Lease: lease}))
	for i := 0; ; i++ {
		name := fmt.Sprintf("runs/%s-%d", w.Name, i)
		for {
			d, err := s.PutBytes(t.Context(), []byte(name))
			if err == nil {
				err = s.SetRef(t.Context(), name, d)
			}
			if err == nil {
				fmt.Printf("%s %v\n", name, d)
				break
			}
			// The collector took the blob before its reference, or the lock.
			if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, minio.ErrLockLost) {
				fmt.Println("error", err)
				os.Exit(1)
			}
		}
		if _, err := s.PutBytes(t.Context(), []byte("garbage "+name)); err != nil && !errors.Is(err, minio.ErrLockLost) {
			fmt.Println("error", err)
			os.Exit(1)
		}
	}
}
