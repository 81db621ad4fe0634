package agent

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// reserveFile holds room in a run directory while an agent is at work there, so
// that it can still say why it stopped when the disk is full.
const reserveFile = "agent.reserve"

// reserveSize is more than the agent's record and the end of a journal take, in
// whole blocks of any file system.
const reserveSize = 64 << 10

// reserve makes the reserve of dir. Its bytes are random: a file system that
// compresses would keep no room for zeros. It need not outlive a power cut, and
// is not synced: file systems set room aside when they are written to.
func reserve(dir string) error {
	b := make([]byte, reserveSize)
	rand.Read(b)
	f, err := os.Create(filepath.Join(dir, reserveFile))
	if err != nil {
		return fmt.Errorf("reserve room: %w", err)
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("reserve room: %w", err)
	}
	return nil
}

// explain adds to the error of a full disk what to do.
func explain(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w; free space there, and resume the run", err)
	}
	return err
}

// release gives the room back.
func release(dir string) error {
	if err := os.Remove(filepath.Join(dir, reserveFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reserved room: %w", err)
	}
	return nil
}
