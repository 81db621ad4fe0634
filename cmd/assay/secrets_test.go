package main

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/assay-notebooks/assay/artifacts/minio/miniotest"
	"github.com/assay-notebooks/assay/internal/kernel"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// TestSecrets gives the keys of a store in the environment, does what a user
// does, with a cell that prints its environment and that of its parent, and
// looks for the keys in every byte that came of it.
func TestSecrets(t *testing.T) {
	s := miniotest.Start(t)
	role, err := credentials.NewSTSAssumeRole(s.Endpoint, credentials.STSAssumeRoleOptions{AccessKey: s.User, SecretKey: s.Secret})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := role.GetWithContext(nil)
	if err != nil {
		t.Fatal(err)
	}
	canary := map[string]string{
		"AWS_ACCESS_KEY_ID": keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY": keys.SecretAccessKey, "AWS_SESSION_TOKEN": keys.SessionToken,
		"AWS_PROFILE":         "canary-" + rand.Text(),
		"MINIO_ROOT_PASSWORD": "canary-" + rand.Text(), "MC_HOST_lab": "http://canary:" + rand.Text() + "@host", "ASSAY_STORE_CREDENTIAL": "canary-" + rand.Text(),
	}
	for name, value := range canary {
		t.Setenv(name, value)
	}
	dir := newWorkspace(t, drawn(t))
	c := s.Config("results")
	var said bytes.Buffer
	do := func(args ...string) {
		t.Helper()
		cmd := assayIn(t, dir, args...)
		cmd.Stdout, cmd.Stderr = &said, &said
		if err := cmd.Run(); err != nil {
			t.Fatalf("assay %s: %v\n%s", strings.Join(args, " "), err, &said)
		}
	}
	do("store", "add", "lab", c.URL(), "--endpoint", c.Endpoint, "--create", "--object-lock")
	do("run", "experiment.yaml")
	do("store", "sync")
	do("store", "ls", "--json")
	do("config")
	do("show", "greeting")
	do("traces", "export", "greeting")
	do("replay", "--all", "--rebuild")
	do("export-oci", filepath.Join(dir, "layout"))
	do("publish", "times")
	registry, _, err := startRegistry(t.Context(), "--dir", filepath.Join(dir, "registry"))
	if err != nil {
		t.Fatal(err)
	}
	do("push", "times", strings.TrimPrefix(registry, "http://")+"/team/times:v1", "--plain-http")
	// A link has the key's ID in it, and the token, which are of no use alone.
	if links := mustAssay(t, dir, "store", "link", "times"); !strings.Contains(links, keys.AccessKeyID) || strings.Contains(links, keys.SecretAccessKey) {
		t.Errorf("want links with the key's ID and without the secret:\n%s", links)
	}
	if canRunCells(t) {
		writeCells(t, filepath.Join(dir, "env.ipynb"), `
import (
	"fmt"
	"os"
	"path/filepath"
)

%%
for _, kv := range os.Environ() {
	fmt.Println(kv)
}
parent, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(os.Getppid()), "environ"))
fmt.Printf("%q %v\n", parent, err)
`)
		do("notebook", "run", "env.ipynb")
		b, err := os.ReadFile(filepath.Join(dir, "env.executed.ipynb"))
		if err != nil || bytes.Count(b, []byte("PATH=")) < 2 {
			t.Errorf("the cell did not print two environments: %v\n%s", err, b)
		}
	}
	wrong := assayIn(t, dir, "store", "sync")
	wrong.Env = append(os.Environ(), "AWS_SECRET_ACCESS_KEY=canary-"+rand.Text())
	out, err := wrong.CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("access denied")) {
		t.Errorf("sync with a wrong key: %v\n%s", err, out)
	}
	canary["the wrong key"] = strings.TrimPrefix(wrong.Env[len(wrong.Env)-1], "AWS_SECRET_ACCESS_KEY=")
	said.Write(out)

	searched := 0
	search := func(where string, b []byte) {
		searched += len(b)
		for name, value := range canary {
			if bytes.Contains(b, []byte(value)) {
				t.Errorf("%s has the value of %s", where, name)
			}
		}
	}
	search("what was printed", said.Bytes())
	if err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		search(path, b)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d keys looked for in %d bytes", len(canary), searched)
}

// canRunCells prepares a kernel, where there can be one.
func canRunCells(t *testing.T) bool {
	t.Helper()
	o, err := kernelOptions()
	if err != nil {
		t.Fatal(err)
	}
	if err := kernel.Prepare(t.Context(), o, false, func(line string) { t.Log(line) }); err != nil {
		if tooltest.Required("gonb") {
			t.Fatal(err)
		}
		t.Logf("without cells: %v", err)
		return false
	}
	return true
}

// writeCells writes a notebook of one cell.
func writeCells(t *testing.T, path, source string) {
	t.Helper()
	cell := map[string]any{"cell_type": "code", "metadata": map[string]any{}, "execution_count": nil, "outputs": []any{}, "source": strings.TrimSpace(source)}
	b, err := json.Marshal(map[string]any{"cells": []any{cell}, "metadata": map[string]any{}, "nbformat": 4, "nbformat_minor": 4})
	if err == nil {
		err = os.WriteFile(path, b, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}
