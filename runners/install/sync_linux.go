package install

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// syncDisk waits until what was written to the disk of dir is on it: one call
// for the thousands of files of some packages.
func syncDisk(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := unix.Syncfs(int(d.Fd())); err != nil {
		return fmt.Errorf("sync the disk of %s: %w", dir, err)
	}
	return nil
}
