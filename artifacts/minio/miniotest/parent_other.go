//go:build !linux

package miniotest

import "os/exec"

// dieWithParent can do nothing here: a test that is killed leaves its server.
func dieWithParent(*exec.Cmd) {}

// awaitStop cannot wait here.
func awaitStop(int) error { return nil }
