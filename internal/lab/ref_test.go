package lab

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/internal/failure"
)

func TestParseRef(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"source/workload.yaml", "layout/oci-layout", "registry.example/crc/workload.yaml", "hello.wasm", "crc/workload.yaml"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	digest := "sha256:" + strings.Repeat("ab", 32)
	for in, want := range map[string]ref{
		digest:                              {kind: digestRef},
		"noop":                              {kind: nameRef},
		"crc":                               {kind: pathRef, path: "crc", bare: true},
		"source":                            {kind: pathRef, path: "source", bare: true},
		"./source":                          {kind: pathRef, path: "./source"},
		"hello.wasm":                        {kind: pathRef, path: "hello.wasm", bare: true},
		"gone.wasm":                         {kind: pathRef, path: "gone.wasm"},
		"images/gone":                       {kind: pathRef, path: "images/gone"},
		"./registry.example/gone":           {kind: pathRef, path: "./registry.example/gone"},
		"../gone":                           {kind: pathRef, path: "../gone"},
		"/registry.example/gone":            {kind: pathRef, path: "/registry.example/gone"},
		"registry.example/crc":              {kind: pathRef, path: "registry.example/crc"},
		"layout":                            {kind: layoutRef, path: "layout"},
		"layout:v1":                         {kind: layoutRef, path: "layout", version: "v1"},
		"./layout@" + digest:                {kind: layoutRef, path: "./layout", version: digest},
		dir + "/layout:v1":                  {kind: layoutRef, path: dir + "/layout", version: "v1"},
		"registry.example/other":            {kind: ociRef},
		"registry.example:5000/crc:v1":      {kind: ociRef},
		"localhost:5000/crc@" + digest:      {kind: ociRef},
		"registry.example/crc:v1@" + digest: {kind: ociRef},
	} {
		got, err := parseRef(dir, in)
		if got.kind == ociRef && got.oci.String() != in {
			t.Errorf("parseRef(%q): OCI reference %v", in, got.oci)
		}
		if got.kind == digestRef && got.digest.String() != in {
			t.Errorf("parseRef(%q): digest %v", in, got.digest)
		}
		got.oci, got.digest = want.oci, want.digest
		if err != nil || got != want {
			t.Errorf("parseRef(%q) = %+v, %v, want %+v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "sha256:abc", "registry.example/UPPER", "layout@sha256:abc"} {
		if got, err := parseRef(dir, in); !errors.Is(err, failure.ErrUsage) {
			t.Errorf("parseRef(%q) = %+v, %v, want failure.ErrUsage", in, got, err)
		}
	}
	for in, want := range map[string]string{
		"crc": "crc", "noop": "noop", digest: digest, "./source": dir + "/source", "images/gone": dir + "/images/gone",
		"./layout:v1": dir + "/layout:v1", "registry.example:5000/crc:v1": "registry.example:5000/crc:v1", "/abs/olute": "/abs/olute",
	} {
		if got := Within(dir, in); got != want {
			t.Errorf("Within(%q) = %q, want %q", in, got, want)
		}
	}
}
