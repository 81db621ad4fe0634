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

// hybrid reports whether this host has control groups of both versions, and
// controllers in both.
func hybrid() bool {
	b, err := os.ReadFile("/sys/fs/cgroup/unified/cgroup.controllers")
	return err == nil && len(bytes.TrimSpace(b)) > 0
}

// unified returns how what was found of t is started on this host.
func unified(t runners.Tool, found assay.RuntimeVersion) assay.RuntimeVersion {
	if t.Unified && hybrid() {
		found.Loader = slices.Concat(unifier, found.Loader)
	}
	return found
}
