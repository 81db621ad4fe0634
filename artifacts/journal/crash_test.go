package journal

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// crashEnv names the journal that this binary, started by TestCrash, appends
// to until it is killed.
const crashEnv = "ASSAY_TEST_JOURNAL"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashEnv); path != "" {
		fmt.Fprintln(os.Stderr, appendForEver(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// appendForEver prints the Seq of every invocation once it is acknowledged.
func appendForEver(path string) error {
	w, rec, err := Open(path, plan)
	if errors.Is(err, os.ErrNotExist) {
		w, err = Create(path, plan)
	}
	if err != nil {
		return err
	}
	if err := w.Segment(segment(rec.Segments)); err != nil {
		return err
	}
	for seq := int64(len(rec.Done)); ; seq++ {
		if err := w.Invocation(invocation(seq, rec.Segments)); err != nil {
			return err
		}
		if _, err := fmt.Println(seq); err != nil {
			return err
		}
	}
}

// A writer is killed again and again, three times in four at a random moment of
// its work and else of its start. Every invocation it acknowledged is in the
// journal exactly once.
func TestCrash(t *testing.T) {
	const rounds = 50
	path := filepath.Join(t.TempDir(), "journal")
	random := rand.New(rand.NewPCG(3, 1))
	acknowledged := make(map[int64]bool)
	for round := range rounds {
		begun, most := round%4 > 0, 60*time.Millisecond
		if begun {
			most = 4 * time.Millisecond // of work: the next one reads what was written
		}
		for _, seq := range killed(t, path, begun, time.Duration(random.Int64N(int64(most)))) {
			if acknowledged[seq] {
				t.Errorf("invocation %d was acknowledged twice", seq)
			}
			acknowledged[seq] = true
		}
	}
	j, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[int64]int)
	for _, s := range j.Samples {
		rows[s.Seq]++
	}
	lost, doubled := 0, 0
	for seq := range acknowledged {
		if rows[seq] < 2 {
			lost++
			t.Errorf("invocation %d was acknowledged and has %d rows, want 2", seq, rows[seq])
		}
	}
	for seq, n := range rows {
		if n > 2 {
			doubled++
			t.Errorf("invocation %d has %d rows, want 2", seq, n)
		}
	}
	t.Logf("%d kills, %d segments: %d invocations acknowledged, %d recorded, %d lost, %d doubled",
		rounds, len(j.Segments), len(acknowledged), len(rows), lost, doubled)
}

// killed runs a writer, kills it after a while, of work if it is to have begun,
// and returns all that it acknowledged.
func killed(t *testing.T, path string, begun bool, after time.Duration) []int64 {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashEnv+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := func() { time.AfterFunc(after, func() { cmd.Process.Kill() }) }
	if !begun {
		kill()
	}
	var seqs []int64
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if begun && len(seqs) == 0 {
			kill()
		}
		seq, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seqs = append(seqs, seq)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the writer ended by itself: %v", err)
	}
	return seqs
}
