package registry

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOneServerAFolder(t *testing.T) {
	dir := t.TempDir()
	start(t, Options{Dir: dir})
	if _, err := Open(Options{Dir: dir}, io.Discard); err == nil || !strings.Contains(err.Error(), "another server has") {
		t.Errorf("a second server: %v", err)
	}
	start(t, Options{Dir: dir, ReadOnly: true})
}

// TestDamagedFolder has a folder as a power cut or a killed server leaves it.
func TestDamagedFolder(t *testing.T) {
	dir := t.TempDir()
	for path, content := range map[string]string{
		"good/index.json":          `{"schemaVersion":2,"manifests":[]}`,
		"good/index.json.123":      `{"schema`,
		"good/_uploads/upload.123": "half",
		"bad/nested/index.json":    `{"schemaVersion":2,"manifes`,
		"empty/index.json":         "",
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Open(Options{Dir: dir}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "bad/nested/index.json") || !strings.Contains(err.Error(), "empty/index.json") {
		t.Errorf("got %v, want both damaged indexes", err)
	}
	for _, bad := range []string{"bad", "empty"} {
		if err := os.RemoveAll(filepath.Join(dir, bad)); err != nil {
			t.Fatal(err)
		}
	}
	start(t, Options{Dir: dir})
	for _, left := range []string{"good/index.json.123", "good/_uploads"} {
		if _, err := os.Stat(filepath.Join(dir, left)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", left, err)
		}
	}
}

// TestUnsynced has manifests refused when they cannot be brought to disk.
func TestUnsynced(t *testing.T) {
	w := httptest.NewRecorder()
	d := &durableWriter{ResponseWriter: w, sync: func() error { return errors.New("no space") }}
	d.WriteHeader(http.StatusCreated)
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), "no space") {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}
