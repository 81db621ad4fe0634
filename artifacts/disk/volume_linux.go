package disk

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// Volume implements Files. Linux tells of lost bytes since 5.8, and then not of
// those below an overlay or in a network file system.
func (System) Volume(name string) (Volume, error) {
	var system unix.Utsname
	if err := unix.Uname(&system); err != nil {
		return nil, os.NewSyscallError("uname", err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(unix.ByteSliceToString(system.Release[:]), "%d.%d", &major, &minor); err != nil || major < 5 || major == 5 && minor < 8 {
		return nil, errors.ErrUnsupported
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	var kind unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &kind); err != nil {
		return nil, errors.Join(&os.PathError{Op: "fstatfs", Path: name, Err: err}, f.Close())
	}
	if !slices.Contains([]int64{unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC}, int64(kind.Type)) {
		return nil, errors.Join(errors.ErrUnsupported, f.Close())
	}
	return volume{f}, nil
}

type volume struct{ *os.File }

func (v volume) Sync() error {
	if err := unix.Syncfs(int(v.Fd())); err != nil {
		return &os.PathError{Op: "syncfs", Path: v.Name(), Err: err}
	}
	return nil
}
