package assay_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/assay-notebooks/assay"
)

func TestParseDigest(t *testing.T) {
	empty := assay.DigestOf(nil)
	if got := empty.String(); got != "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" {
		t.Errorf("DigestOf(nil) = %s", got)
	}
	if got, err := assay.ParseDigest(empty.String()); err != nil || got != empty {
		t.Errorf("ParseDigest(%v) = %v, %v", empty, got, err)
	}
	hex := empty.Hex()
	for _, in := range []string{"", hex, "sha256:", "sha256:" + hex[1:], "sha256:" + hex + "0", "sha256:" + strings.ToUpper(hex), "sha512:" + hex, "sha256:" + hex[:63] + "g", " sha256:" + hex} {
		if got, err := assay.ParseDigest(in); err == nil {
			t.Errorf("ParseDigest(%q) = %v, want error", in, got)
		}
	}
}

func TestDigestText(t *testing.T) {
	type record struct {
		A assay.Digest
		B assay.Digest `json:",omitzero"`
	}
	b, err := json.Marshal(record{})
	if err != nil || string(b) != `{"A":""}` {
		t.Errorf("zero digest: %s, %v", b, err)
	}
	var r record
	if err := json.Unmarshal([]byte(`{"A":"","B":"`+assay.DigestOf(nil).String()+`"}`), &r); err != nil || !r.A.IsZero() || r.B != assay.DigestOf(nil) {
		t.Errorf("Unmarshal = %v, %v", r, err)
	}
	if err := json.Unmarshal([]byte(`{"A":"sha256:12"}`), &r); err == nil {
		t.Error("a short digest was read, want error")
	}
}

func TestFilename(t *testing.T) {
	seen := map[string]string{}
	for in, want := range map[string]string{
		"coldstart": "coldstart", "cold start": "cold%20start", "a/b": "a%2fb", "..": "%2e.", ".x": "%2ex", "v1.2": "v1.2", "é": "%c3%a9", "%20": "%2520",
	} {
		got := assay.Filename(in)
		if got != want {
			t.Errorf("Filename(%q) = %q, want %q", in, got, want)
		}
		if seen[got] != "" {
			t.Errorf("Filename(%q) = Filename(%q)", in, seen[got])
		}
		seen[got] = in
	}
}
