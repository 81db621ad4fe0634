package contract

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/assay-notebooks/assay"
)

// inShellImage is what scripts use besides the shell itself.
var inShellImage = []string{"/bin/sh", "/bin/cat", "/usr/bin/head"}

// library is a line of ldd: "libc.so.6 => /lib/x/libc.so.6 (0x7f...)", or the
// loader's path alone.
var library = regexp.MustCompile(`(?m)(?:^|=>)\s+(/\S+) \(0x`)

// ShellImage is a Host.Image that makes images in dir of this host's own shell,
// and returns their manifests. A script is not process 1 of its container: the
// kernel spares that the signals it sends to itself.
func ShellImage(dir string) func(context.Context, string) (string, error) {
	return func(ctx context.Context, script string) (string, error) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
		layer, err := shellLayer(ctx, script)
		if err != nil {
			return "", err
		}
		add := func(b []byte) (map[string]any, error) {
			d := assay.DigestOf(b)
			return map[string]any{"digest": d.String(), "size": len(b)}, os.WriteFile(filepath.Join(dir, d.Hex()), b, 0o644)
		}
		l, err := add(layer)
		if err != nil {
			return "", err
		}
		config, err := json.Marshal(map[string]any{
			"os": runtime.GOOS, "architecture": runtime.GOARCH,
			"rootfs": map[string]any{"type": "layers", "diff_ids": []any{l["digest"]}},
			"config": map[string]any{"Entrypoint": []string{"/bin/sh", "-c", `/bin/sh /script "$@"; exit $?`, "sh"}},
		})
		if err != nil {
			return "", err
		}
		c, err := add(config)
		if err != nil {
			return "", err
		}
		c["mediaType"] = "application/vnd.oci.image.config.v1+json"
		l["mediaType"] = "application/vnd.oci.image.layer.v1.tar"
		manifest, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": c, "layers": []any{l}})
		if err != nil {
			return "", err
		}
		m, err := add(manifest)
		if err != nil {
			return "", err
		}
		return filepath.Join(dir, strings.TrimPrefix(m["digest"].(string), "sha256:")), nil
	}
}

// shellLayer returns an archive of the shell, what it needs, and script.
func shellLayer(ctx context.Context, script string) ([]byte, error) {
	files := slices.Clone(inShellImage)
	for _, program := range inShellImage {
		out, err := exec.CommandContext(ctx, "ldd", program).Output()
		if err != nil {
			return nil, noGuest(fmt.Sprintf("ldd %s: %v", program, err))
		}
		for _, m := range library.FindAllSubmatch(out, -1) {
			if lib := string(m[1]); !slices.Contains(files, lib) {
				files = append(files, lib)
			}
		}
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	add := func(name string, content []byte) error {
		if err := w.WriteHeader(&tar.Header{Name: strings.TrimPrefix(name, "/"), Mode: 0o755, Size: int64(len(content))}); err != nil {
			return err
		}
		_, err := w.Write(content)
		return err
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if err := add(name, content); err != nil {
			return nil, err
		}
	}
	if err := add("script", []byte(script)); err != nil {
		return nil, err
	}
	return b.Bytes(), w.Close()
}
