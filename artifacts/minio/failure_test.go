package minio_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
	"golang.org/x/sync/errgroup"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/minio"
	"github.com/assay-notebooks/assay/artifacts/minio/miniotest"
)

// create makes a store in a bucket of its own.
func create(t *testing.T, cfg minio.Config) *minio.Backend {
	t.Helper()
	b, err := minio.Create(t.Context(), cfg, minio.CreateOptions{MakeBucket: true})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func tuned(t *testing.T, cfg minio.Config, tuning minio.Tuned) *minio.Backend {
	t.Helper()
	b, err := minio.OpenTuned(t.Context(), cfg, tuning)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// later is a clock by which all that was put is old.
func later() time.Time { return time.Now().Add(2 * artifacts.DefaultMinAge) }

// minPart is the size of the smallest part that S3 takes, but for the last.
const minPart = 5 << 20

// pattern returns n bytes without repetition, the same each time, and their
// digest.
func pattern(n int) ([]byte, assay.Digest) {
	v := make([]byte, n)
	rand.NewChaCha8([32]byte{}).Read(v)
	return v, assay.DigestOf(v)
}

func upload(ctx context.Context, b *minio.Backend, v []byte, sum assay.Digest) error {
	return b.Upload(ctx, "blobs/sha256/"+sum.Hex(), bytes.NewReader(v), int64(len(v)), sum)
}

func wantBlob(t *testing.T, b artifacts.Backend, v []byte, sum assay.Digest) {
	t.Helper()
	if got, err := artifacts.New(b).ReadAll(t.Context(), sum, int64(len(v))); err != nil || !bytes.Equal(got, v) {
		t.Errorf("read %v: %d bytes, %v, want %d", sum, len(got), err, len(v))
	}
}

func noLeftovers(t *testing.T, b *minio.Backend) {
	t.Helper()
	for l, err := range b.Leftovers(t.Context()) {
		t.Errorf("leftover: %+v, %v, want none", l, err)
	}
}

// remedied is wanted of errors that a user can do something about.
func remedied(t *testing.T, err, kind error, remedy string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), remedy) {
		t.Errorf("got %v, want %v and a remedy with %q", err, kind, remedy)
	}
}

func TestNoWayIn(t *testing.T) {
	t.Setenv("MINIO_REGION", "eu-central-1")
	server := miniotest.Start(t)
	good := server.Config("way-in")
	good.Region = "eu-central-1"
	_, err := minio.Open(t.Context(), good)
	remedied(t, err, minio.ErrNoBucket, "create bucket way-in")
	_, err = minio.Create(t.Context(), good, minio.CreateOptions{})
	remedied(t, err, minio.ErrNoBucket, "create bucket way-in")
	create(t, good)

	for name, tt := range map[string]struct {
		change func(*minio.Config)
		kind   error
		remedy string
	}{
		"no store there":   {func(c *minio.Config) { c.Prefix = "elsewhere" }, minio.ErrNoStore, "create one there"},
		"unknown key":      {func(c *minio.Config) { c.Credentials = server.CredentialsFile("nobody", server.Secret) }, minio.ErrDenied, "check the access key"},
		"wrong secret":     {func(c *minio.Config) { c.Credentials = server.CredentialsFile(server.User, "wrong") }, minio.ErrDenied, "check the access key"},
		"TLS to plain":     {func(c *minio.Config) { c.Endpoint = strings.Replace(c.Endpoint, "http:", "https:", 1) }, minio.ErrUnreachable, "http://"},
		"nobody listens":   {func(c *minio.Config) { c.Endpoint = "http://127.0.0.1:1" }, minio.ErrUnreachable, "is up"},
		"no such host":     {func(c *minio.Config) { c.Endpoint = "http://no-such-host.invalid" }, minio.ErrUnreachable, "is up"},
		"wrong region":     {func(c *minio.Config) { c.Region = "us-east-1" }, minio.ErrDenied, "region"},
		"missing CA":       {func(c *minio.Config) { c.CAFile = "/no/such.pem" }, fs.ErrNotExist, "CA file"},
		"no credentials":   {func(c *minio.Config) { c.Credentials = "/no/such" }, fs.ErrNotExist, "credentials"},
		"not a credential": {func(c *minio.Config) { c.Credentials = server.CredentialsFile("", "") }, minio.ErrDenied, "format"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			tt.change(&cfg)
			_, err := minio.OpenTuned(t.Context(), cfg, minio.Tuned{})
			remedied(t, err, tt.kind, tt.remedy)
		})
	}
	t.Run("other format", func(t *testing.T) {
		cfg := good
		cfg.Prefix = "old"
		b := create(t, good)
		if _, err := b.Put(t.Context(), "old/FORMAT", strings.NewReader("assay.store.v9\n"), artifacts.Condition{}); err != nil {
			t.Fatal(err)
		}
		if _, err := minio.Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "use the program that made it") {
			t.Errorf("got %v, want that it needs another program", err)
		}
	})
}

func TestTLS(t *testing.T) {
	server := miniotest.StartWith(t, miniotest.Options{TLS: true})
	cfg := server.Config("tls")
	b := tuned(t, create(t, cfg).Config(), minio.Tuned{Part: minPart})
	v, sum := pattern(2*minPart + 7)
	if err := upload(t.Context(), b, v, sum); err != nil {
		t.Fatal(err)
	}
	wantBlob(t, b, v, sum)
	if _, err := b.Put(t.Context(), "k/1", strings.NewReader("x"), artifacts.Condition{IfAbsent: true}); err != nil {
		t.Error(err)
	}
	cfg.CAFile = ""
	_, err := minio.Open(t.Context(), cfg)
	remedied(t, err, minio.ErrUnreachable, "CA file")
	cfg.Endpoint = strings.Replace(cfg.Endpoint, "https:", "http:", 1)
	if _, err := minio.OpenTuned(t.Context(), cfg, minio.Tuned{}); err == nil {
		t.Error("plain HTTP to a server with TLS: no error")
	}
}

func TestServerDownPausedAndBack(t *testing.T) {
	server := miniotest.Start(t)
	cfg := server.Config("down")
	create(t, cfg)
	hasty := tuned(t, cfg, minio.Tuned{Header: time.Second, Part: minPart, Offline: true}) // does not wait long
	b := tuned(t, cfg, minio.Tuned{Part: minPart})
	v, sum := pattern(2*minPart + 1)
	put := func(b *minio.Backend) error {
		_, err := b.Put(t.Context(), "k/1", strings.NewReader("value"), artifacts.Condition{})
		return err
	}
	ops := map[string]func() error{
		"put":    func() error { return put(hasty) },
		"upload": func() error { return upload(t.Context(), hasty, v, sum) },
		"stat":   func() error { _, err := hasty.Stat(t.Context(), "k/1"); return err },
		"get":    func() error { _, _, err := hasty.Get(t.Context(), "k/1"); return err },
		"lock":   func() error { _, err := hasty.Lock(t.Context(), false); return err },
		"list": func() error {
			for _, err := range hasty.List(t.Context(), "") {
				return err
			}
			return nil
		},
	}
	all := func(state string) {
		t.Helper()
		var wg sync.WaitGroup
		for name, op := range ops {
			wg.Go(func() {
				if err := op(); !errors.Is(err, minio.ErrUnreachable) {
					t.Errorf("%s while %s: %v, want ErrUnreachable", name, state, err)
				}
			})
		}
		wg.Wait()
	}
	if err := put(b); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	all("down")
	server.Start()
	if err := put(b); err != nil {
		t.Errorf("put after the server came back: %v", err)
	}

	server.Pause()
	all("paused")
	// With the limits of users, who waits can leave at once.
	asked := make(chan bool, 10)
	patient := tuned(t, cfg, minio.Tuned{Offline: true, Wrap: func(next http.RoundTripper) http.RoundTripper {
		return hook{next, func(*http.Request) error { asked <- true; return nil }}
	}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { _, err := patient.Stat(ctx, "k/1"); done <- err }()
	<-asked
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("stat with an ended context: %v, want context.Canceled", err)
	}
	server.Continue()
	if err := upload(t.Context(), b, v, sum); err != nil {
		t.Errorf("upload after the server went on: %v", err)
	}
	wantBlob(t, b, v, sum)
}

// A hook calls before with each request.
type hook struct {
	next   http.RoundTripper
	before func(*http.Request) error
}

func (h hook) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := h.before(req); err != nil {
		return nil, err
	}
	return h.next.RoundTrip(req)
}

func TestServerKilledDuringUpload(t *testing.T) {
	server := miniotest.Start(t)
	cfg := server.Config("killed")
	create(t, cfg)
	var parts atomic.Int64
	b := tuned(t, cfg, minio.Tuned{Part: minPart, Wrap: func(next http.RoundTripper) http.RoundTripper {
		return hook{next, func(req *http.Request) error {
			if req.URL.Query().Get("partNumber") != "" && parts.Add(1) == 3 {
				server.Kill()
			}
			return nil
		}}
	}})
	acked, ackedSum := pattern(100)
	if err := upload(t.Context(), b, acked, ackedSum); err != nil {
		t.Fatal(err)
	}
	v, sum := pattern(4 * minPart)
	if err := upload(t.Context(), b, v, sum); !errors.Is(err, minio.ErrUnreachable) {
		t.Fatalf("upload to a server that is killed: %v, want ErrUnreachable", err)
	}
	server.Start()
	wantBlob(t, b, acked, ackedSum)
	if _, err := b.Stat(t.Context(), "blobs/sha256/"+sum.Hex()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat of what was not acknowledged: %v, want fs.ErrNotExist", err)
	}
	if err := upload(t.Context(), b, v, sum); err != nil {
		t.Fatal(err)
	}
	wantBlob(t, b, v, sum)
}

func TestUpload(t *testing.T) {
	server := miniotest.Start(t)
	cfg := server.Config("upload")
	create(t, cfg)
	b := tuned(t, cfg, minio.Tuned{Part: minPart, Memory: 1000})
	for _, size := range []int{0, 1, minPart, minPart + 1, 3*minPart + 3} {
		v, sum := pattern(size)
		for range 2 {
			if err := upload(t.Context(), b, v, sum); err != nil {
				t.Errorf("upload %d bytes: %v", size, err)
			}
		}
		wantBlob(t, b, v, sum)
		// What is on the storage is not what its digest says: that is what an upload repairs.
		if _, err := b.Put(t.Context(), "blobs/sha256/"+sum.Hex(), bytes.NewReader(append(v, 'x')), artifacts.Condition{}); err != nil {
			t.Fatal(err)
		}
		if err := upload(t.Context(), b, v, sum); err != nil {
			t.Errorf("upload %d bytes over others: %v", size, err)
		}
		wantBlob(t, b, v, sum)

		_, other := pattern(size + 2)
		remedied(t, upload(t.Context(), b, v, other), artifacts.ErrCorrupt, "")
		if _, err := b.Stat(t.Context(), "blobs/sha256/"+other.Hex()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("stat after a refused upload of %d bytes: %v, want fs.ErrNotExist", size, err)
		}
	}
	short, sum := pattern(minPart)
	if err := b.Upload(t.Context(), "k/short", bytes.NewReader(short), 2*minPart, sum); !errors.Is(err, io.EOF) {
		t.Errorf("upload of a file that was cut: %v, want io.EOF", err)
	}
	noLeftovers(t, b)
}

// TestUploadGoesOn cuts an upload off, and changes one of the parts that arrived:
// the next one sends that and those that are missing.
func TestUploadGoesOn(t *testing.T) {
	server := miniotest.Start(t)
	cfg := server.Config("resume")
	create(t, cfg)
	v, sum := pattern(6*minPart + 1)
	key := "blobs/sha256/" + sum.Hex()
	part := func(req *http.Request) string {
		if req.Method != http.MethodPut {
			return ""
		}
		return req.URL.Query().Get("partNumber")
	}
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan bool) // closed when the part that is to be changed has arrived
	arrived := sync.OnceFunc(func() { close(first) })
	dying := tuned(t, cfg, minio.Tuned{Part: minPart, Wrap: func(next http.RoundTripper) http.RoundTripper {
		return after{hook{next, func(req *http.Request) error {
			switch part(req) {
			case "6", "7": // either may come first, and another one has arrived, too
				<-first
				cancel()
			}
			return ctx.Err()
		}}, func(req *http.Request) {
			if part(req) == "1" {
				arrived()
			}
		}}
	}})
	if err := upload(ctx, dying, v, sum); !errors.Is(err, context.Canceled) {
		t.Fatalf("upload that is cut off: %v, want context.Canceled", err)
	}
	b := tuned(t, cfg, minio.Tuned{})
	if err := b.Meddle(t.Context(), key, bytes.Repeat([]byte("x"), minPart)); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	sent := map[string]int{}
	next := tuned(t, cfg, minio.Tuned{Part: minPart, Wrap: func(next http.RoundTripper) http.RoundTripper {
		return hook{next, func(req *http.Request) error {
			mu.Lock()
			defer mu.Unlock()
			if n := part(req); n != "" {
				sent[n]++
			}
			return nil
		}}
	}})
	if err := upload(t.Context(), next, v, sum); err != nil {
		t.Fatal(err)
	}
	wantBlob(t, b, v, sum)
	noLeftovers(t, b)
	if len(sent) >= 7 || sent["1"] != 1 || sent["6"] != 1 || sent["7"] != 1 {
		t.Errorf("the second upload sent parts %v of 7, want part 1, which was changed, and 6 and 7, which were not sent before", sent)
	}
}

// The server itself finds a part that changed on the way.
func TestPartChangedOnTheWay(t *testing.T) {
	server := miniotest.Start(t)
	cfg := server.Config("changed")
	create(t, cfg)
	b := tuned(t, cfg, minio.Tuned{Part: minPart, Wrap: func(next http.RoundTripper) http.RoundTripper {
		return hook{next, func(req *http.Request) error {
			if req.URL.Query().Get("partNumber") == "2" {
				p, err := io.ReadAll(req.Body)
				p[1000] ^= 1
				req.Body = io.NopCloser(bytes.NewReader(p))
				return err
			}
			return nil
		}}
	}})
	v, sum := pattern(2*minPart + 1)
	remedied(t, upload(t.Context(), b, v, sum), artifacts.ErrCorrupt, "changed on the way")
	noLeftovers(t, b)
}

// A request that is dated 20 minutes ago is what the server sees of a machine
// with a slow clock. It looks at the date before the signature.
func TestClock(t *testing.T) {
	server := miniotest.Start(t)
	cfg := server.Config("clock")
	create(t, cfg)
	_, err := minio.OpenTuned(t.Context(), cfg, minio.Tuned{Wrap: func(next http.RoundTripper) http.RoundTripper {
		return hook{next, func(req *http.Request) error {
			req.Header.Set("X-Amz-Date", time.Now().Add(-20*time.Minute).UTC().Format("20060102T150405Z"))
			return nil
		}}
	}})
	remedied(t, err, minio.ErrClock, "set the clocks")
}

func TestNoSecretIsShown(t *testing.T) {
	server := miniotest.Start(t)
	cfg := server.Config("canary")
	b := create(t, cfg)
	unknown := cfg
	unknown.Credentials = server.CredentialsFile("CANARY-user", "CANARY-"+server.Secret)
	_, unknownErr := minio.Open(t.Context(), unknown)
	_, _, missing := b.Get(t.Context(), "no/such")
	_, linkErr := b.Link(t.Context(), "no/such", "f", time.Minute)
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(broken, []byte(`{"accessKey": "CANARY-user", "secretKey": "CANARY-`+server.Secret), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.Credentials = broken
	_, brokenErr := minio.Open(t.Context(), cfg)
	cfg.Endpoint = "http://CANARY-user:CANARY-secret@127.0.0.1:1"
	_, endpointErr := minio.Open(t.Context(), cfg)
	server.Stop()
	down := tuned(t, b.Config(), minio.Tuned{Offline: true})
	_, downErr := down.Stat(t.Context(), "k/1")
	for _, err := range []error{unknownErr, missing, linkErr, brokenErr, endpointErr, downErr} {
		if err == nil {
			t.Error("no error, want one to look at")
		}
	}
	shown := fmt.Sprintln(unknownErr, missing, linkErr, brokenErr, endpointErr, downErr) +
		fmt.Sprintf("%v %+v %#v %s", b, b, b.Config(), b)
	for _, secret := range []string{server.Secret, "CANARY"} {
		if strings.Contains(shown, secret) {
			t.Errorf("a secret is shown in:\n%s", shown)
		}
	}
}

func TestLoadCredentials(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY", "AWS_SESSION_TOKEN",
		"MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY", "AWS_PROFILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
		t.Setenv(name, "")
	}
	dir := t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "none"))
	if _, err := minio.LoadCredentials(""); !errors.Is(err, minio.ErrDenied) {
		t.Errorf("nothing in the environment: %v, want ErrDenied", err)
	}
	ini := "[default]\naws_access_key_id = d\naws_secret_access_key = ds\n[team]\naws_access_key_id = k\naws_secret_access_key = s\naws_session_token = t\n"
	private := file("ini", ini, 0o600)
	for _, tt := range []struct {
		name, file       string
		env              map[string]string
		key, secret, tok string
	}{
		{"AWS file", private, nil, "d", "ds", ""},
		{"AWS file with a profile", private, map[string]string{"AWS_PROFILE": "team"}, "k", "s", "t"},
		{"shared AWS file", "", map[string]string{"AWS_SHARED_CREDENTIALS_FILE": private}, "d", "ds", ""},
		{"MinIO console", file("json", `{"url":"http://x","accessKey":"k","secretKey":"s","api":"s3v4"}`, 0o600), nil, "k", "s", ""},
		{"AWS variables", "", map[string]string{"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}, "k", "s", "t"},
		{"MinIO variables", "", map[string]string{"MINIO_ACCESS_KEY": "k", "MINIO_SECRET_KEY": "s"}, "k", "s", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			creds, err := minio.LoadCredentials(tt.file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := creds.GetWithContext(nil)
			if err != nil || got.AccessKeyID != tt.key || got.SecretAccessKey != tt.secret || got.SessionToken != tt.tok {
				t.Errorf("got key %q, secret %q, token %q, %v, want %q, %q, %q",
					got.AccessKeyID, got.SecretAccessKey, got.SessionToken, err, tt.key, tt.secret, tt.tok)
			}
		})
	}
	for name, tt := range map[string]struct {
		file string
		kind error
	}{
		"readable by others": {file("open", ini, 0o644), fs.ErrPermission},
		"half a key":         {file("half", "[default]\naws_access_key_id = k\n", 0o600), minio.ErrDenied},
		"no such profile":    {file("other", "[other]\n", 0o600), minio.ErrDenied},
		"program to run":     {file("process", "[default]\ncredential_process = /usr/bin/touch "+dir+"/was-run\n", 0o600), minio.ErrDenied},
		"torn JSON":          {file("torn", `{"accessKey":"k`, 0o600), minio.ErrDenied},
		"empty":              {file("empty", "", 0o600), minio.ErrDenied},
	} {
		if _, err := minio.LoadCredentials(tt.file); !errors.Is(err, tt.kind) {
			t.Errorf("%s: %v, want %v", name, err, tt.kind)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "was-run")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file of credentials had a program run: %v", err)
	}
}

// A session token of the server's own is sent with every request.
func TestSessionToken(t *testing.T) {
	server := miniotest.Start(t)
	create(t, server.Config("session"))
	creds, err := credentials.NewSTSAssumeRole(server.Endpoint, credentials.STSAssumeRoleOptions{AccessKey: server.User, SecretKey: server.Secret})
	if err != nil {
		t.Fatal(err)
	}
	v, err := creds.GetWithContext(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", v.AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", v.SecretAccessKey)
	cfg := server.Config("session")
	cfg.Credentials = ""
	for token, want := range map[string]error{v.SessionToken: nil, "wrong": minio.ErrDenied} {
		t.Setenv("AWS_SESSION_TOKEN", token)
		if _, err := minio.Open(t.Context(), cfg); !errors.Is(err, want) {
			t.Errorf("open with a session token: %v, want %v", err, want)
		}
	}
}

// A folder that becomes empty goes away, at times under the hands of another
// who puts something there: MinIO then denies access.
func TestFolderThatComesAndGoes(t *testing.T) {
	server := miniotest.Start(t)
	cfg := server.Config("folder")
	create(t, cfg)
	var denied atomic.Int64
	b := tuned(t, cfg, minio.Tuned{Wrap: func(next http.RoundTripper) http.RoundTripper { return denials{next, &denied} }})
	var g errgroup.Group
	for i := range 6 {
		g.Go(func() error {
			key := fmt.Sprintf("k/folder/%d", i)
			for range 60 {
				if _, err := b.Put(t.Context(), key, strings.NewReader("x"), artifacts.Condition{IfAbsent: true}); err != nil {
					return err
				}
				if err := b.Delete(t.Context(), key); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	t.Logf("%d of the requests were denied at first", denied.Load())
	denied.Store(-1)
	if _, err := b.Put(t.Context(), "k/1", strings.NewReader("x"), artifacts.Condition{IfAbsent: true}); err != nil {
		t.Errorf("put that is denied once: %v", err)
	}
}

// A denials counts requests that are denied, and from -1 denies the next itself.
type denials struct {
	next http.RoundTripper
	n    *atomic.Int64
}

func (d denials) RoundTrip(req *http.Request) (*http.Response, error) {
	if d.n.CompareAndSwap(-1, 0) {
		return answer(req, http.StatusForbidden, "AccessDenied"), nil
	}
	resp, err := d.next.RoundTrip(req)
	if err == nil && resp.StatusCode == http.StatusForbidden {
		d.n.Add(1)
	}
	return resp, err
}
