package jupyterlab

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// leastPython is the least minor version of Python 3 that JupyterLab and its
// dependencies run on: what the lock was made for.
const leastPython = 10

// pythonRemedy ends the messages of a Python that will not do.
const pythonRemedy = "install Python 3.10 or later with its venv module (Debian, Ubuntu: apt-get install python3-venv; macOS: brew install python)," +
	" or put a JupyterLab 4 on PATH"

// A python is an interpreter that can make a virtual environment.
type python struct{ path, version string }

// pythons are the names to look for, first choice first.
var pythons = []string{"python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"}

// probe prints the version, then the module that is missing, if one is. Debian
// has venv without ensurepip, which it needs, in a package of its own.
const probe = `import sys
print("%d %d %d" % sys.version_info[:3])
try:
    import ensurepip, venv
except ImportError as e:
    print(e.name)
`

// findPython returns the first usable Python on PATH. The error says what is
// wrong with the first that is there.
func findPython(ctx context.Context) (python, error) {
	var unusable error
	for _, name := range pythons {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		p, err := probePython(ctx, path)
		if err == nil {
			return p, nil
		}
		if ctx.Err() != nil {
			return python{}, fmt.Errorf("look for Python: %w", ctx.Err())
		}
		if unusable == nil {
			unusable = err
		}
	}
	if unusable == nil {
		unusable = errors.New("python3 not found, which JupyterLab needs")
	}
	return python{}, fmt.Errorf("%w: %s", unusable, pythonRemedy)
}

func probePython(ctx context.Context, path string) (python, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out, err := command(ctx, path, "-I", "-c", probe).Output()
	if err != nil {
		return python{}, fmt.Errorf("%s does not run: %w", path, err)
	}
	first, missing, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	numbers := strings.Fields(first)
	if len(numbers) != 3 {
		return python{}, fmt.Errorf("%s says that its version is %q", path, first)
	}
	p := python{path, strings.Join(numbers, ".")}
	if minor, err := strconv.Atoi(numbers[1]); err != nil || numbers[0] != "3" || minor < leastPython {
		return python{}, fmt.Errorf("%s is Python %s, which is too old", path, p.version)
	}
	if missing != "" {
		return python{}, fmt.Errorf("%s (Python %s) has no module %s", path, p.version, missing)
	}
	return p, nil
}
