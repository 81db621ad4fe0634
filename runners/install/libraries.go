package install

import (
	"context"
	"debug/elf"
	"errors"
	"io"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/runners/filedigest"
)

// Libraries returns the files of this host that a program loads when it begins,
// its dynamic loader first and the C library among them; none of a script or a
// static program. The error says which one is not there.
func Libraries(ctx context.Context, program string) ([]assay.File, error) {
	ld, err := interpreter(program)
	if err != nil || ld == "" {
		return nil, err
	}
	loaded, err := librariesOf(ctx, []string{ld, "--list", program})
	if err != nil {
		return nil, err
	}
	var files []assay.File
	for _, path := range append([]string{ld}, loaded...) {
		d, err := filedigest.Of(path)
		if err != nil {
			return nil, err
		}
		files = append(files, assay.File{Path: path, Digest: d})
	}
	return files, nil
}

// librariesOf returns the libraries that a dynamic loader, started by argv to list
// them, finds; without what in the environment would have it find others.
func librariesOf(ctx context.Context, argv []string) ([]string, error) {
	cmd := command(ctx, argv[0], argv[1:]...)
	cmd.Env = []string{}
	out, err := run(cmd, nil)
	if err != nil {
		return nil, err
	}
	var paths []string
	for line := range strings.Lines(out) {
		fields := strings.Fields(line) // libc.so.6 => /path/libc.so.6 (0x…)
		if len(fields) > 2 && fields[1] == "=>" && filepath.IsAbs(fields[2]) {
			paths = append(paths, fields[2])
		}
	}
	return paths, nil
}

// interpreter returns the loader that a program is started with; "": it is a
// script or static.
func interpreter(program string) (string, error) {
	f, err := elf.Open(program)
	if _, other := errors.AsType[*elf.FormatError](err); other || errors.Is(err, io.EOF) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			b, err := io.ReadAll(io.LimitReader(p.Open(), unix.PathMax))
			return strings.TrimRight(string(b), "\x00"), err
		}
	}
	return "", nil
}
