package registry

import (
	"crypto/sha256"
	"errors"
	"fmt"
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
		"lost/blobs/sha256/aa":     "a", // an interrupted backup has this
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
	for _, bad := range []string{"bad/nested/index.json is damaged", "empty/index.json is damaged", "lost/blobs has blobs, and no index.json"} {
		if err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("got %v, want %q", err, bad)
		}
		if err := os.RemoveAll(filepath.Join(dir, filepath.Dir(strings.Fields(bad)[0]))); err != nil {
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

// TestNames pushes to repositories whose names have a word of the protocol's: a
// blob longer than a manifest may be, and a manifest.
func TestNames(t *testing.T) {
	s := start(t, Options{})
	content := strings.Repeat("x", 2*maxManifest)
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(content)))
	for _, repository := range []string{"manifests", "team/manifests/crc", "team/referrers"} {
		resp, err := http.Post(s.URL+"/v2/"+repository+"/blobs/uploads/", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		upload, err := resp.Location()
		if err != nil {
			t.Fatal(err)
		}
		query := upload.Query()
		query.Set("digest", digest)
		upload.RawQuery = query.Encode()
		if got, body := send(t, http.DefaultClient, "PUT", upload.String(), content); got != http.StatusCreated {
			t.Errorf("%s: blob of %d bytes: status %d: %s", repository, len(content), got, body)
		}
		const mediaType = "application/vnd.oci.image.index.v1+json"
		index := `{"schemaVersion":2,"mediaType":"` + mediaType + `","manifests":[]}`
		if got, body := send(t, http.DefaultClient, "PUT", s.URL+"/v2/"+repository+"/manifests/1", index, "Content-Type", mediaType); got != http.StatusCreated {
			t.Errorf("%s: manifest: status %d: %s", repository, got, body)
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
