package assay_test

import (
	"slices"
	"testing"

	"github.com/assay-notebooks/assay"
)

func TestWithoutSecrets(t *testing.T) {
	environ := []string{
		"PATH=/bin", "AWS_SECRET_ACCESS_KEY=a", "aws_session_token=b", "AWS_PROFILE=c", "MINIO_ROOT_PASSWORD=d",
		"MC_HOST_lab=https://a:b@host", "ASSAY_STORE_CREDENTIALS=/e", "ASSAY_STORE=lab", "AWS_CA_BUNDLE=/ca.pem", "HOME=/AWS_",
	}
	want := []string{"PATH=/bin", "ASSAY_STORE=lab", "AWS_CA_BUNDLE=/ca.pem", "HOME=/AWS_"}
	before := slices.Clone(environ)
	if got := assay.WithoutSecrets(environ); !slices.Equal(got, want) {
		t.Errorf("WithoutSecrets = %q, want %q", got, want)
	}
	if !slices.Equal(environ, before) {
		t.Errorf("WithoutSecrets changed its argument to %q", environ)
	}
}
