package extract

import (
	"slices"
	"strings"
)

// importable are the packages a figure may import: those that compute, and
// draw. A path that ends in "/" stands for everything below it too.
var importable = []string{
	"bufio", "bytes", "cmp", "container/", "context", "encoding/", "errors", "fmt", "hash/", "html", "image/", "io", "iter",
	"maps", "math/", "path", "reflect", "regexp/", "slices", "sort", "strconv", "strings", "sync/", "text/", "time",
	"unicode/", "unique",
	Figure, Module + "/kernelext/stats", Module + "/kernelext/table",
	"gonum.org/v1/plot/",
}

// allowed reports whether a figure may import path.
func allowed(path string) bool {
	return slices.ContainsFunc(importable, func(entry string) bool {
		tree, below := strings.CutSuffix(entry, "/")
		return path == tree || below && strings.HasPrefix(path, entry)
	})
}

// instead says what to do in place of importing path.
func instead(path string) string {
	top, _, _ := strings.Cut(path, "/")
	switch {
	case top == "os", path == "io/fs", path == "io/ioutil", path == "path/filepath", path == "embed":
		return "a figure sees no files: what it needs must be in its tables"
	case top == "net", path == "database/sql":
		return "a figure sees no network: what it needs must be in its tables"
	case top == "syscall", path == "unsafe", path == "plugin", top == "runtime", top == "debug":
		return "a figure sees nothing of the machine it is drawn on"
	case strings.HasPrefix(path, Module+"/"):
		return "draw with " + Figure + ", and leave runs and claims to the rest of the program"
	case !strings.Contains(top, "."):
		return "docs/seal.md lists the packages of the standard library that a figure may import"
	default:
		return "copy the functions it needs into the program's own package"
	}
}
