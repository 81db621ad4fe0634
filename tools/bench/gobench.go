package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// samples are the values of metrics, one a round. A metric is the path of a
// Go sub-benchmark, a space and a unit: "/batch durable-ms".
type samples map[string][]float64

// goBench returns a suite that runs one Go benchmark of a package, a round for
// each sample.
func goBench(pkg, name string, rounds int) func(context.Context) (samples, error) {
	return func(ctx context.Context) (samples, error) {
		cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^Benchmark"+name+"$",
			"-benchtime", "1x", "-count", strconv.Itoa(rounds), "-timeout", "0", pkg)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
		}
		return parseBench(out, name)
	}
}

// parseBench reads what go test prints of the benchmark name.
func parseBench(out []byte, name string) (samples, error) {
	s := samples{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 {
			continue
		}
		path, ok := strings.CutPrefix(fields[0], "Benchmark"+name)
		if !ok {
			continue
		}
		if i := strings.LastIndexByte(path, '-'); i >= 0 { // GOMAXPROCS
			path = path[:i]
		}
		for i := 2; i+1 < len(fields); i += 2 {
			v, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, fmt.Errorf("benchmark line %q: %w", lines.Text(), err)
			}
			metric := path + " " + fields[i+1]
			s[metric] = append(s[metric], v)
		}
	}
	return s, nil
}
