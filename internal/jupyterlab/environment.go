package jupyterlab

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/assay-notebooks/assay"
)

// requirements pins JupyterLab and all that it needs, for every version of
// Python that will do, with the hashes of their files.
//
//go:embed requirements.txt
var requirements []byte

var pinned = regexp.MustCompile(`(?m)^jupyterlab==(\S+)`)

// lockedVersion is the version of JupyterLab that requirements has.
var lockedVersion = string(pinned.FindSubmatch(requirements)[1])

// environment returns the Python of a virtual environment below cache that has
// what requirements pins, making it if it is not there. Any number of processes
// may call at once: the first to finish wins, and the others use its.
func environment(ctx context.Context, cache string, say func(string)) (string, error) {
	above := filepath.Join(cache, "jupyterlab")
	dir := filepath.Join(above, lockedVersion+"-"+assay.DigestOf(requirements).Short())
	bin := filepath.Join(dir, "bin", "python")
	if _, err := os.Stat(bin); err == nil { // a link: it is as if absent if the Python behind it has gone
		return bin, nil
	}
	base, err := findPython(ctx)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(above, 0o755); err != nil {
		return "", fmt.Errorf("install JupyterLab: %w: set ASSAY_CACHE to a folder that can be written", err)
	}
	tmp, err := os.MkdirTemp(above, ".install-")
	if err != nil {
		return "", fmt.Errorf("install JupyterLab: %w: set ASSAY_CACHE to a folder that can be written", err)
	}
	defer os.RemoveAll(tmp)
	say(fmt.Sprintf("installing JupyterLab %s with Python %s into %s, once (some 240 MB)", lockedVersion, base.version, dir))
	if err := install(ctx, base, tmp, say); err != nil {
		return "", err
	}
	err = os.Rename(tmp, dir)
	if err == nil {
		return bin, nil
	}
	if _, there := os.Stat(bin); there == nil {
		return bin, nil
	}
	// What has that name is of no use: its Python has gone.
	if err := errors.Join(os.RemoveAll(dir), os.Rename(tmp, dir)); err != nil {
		return "", fmt.Errorf("install JupyterLab: %w", err)
	}
	return bin, nil
}

// install makes dir a virtual environment with what requirements pins. It is
// moved afterwards, so its scripts are not to be used: "bin/python -m" is.
func install(ctx context.Context, base python, dir string, say func(string)) error {
	if out, err := command(ctx, base.path, "-I", "-m", "venv", dir).CombinedOutput(); err != nil {
		return fmt.Errorf("make a virtual environment with %s: %w: %s", base.path, errors.Join(ctx.Err(), err), lastLines(out, 3))
	}
	lock := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(lock, requirements, 0o644); err != nil {
		return fmt.Errorf("install JupyterLab: %w", err)
	}
	pip := command(ctx, filepath.Join(dir, "bin", "python"), "-I", "-m", "pip", "install", "--require-hashes", "--only-binary", ":all:",
		"--no-input", "--disable-pip-version-check", "--progress-bar", "off", "-r", lock)
	// A user who installs into his home by default does not mean this one.
	pip.Env = append(assay.WithoutSecrets(os.Environ()), "PIP_USER=0", "PIP_REQUIRE_VIRTUALENV=0")
	var log bytes.Buffer
	pip.Stdout = io.MultiWriter(&log, &collected{say: say})
	pip.Stderr = &log
	if err := pip.Run(); err != nil {
		return fmt.Errorf("install JupyterLab: %w: %s; check the network (pip's own settings, such as PIP_INDEX_URL and HTTPS_PROXY, are obeyed), "+
			"or put a JupyterLab 4 on PATH", errors.Join(ctx.Err(), err), pipError(log.Bytes()))
	}
	return nil
}

// collected counts the packages that pip reports to collect.
type collected struct {
	say  func(string)
	n    int
	line []byte
}

func (c *collected) Write(b []byte) (int, error) {
	c.line = append(c.line, b...)
	for {
		line, rest, whole := bytes.Cut(c.line, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		c.line = rest
		switch {
		case bytes.HasPrefix(line, []byte("Collecting ")):
			if c.n++; c.n%25 == 0 {
				c.say(fmt.Sprintf("%d packages found", c.n))
			}
		case bytes.HasPrefix(line, []byte("Installing ")):
			c.say(fmt.Sprintf("%d packages downloaded; unpacking them", c.n))
		}
	}
}

// pipError returns the lines in which pip says what is wrong, or its last.
func pipError(log []byte) string {
	var said []string
	for line := range strings.Lines(string(log)) {
		if message, ok := strings.CutPrefix(strings.TrimSpace(line), "ERROR: "); ok {
			said = append(said, message)
		}
	}
	if len(said) == 0 {
		return lastLines(log, 3)
	}
	return strings.Join(said, "; ")
}

// lastLines returns the last n lines of b.
func lastLines(b []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
