package toolbox

import (
	"bytes"
	"os"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners"
)

// unifier starts a program so that it sees the hierarchy of version 2 where the
// host has control groups of both versions. It stays in the groups of version
// 1 that it is in.
var unifier = []string{"/usr/bin/unshare", "--mount", "/bin/sh", "-c",
	`mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup && exec "$0" "$@"`}

// controllers lists those of version 2 on a host with control groups of both.
const controllers = "/sys/fs/cgroup/unified/cgroup.controllers"

// hybrid reports whether a host, whose list of controllers is that file, has
// control groups of both versions, and controllers in both.
func hybrid(controllers string) bool {
	b, err := os.ReadFile(controllers)
	return err == nil && len(bytes.TrimSpace(b)) > 0
}

// OnThisHost returns how what was found of t, here or, Apart, elsewhere, is
// started on this host.
func OnThisHost(t runners.Tool, found assay.RuntimeVersion) assay.RuntimeVersion {
	if t.Unified && hybrid(controllers) {
		found.Loader = slices.Concat(unifier, found.Loader)
	}
	return found
}

// Apart returns what OnThisHost was given: how it is started whatever the host.
func Apart(found assay.RuntimeVersion) assay.RuntimeVersion {
	if n := len(unifier); len(found.Loader) >= n && slices.Equal(found.Loader[:n], unifier) {
		found.Loader = slices.Clone(found.Loader[n:])
	}
	return found
}
