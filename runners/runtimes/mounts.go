package runtimes

import (
	"fmt"

	"github.com/assay-notebooks/assay/runners"
)

// mounts spells the directories of inv, each as spell does after flag. The
// guest's working directory becomes its root: programs in Go find nothing in
// a directory that is called ".".
func mounts(inv runners.Invocation, flag string, spell func(runners.Dir) (string, error)) ([]string, error) {
	var args []string
	for _, d := range inv.Dirs {
		if d.Guest == "." && d.Host != "." {
			d.Guest = "/"
		}
		s, err := spell(d)
		if err != nil {
			return nil, fmt.Errorf("directory %s: %w", d.Guest, err)
		}
		args = append(args, flag, s)
	}
	return args, nil
}

// writable spells d as its path on the host, sep and its path in the guest,
// for programs that have no other directories.
func writable(sep string) func(runners.Dir) (string, error) {
	return func(d runners.Dir) (string, error) {
		if d.ReadOnly {
			return "", fmt.Errorf("no option makes it read-only: %w", runners.ErrUnsupported)
		}
		return d.Host + sep + d.Guest, nil
	}
}

// samePath spells d for programs that give the guest a directory by its path
// on the host alone.
func samePath(d runners.Dir) (string, error) {
	if d.ReadOnly {
		return "", fmt.Errorf("no option makes it read-only: %w", runners.ErrUnsupported)
	}
	if d.Host != d.Guest {
		return "", fmt.Errorf("no option gives %s another name: %w", d.Host, runners.ErrUnsupported)
	}
	return d.Host, nil
}

// noEnv refuses the environment of inv for a program that hands none on.
func noEnv(inv runners.Invocation) error {
	if len(inv.Env) > 0 {
		return fmt.Errorf("no option gives the guest an environment: %w", runners.ErrUnsupported)
	}
	return nil
}

// noMemory refuses the limit of inv for a program that sets none.
func noMemory(inv runners.Invocation) error {
	if inv.Memory > 0 {
		return fmt.Errorf("no option limits the guest's memory: %w", runners.ErrUnsupported)
	}
	return nil
}

// pages returns how many pages of WebAssembly are in the limit of inv.
func pages(inv runners.Invocation) int64 { return inv.Memory / (64 << 10) }
