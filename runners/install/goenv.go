package install

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// GoEnv returns the environment in which goCmd, the go command, builds a program
// of ours: without what of the caller's would make another program, and with
// its caches, mod and go-build, in the directory caches.
//
// Modules come from where the user has them from, settings of "go env -w"
// included. The user's own module cache is asked first, and is only read.
func GoEnv(ctx context.Context, goCmd, caches string) ([]string, error) {
	cmd := command(ctx, goCmd, "env", "-json", "GOMODCACHE", "GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE", "GOINSECURE", "GOVCS", "GOAUTH")
	cmd.Dir = os.TempDir() // not where a go.mod or go.work of the user's is
	cmd.Env = append(cmd.Env, "GOTOOLCHAIN=local", "GOWORK=off", "GOFLAGS=")
	out, err := run(cmd, nil)
	if err != nil {
		return nil, err
	}
	var values map[string]string
	if err := json.Unmarshal([]byte(out), &values); err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	if users := values["GOMODCACHE"]; users != "" {
		has := url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(users, "cache", "download"))}
		values["GOPROXY"] = has.String() + "," + cmp.Or(values["GOPROXY"], "off")
	}
	values["GOMODCACHE"] = filepath.Join(caches, "mod")
	values["GOCACHE"] = filepath.Join(caches, "go-build")
	env := slices.Concat(os.Environ(), GoSettled)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		env = append(env, name+"="+values[name])
	}
	return env, nil
}

// GoSettled are the variables of the go command that decide what it builds.
var GoSettled = []string{
	"GOOS=" + runtime.GOOS, "GOARCH=" + runtime.GOARCH, "GOAMD64=", "GOARM64=", "GOEXPERIMENT=", "GODEBUG=", "GOFIPS140=",
	"CGO_ENABLED=0", "GO111MODULE=", "GOENV=off", "GOFLAGS=-modcacherw", "GOWORK=off", "GOTOOLCHAIN=local",
}
