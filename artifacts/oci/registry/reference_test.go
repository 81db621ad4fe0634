package registry_test

import (
	"strings"
	"testing"

	"github.com/assay-notebooks/assay/artifacts/oci/registry"
)

func TestParseReference(t *testing.T) {
	digest := "sha256:" + strings.Repeat("ab", 32)
	for in, want := range map[string]string{
		"registry.example/wl/crc":            "registry.example/wl/crc",
		"registry.example:5000/crc:v1":       "registry.example:5000/crc:v1",
		"localhost/crc:v1@" + digest:         "localhost/crc:v1@" + digest,
		"127.0.0.1:5000/a/b/c@" + digest:     "127.0.0.1:5000/a/b/c@" + digest,
		"[::1]:5000/crc:v1":                  "[::1]:5000/crc:v1",
		"docker.io/library/busybox:1":        "docker.io/library/busybox:1",
		"crc":                                "",
		"images/workloads/noop":              "",
		"./registry.example/crc":             "",
		"../registry.example/crc":            "",
		"registry.example/":                  "",
		"registry.example/CRC:v1":            "",
		"registry.example/crc:":              "",
		"registry.example/crc:-":             "",
		"registry.example/../crc":            "",
		"registry.example/crc@sha256:abc":    "",
		"user:word@registry.example/crc:v1":  "",
		"https://registry.example/crc:v1":    "",
		"registry.example/crc:v1?from=other": "",
		digest:                               "",
	} {
		got, err := registry.ParseReference(in)
		if (err == nil) != (want != "") || err == nil && got.String() != want {
			t.Errorf("ParseReference(%q) = %v, %v, want %q", in, got, err, want)
		}
	}
}

func FuzzParseReference(f *testing.F) {
	f.Add("registry.example:5000/team/crc:v1@sha256:" + strings.Repeat("ab", 32))
	f.Add("localhost/crc")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := registry.ParseReference(s)
		if err != nil {
			return
		}
		if again, err := registry.ParseReference(r.String()); err != nil || again != r {
			t.Errorf("ParseReference(%q) = %+v, its String gives %+v, %v", s, r, again, err)
		}
	})
}
