package disk_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/artifactstest"
	"github.com/assay-notebooks/assay/artifacts/disk"
)

// The test binary starts itself again in one of several roles, with these
// variables.
const (
	roleEnv = "ASSAY_DISK_TEST_ROLE" // as play knows them
	dirEnv  = "ASSAY_DISK_TEST_DIR"
	seedEnv = "ASSAY_DISK_TEST_SEED"
)

const (
	writers      = 4
	collectEvery = 4 // in each such round a collector runs, too
)

// rounds returns how often a test kills.
func rounds() int {
	if artifactstest.Long() {
		return 100
	}
	return 30
}

// play is the life of a process that is to be killed. It only returns when
// something is wrong.
func play(role string) int {
	seed, err := strconv.ParseUint(os.Getenv(seedEnv), 10, 64)
	if err == nil {
		var b *disk.Backend
		if b, err = disk.Open(os.Getenv(dirEnv)); err == nil {
			rnd := rand.New(rand.NewPCG(seed, 0))
			switch role {
			case "collector":
				err = collect(b, rnd)
			case "writer":
				err = write(artifacts.New(b), rnd)
			default:
				err = playCopies(role, artifacts.New(b), rnd)
			}
		}
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
	return 1
}

// garbage is old, unreferenced blobs that a collector makes and removes while
// writers put the same ones, or refer to them.
func garbage(i int) []byte { return fmt.Appendf(nil, "garbage %d", i) }

const garbages = 40

// write puts blobs and references for ever. It says what it is about to do and
// what was acknowledged, a line each.
func write(s *artifacts.Store, rnd *rand.Rand) error {
	ctx := context.Background()
	for {
		switch rnd.IntN(6) {
		case 0: // one that others write, too
			if err := writeBlob(ctx, s, fmt.Appendf(nil, "shared %d", rnd.IntN(500))); err != nil {
				return err
			}
		case 1: // one that is being collected
			if err := writeBlob(ctx, s, garbage(rnd.IntN(garbages))); err != nil {
				return err
			}
		case 2: // a reference to what may be collected just now
			d := assay.DigestOf(garbage(rnd.IntN(garbages)))
			if _, err := s.Stat(ctx, d); err != nil {
				continue
			}
			if err := writeRef(ctx, s, rnd, d); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		case 3:
			batch := s.Batch()
			var ds []assay.Digest
			for range 5 {
				d, _, err := batch.Put(ctx, bytes.NewReader(randomBlob(rnd)))
				if err != nil {
					return err
				}
				ds = append(ds, d)
			}
			if err := batch.Commit(ctx); err != nil {
				return err
			}
			for _, d := range ds {
				fmt.Println("blob", d)
			}
		default:
			b := randomBlob(rnd)
			if err := writeBlob(ctx, s, b); err != nil {
				return err
			}
			if err := writeRef(ctx, s, rnd, assay.DigestOf(b)); err != nil {
				return err
			}
		}
	}
}

func randomBlob(rnd *rand.Rand) []byte {
	b := make([]byte, rnd.IntN(40_000))
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

func writeBlob(ctx context.Context, s *artifacts.Store, b []byte) error {
	d, err := s.PutBytes(ctx, b)
	if err == nil {
		fmt.Println("blob", d)
	}
	return err
}

// writeRef sets one of the writer's own references, or swaps a common one.
func writeRef(ctx context.Context, s *artifacts.Store, rnd *rand.Rand, d assay.Digest) error {
	if rnd.IntN(4) == 0 {
		old, err := s.Ref(ctx, "common/ref")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		err = s.SwapRef(ctx, "common/ref", old, d)
		if errors.Is(err, artifacts.ErrConflict) {
			return nil
		}
		if err == nil {
			fmt.Println("swap", old, d)
		}
		return err
	}
	name := fmt.Sprintf("writers/%s/%d", os.Getenv(seedEnv), rnd.IntN(5))
	fmt.Println("try", name, d)
	err := s.SetRef(ctx, name, d)
	if err == nil {
		fmt.Println("ref", name, d)
	}
	return err
}

// collect makes garbage that looks old, and collects it, for ever.
func collect(b *disk.Backend, rnd *rand.Rand) error {
	ctx := context.Background()
	old := time.Now().Add(-2 * artifacts.DefaultMinAge)
	for {
		for range 10 {
			value := garbage(rnd.IntN(garbages))
			tmp := filepath.Join(b.Dir(), ".tmp", fmt.Sprintf("garbage-%d", os.Getpid()))
			blob := filepath.Join(b.Dir(), "blobs", "sha256", assay.DigestOf(value).Hex())
			err := errors.Join(os.WriteFile(tmp, value, 0o600), os.Chtimes(tmp, old, old))
			if err == nil {
				err = os.Link(tmp, blob)
			}
			if errors.Is(err, fs.ErrExist) {
				err = nil
			}
			if err = errors.Join(err, os.Remove(tmp)); err != nil {
				return err
			}
		}
		report, err := artifacts.New(b).GC(ctx, artifacts.GCOptions{})
		if err != nil {
			return err
		}
		fmt.Println("gc", len(report.Removed))
	}
}

// acknowledged is what the processes said on their pipes.
type acknowledged struct {
	blobs map[assay.Digest]bool
	refs  map[string][]assay.Digest // what each may be; the first is acknowledged unless zero
	said  map[string]int            // lines by their first word
	sums  map[string]int            // of the numbers in them: of blobs copied, restored, removed
}

func newAcknowledged() *acknowledged {
	return &acknowledged{map[assay.Digest]bool{}, map[string][]assay.Digest{}, map[string]int{}, map[string]int{}}
}

// lost counts what was acknowledged and is not in the store.
func (a *acknowledged) lost(t *testing.T, s *artifacts.Store) int {
	lost := 0
	for d := range a.blobs {
		if _, err := s.ReadAll(t.Context(), d, 1<<20); err != nil {
			lost++
			t.Errorf("acknowledged blob: %v", err)
		}
	}
	for name, may := range a.refs {
		d, err := s.Ref(t.Context(), name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) || !slices.Contains(may, d) {
			lost++
			t.Errorf("reference %s = %v, %v, want one of %v", name, d, err, may)
		}
	}
	return lost
}

func (a *acknowledged) hear(t *testing.T, line string) {
	fields := strings.Fields(line)
	a.said[fields[0]]++
	digest := func(i int) assay.Digest {
		d, err := assay.ParseDigest(fields[i])
		if err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		return d
	}
	switch fields[0] {
	case "blob":
		a.blobs[digest(1)] = true
	case "try":
		if a.refs[fields[1]] == nil {
			a.refs[fields[1]] = []assay.Digest{{}}
		}
		a.refs[fields[1]] = append(a.refs[fields[1]], digest(2))
	case "ref":
		a.refs[fields[1]] = []assay.Digest{digest(2)}
	case "gc", "copied", "repaired":
		n, err := strconv.Atoi(fields[1])
		if err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		a.sums[fields[0]] += n
	}
}

// TestProcesses kills processes that write to one store, at random times, and
// looks whether the store has all that they said it has.
func TestProcesses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := newStore(t, dir)
	rnd := rand.New(rand.NewPCG(1, 1))
	all, rounds := newAcknowledged(), rounds()
	for round := range rounds {
		var processes []*process
		for i := range writers {
			processes = append(processes, start(t, "writer", dir, round*writers+i))
		}
		if round%collectEvery == 0 {
			processes = append(processes, start(t, "collector", dir, round))
		}
		killAll(t, processes, 20*time.Millisecond, rnd, all)
	}
	lost := all.lost(t, s)
	report, err := s.Check(t.Context(), artifacts.CheckOptions{ReadData: true})
	if err != nil {
		t.Fatal(err)
	}
	leftovers := 0
	for _, p := range report.Problems {
		if p.Kind == artifacts.Temporary {
			leftovers++
			continue
		}
		t.Errorf("check: %v", p)
	}
	if all.said["blob"] == 0 || all.said["ref"] == 0 || all.said["swap"] == 0 || all.said["gc"] == 0 || leftovers == 0 {
		t.Errorf("said %v, %d leftovers: want some of each, or the processes did nothing that could be lost", all.said, leftovers)
	}
	if _, err := s.GC(t.Context(), artifacts.GCOptions{Now: func() time.Time { return time.Now().Add(2 * artifacts.DefaultMinAge) }}); err != nil {
		t.Error(err)
	}
	if report, err := s.Check(t.Context(), artifacts.CheckOptions{ReadData: true}); err != nil || len(report.Problems) != 0 {
		t.Errorf("check after gc: %v, %v", report.Problems, err)
	}
	t.Logf("%d rounds of %d writers, all killed; acknowledged: %d puts (%d blobs), %d references set (%d names), %d swaps; "+
		"beside them %d collections removed %d blobs; lost: %d; left over: %d temporary files, removed by gc",
		rounds, writers, all.said["blob"], len(all.blobs), all.said["ref"], len(all.refs), all.said["swap"],
		all.said["gc"], all.sums["gc"], lost, leftovers)
}

// killAll kills one after another once all are at work, each at most life after
// the one before.
func killAll(t *testing.T, processes []*process, life time.Duration, rnd *rand.Rand, all *acknowledged) {
	t.Helper()
	for _, p := range processes {
		p.heard(t, all)
	}
	for _, i := range rnd.Perm(len(processes)) {
		time.Sleep(time.Duration(rnd.Int64N(int64(life))))
		if err := processes[i].cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range processes {
		p.end(t, all)
	}
}

type process struct {
	cmd    *exec.Cmd
	pipe   *bufio.Reader
	stderr bytes.Buffer
}

func start(t *testing.T, role, dir string, seed int, env ...string) *process {
	t.Helper()
	p := &process{cmd: exec.CommandContext(t.Context(), os.Args[0])}
	p.cmd.Env = append(os.Environ(), append(env, roleEnv+"="+role, dirEnv+"="+dir, seedEnv+"="+strconv.Itoa(seed))...)
	p.cmd.Stderr = &p.stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.pipe = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// heard waits for the first line of a process.
func (p *process) heard(t *testing.T, all *acknowledged) {
	t.Helper()
	line, err := p.pipe.ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %s", err, &p.stderr)
	}
	all.hear(t, line)
}

// end hears what a killed process had said. A line without its end was not said.
func (p *process) end(t *testing.T, all *acknowledged) {
	t.Helper()
	for {
		line, err := p.pipe.ReadString('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		all.hear(t, line)
	}
	var exit *exec.ExitError
	if err := p.cmd.Wait(); !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("process ended by itself: %v: %s", err, &p.stderr)
	}
}
