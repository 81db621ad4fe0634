//go:build !linux

package registry

import "golang.org/x/sys/unix"

// sync has the system write what it holds to disk.
func (d *directory) sync() error { return unix.Sync() }
