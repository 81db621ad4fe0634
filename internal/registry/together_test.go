package registry_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/assay-notebooks/assay/internal/registry"
)

// TestTogether puts many manifests about one subject at once: all are listed.
func TestTogether(t *testing.T) {
	s, err := registry.Open(registry.Options{Dir: t.TempDir()}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(t.Context()) }()
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	put := func(path, mediaType, body string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.URL+"/v2/team/crc/"+path, strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Content-Type", mediaType)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusCreated {
			t.Errorf("PUT %s: %s", path, resp.Status)
		}
	}
	const index = "application/vnd.oci.image.index.v1+json"
	subject := `{"schemaVersion":2,"mediaType":"` + index + `","manifests":[]}`
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(subject)))
	put("manifests/"+digest, index, subject)
	const n = 50
	var all sync.WaitGroup
	for i := range n {
		about := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"artifactType":"application/vnd.test.%d","manifests":[],"subject":{"mediaType":%q,"digest":%q,"size":%d}}`,
			index, i, index, digest, len(subject))
		all.Go(func() { put(fmt.Sprintf("manifests/sha256:%x", sha256.Sum256([]byte(about))), index, about) })
	}
	all.Wait()
	resp, err := http.Get(s.URL + "/v2/team/crc/referrers/" + digest)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var listed struct{ Manifests []struct{ Digest string } }
	if err := json.NewDecoder(resp.Body).Decode(&listed); err != nil || len(listed.Manifests) != n {
		t.Errorf("%d manifests are listed, %v, want %d", len(listed.Manifests), err, n)
	}
}
