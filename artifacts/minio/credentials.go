package minio

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// maxCredentials is the length, in bytes, of the largest file of credentials.
const maxCredentials = 64 << 10

// LoadCredentials returns the credentials in file: the format of the AWS tools
// (the profile AWS_PROFILE, or default), or the JSON that a MinIO console
// exports. It refuses a file that others than its owner can read.
//
// For "" it looks at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY with
// AWS_SESSION_TOKEN, then MINIO_ACCESS_KEY and MINIO_SECRET_KEY (or
// MINIO_ROOT_USER and MINIO_ROOT_PASSWORD), then the shared credentials file of
// the AWS tools; and, only where the environment says that there is such a
// service, asks the one of the container or of the web identity. None at all is
// ErrDenied.
func LoadCredentials(file string) (*credentials.Credentials, error) {
	if file != "" {
		return loadFile(file)
	}
	providers := []credentials.Provider{&credentials.EnvAWS{}, &credentials.EnvMinio{}, &credentials.FileAWSCredentials{}}
	for _, name := range []string{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
		if os.Getenv(name) != "" {
			providers = append(providers, &credentials.IAM{})
			break
		}
	}
	return usable(credentials.NewChainCredentials(providers),
		"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file of credentials")
}

// usable fails if the provider has nothing to give.
func usable(creds *credentials.Credentials, remedy string) (*credentials.Credentials, error) {
	v, err := creds.GetWithContext(nil)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w: %w; %s", ErrDenied, err, remedy)
	}
	if v.AccessKeyID == "" || v.SecretAccessKey == "" {
		return nil, fmt.Errorf("credentials: none found: %w; %s", ErrDenied, remedy)
	}
	return creds, nil
}

func loadFile(file string) (*credentials.Credentials, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("credentials: others can read %s: %w; chmod 600 %[1]s", file, fs.ErrPermission)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxCredentials))
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	remedy := file + " must be of the AWS tools' format with the profile, or the JSON of a MinIO console"
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		v, err := parseConsole(b)
		if err != nil {
			return nil, fmt.Errorf("credentials: %w; %s", err, remedy)
		}
		return usable(credentials.New(&credentials.Static{Value: v}), remedy)
	}
	return usable(credentials.NewFileAWSCredentials(file, ""), remedy)
}

// parseConsole reads what a MinIO console exports. Its error repeats nothing of
// the file.
func parseConsole(b []byte) (credentials.Value, error) {
	var exported struct{ AccessKey, SecretKey, SessionToken string }
	if json.Unmarshal(b, &exported) != nil {
		return credentials.Value{}, fmt.Errorf("not JSON with accessKey and secretKey: %w", ErrDenied)
	}
	return credentials.Value{
		AccessKeyID: exported.AccessKey, SecretAccessKey: exported.SecretKey, SessionToken: exported.SessionToken,
		SignerType: credentials.SignatureV4,
	}, nil
}
