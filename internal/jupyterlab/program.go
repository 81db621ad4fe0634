package jupyterlab

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"time"
)

// A program is a JupyterLab that can be started.
type program struct {
	argv    []string
	version string
	origin  string // "PATH" or "locked"
	path    string // of the command, or of the environment's Python
}

// major4 is what JupyterLab 4 prints as its version.
var major4 = regexp.MustCompile(`(?m)^4\.\d+\S*`)

// findProgram returns the JupyterLab 4 on PATH, or ours, which it installs on
// first use. With locked it is always ours.
func findProgram(ctx context.Context, cache string, locked bool, say func(string)) (program, error) {
	if !locked {
		if path, err := exec.LookPath("jupyter-lab"); err == nil {
			version, why := versionOf(ctx, path)
			if why == "" {
				return program{[]string{path}, version, "PATH", path}, nil
			}
			say(fmt.Sprintf("%s is not used: %s", path, why))
		}
	}
	bin, err := environment(ctx, cache, say)
	if err != nil {
		return program{}, err
	}
	// -I: a json.py in the user's folder is not Python's json.
	return program{[]string{bin, "-I", "-m", "jupyterlab"}, lockedVersion, "locked", bin}, nil
}

// versionOf returns the version of a jupyter-lab command, or why it will not do.
func versionOf(ctx context.Context, path string) (version, why string) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out, err := command(ctx, path, "--version").Output()
	if err != nil {
		return "", fmt.Sprintf("it does not run (%v)", err)
	}
	if version = major4.FindString(string(out)); version == "" {
		return "", fmt.Sprintf("it is version %s, not 4", lastLines(out, 1))
	}
	return version, ""
}
