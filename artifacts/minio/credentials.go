package minio

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
)

// maxCredentials is the length, in bytes, of the largest file of credentials.
const maxCredentials = 64 << 10

// iamTimeout bounds the answer of a service that gives credentials.
const iamTimeout = 10 * time.Second

// loadCredentials returns the credentials in file: keys in the format of the
// AWS tools (the profile AWS_PROFILE, or default), or the JSON that a MinIO
// console exports. It refuses a file that others than its owner can read.
//
// For "" it looks at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY with
// AWS_SESSION_TOKEN, then MINIO_ACCESS_KEY and MINIO_SECRET_KEY (or
// MINIO_ROOT_USER and MINIO_ROOT_PASSWORD), then the shared credentials file of
// the AWS tools; and, only where the environment says that there is such a
// service, asks the one of the container or of the web identity. None at all is
// ErrDenied.
func loadCredentials(file string) (*credentials.Credentials, error) {
	if file != "" {
		return loadFile(file)
	}
	providers := []credentials.Provider{&credentials.EnvAWS{}, &credentials.EnvMinio{}, &credentials.FileAWSCredentials{}}
	for _, name := range []string{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
		if os.Getenv(name) != "" {
			providers = append(providers, &credentials.IAM{Client: &http.Client{Timeout: iamTimeout}})
			break
		}
	}
	return usable(credentials.NewChainCredentials(providers),
		"set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file of credentials; of the AWS tools' file the profile is "+profile())
}

// profile is the one of the AWS tools that is used.
func profile() string { return cmp.Or(os.Getenv("AWS_PROFILE"), "default") }

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
	remedy := file + " must have the keys, in the AWS tools' format with the profile " + profile() + ", or as the JSON of a MinIO console"
	var v credentials.Value
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		if v, err = parseConsole(b); err != nil {
			return nil, fmt.Errorf("credentials: %w; %s", err, remedy)
		}
	} else {
		v = parseProfile(b, profile())
	}
	return usable(credentials.New(&credentials.Static{Value: v}), remedy)
}

// parseProfile reads the keys of a profile in the AWS tools' format. It knows
// keys only: a file that is named in someone else's workspace must not name a
// program to run, as the format allows.
func parseProfile(b []byte, profile string) credentials.Value {
	v := credentials.Value{SignerType: credentials.SignatureV4}
	ours := false
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			ours = strings.TrimSpace(strings.Trim(line, "[]")) == profile
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ours || !ok {
			continue
		}
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(name) {
		case "aws_access_key_id":
			v.AccessKeyID = value
		case "aws_secret_access_key":
			v.SecretAccessKey = value
		case "aws_session_token":
			v.SessionToken = value
		}
	}
	return v
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
