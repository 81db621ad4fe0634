package minio_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/artifacts/minio/miniotest"
	"github.com/assay-notebooks/assay/internal/tooltest"
)

// documented returns the n-th block of JSON in docs/minio.md.
func documented(t *testing.T, n int) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/minio.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```json\n")
	if len(blocks) <= n+1 {
		t.Fatalf("docs/minio.md has %d blocks of JSON, want more than %d", len(blocks)-1, n)
	}
	block, _, _ := strings.Cut(blocks[n+1], "```")
	return block
}

// TestPolicies gives users of the server the policies of the manual.
func TestPolicies(t *testing.T) {
	mc := tooltest.Built(t, "mc")
	server := miniotest.Start(t)
	home := t.TempDir()
	admin := func(args ...string) {
		t.Helper()
		cmd := exec.Command(mc, append([]string{"--config-dir", home, "admin"}, args...)...)
		cmd.Env = append(os.Environ(), "MC_HOST_s=http://"+server.User+":"+server.Secret+"@"+strings.TrimPrefix(server.Endpoint, "http://"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("mc admin %v: %s", args[0], out)
		}
	}
	cfg := server.Config("evidence")
	cfg.Prefix = "team"
	if _, err := minio.Create(t.Context(), cfg, minio.CreateOptions{MakeBucket: true, ObjectLock: true}); err != nil {
		t.Fatal(err)
	}
	outside := server.Config("evidence")
	outside.Prefix = "others"
	create(t, outside)
	as := func(user string, n int) *minio.Backend {
		t.Helper()
		file := filepath.Join(home, user+".json")
		if err := os.WriteFile(file, []byte(documented(t, n)), 0o600); err != nil {
			t.Fatal(err)
		}
		admin("user", "add", "s", user, "password-"+user)
		admin("policy", "create", "s", user, file)
		admin("policy", "attach", "s", user, "--user", user)
		cfg := cfg
		cfg.Region = "" // they may ask for it
		cfg.Credentials = server.CredentialsFile(user, "password-"+user)
		b, err := minio.Open(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		outside := outside
		outside.Credentials = cfg.Credentials
		if _, err := minio.Open(t.Context(), outside); !errors.Is(err, minio.ErrDenied) {
			t.Errorf("%s opens another store of the bucket: %v, want ErrDenied", user, err)
		}
		return b
	}

	author := as("author", 0)
	s := artifacts.New(author)
	v, sum := pattern(2*minPart + 1)
	if err := upload(t.Context(), tuned(t, author.Config(), minio.Tuned{Part: minPart}), v, sum); err != nil {
		t.Fatal(err)
	}
	other, err := s.PutBytes(t.Context(), []byte("garbage"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetRef(t.Context(), "runs/1", sum); err != nil {
		t.Error(err)
	}
	if err := author.Abandon(t.Context(), "k/abandoned", "x"); err != nil {
		t.Error(err)
	}
	if gc, err := s.GC(t.Context(), artifacts.GCOptions{Now: later}); err != nil || len(gc.Removed) != 1 || gc.Removed[0] != other || gc.Leftovers != 1 {
		t.Errorf("gc = %+v, %v, want %v and a leftover removed", gc, err, other)
	}
	if err := author.Retain(t.Context(), []string{"blobs/sha256/" + sum.Hex()}, time.Now().Add(time.Hour), minio.Governance); err != nil {
		t.Error(err)
	}
	wantBlob(t, author.Kept(), v, sum)

	reader := as("reader", 1)
	wantBlob(t, reader, v, sum)
	if report, err := artifacts.New(reader).Check(t.Context(), artifacts.CheckOptions{ReadData: true}); err != nil || len(report.Problems) != 0 {
		t.Errorf("check by a reader = %v, %v, want no problem", report.Problems, err)
	}
	if _, err := reader.Put(t.Context(), "k/1", strings.NewReader("x"), artifacts.Condition{}); !errors.Is(err, minio.ErrDenied) {
		t.Errorf("put by a reader: %v, want ErrDenied", err)
	}
	if _, err := artifacts.New(reader).PutBytes(t.Context(), []byte("x")); !errors.Is(err, minio.ErrDenied) {
		t.Errorf("put into the store by a reader: %v, want ErrDenied", err)
	}
}
