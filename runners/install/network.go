package install

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// GoNetwork returns how goCmd, the go command, reaches modules, as variables of
// an environment: for one with GOENV=off, where what the user set with "go env
// -w" is not seen.
func GoNetwork(ctx context.Context, goCmd string) ([]string, error) {
	out, err := run(command(ctx, goCmd, "env", "-json", "GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOINSECURE", "GOVCS", "GOAUTH"), nil)
	if err != nil {
		return nil, err
	}
	var values map[string]string
	if err := json.Unmarshal([]byte(out), &values); err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	var env []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		env = append(env, name+"="+values[name])
	}
	return env, nil
}
