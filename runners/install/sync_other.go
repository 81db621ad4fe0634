//go:build !linux

package install

import "golang.org/x/sys/unix"

// syncDisk has what was written put on its disk, without waiting for it.
func syncDisk(string) error {
	return unix.Sync()
}
