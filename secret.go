package assay

import (
	"slices"
	"strings"
)

// SecretVariable reports whether an environment variable of this name is one
// that a store's keys are taken from. Programs that are not assay's own, and
// records, do not get it.
func SecretVariable(name string) bool {
	name = strings.ToUpper(name)
	return strings.HasPrefix(name, "AWS_") && !slices.Contains(publicAWS, name) ||
		strings.HasPrefix(name, "MINIO_") ||
		strings.HasPrefix(name, "MC_HOST") ||
		strings.HasPrefix(name, "ASSAY_STORE") && strings.Contains(name, "CRED")
}

// publicAWS are the AWS variables that programs need to reach a network.
var publicAWS = []string{"AWS_CA_BUNDLE"}

// WithoutSecrets returns environ, as os.Environ gives it, without the
// variables that SecretVariable reports. It does not change environ.
func WithoutSecrets(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return SecretVariable(name)
	})
}
