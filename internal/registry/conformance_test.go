package registry

import (
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/assay-notebooks/assay/internal/tooltest"
)

// TestConformance runs the OCI distribution specification's own suite. Its
// report is kept in the folder that ASSAY_REPORTS names.
func TestConformance(t *testing.T) {
	for _, test := range []struct {
		name string
		o    Options
		env  []string
	}{
		{"open", Options{}, nil},
		{"htpasswd", Options{Htpasswd: htpasswd(t)}, []string{"OCI_USERNAME=alice", "OCI_PASSWORD=" + alicePassword}},
	} {
		t.Run(test.name, func(t *testing.T) {
			suite := tooltest.Built(t, "conformance")
			test.o.AllowDelete = true
			s := start(t, test.o)
			config, err := filepath.Abs(filepath.Join("testdata", "oci-conformance.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			results := filepath.Join(t.TempDir(), "results")
			if reports := os.Getenv("ASSAY_REPORTS"); reports != "" {
				results = filepath.Join(reports, "conformance-"+test.name)
			}
			cmd := exec.CommandContext(t.Context(), suite)
			cmd.Dir = t.TempDir()
			cmd.Env = append(os.Environ(), "OCI_CONFIGURATION="+config, "OCI_REGISTRY="+host(s), "OCI_TLS=disabled", "OCI_RESULTS_DIR="+results)
			cmd.Env = append(cmd.Env, test.env...)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			b, err := os.ReadFile(filepath.Join(results, "junit.xml"))
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			var report struct {
				Tests    int `xml:"tests,attr"`
				Failures int `xml:"failures,attr"`
				Errors   int `xml:"errors,attr"`
				Skipped  int `xml:"skipped,attr"`
			}
			if err := xml.Unmarshal(b, &report); err != nil {
				t.Fatal(err)
			}
			t.Logf("%+v", report)
			// Skipped: blobs mounted from no repository, with SHA-256 and SHA-512.
			if report.Failures+report.Errors != 0 || report.Skipped > 2 || report.Tests < 900 {
				t.Errorf("%+v, want 900 tests or more, none failed and 2 skipped\n%s", report, out)
			}
		})
	}
}
