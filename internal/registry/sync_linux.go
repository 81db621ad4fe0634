package registry

import "golang.org/x/sys/unix"

// sync waits until the file system of the folder is on disk.
func (d *directory) sync() error { return unix.Syncfs(int(d.file.Fd())) }
