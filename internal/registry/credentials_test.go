package registry

import (
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

const alicePassword = "correct horse"

// htpasswd writes a file with the user alice.
func htpasswd(t *testing.T) string {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte(alicePassword), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(path, []byte("# the team\nalice:"+string(hash)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const token = "6b86b273ff34fce19d6b804eff5a3f57"

func tokenFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte("# the team's\n\n"+token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestCredentials(t *testing.T) {
	const blob, upload = "/v2/repo/blobs/sha256:0000000000000000000000000000000000000000000000000000000000000000", "/v2/repo/blobs/uploads/"
	alice, asToken := basic("alice", alicePassword), basic("x", token)
	closed := Options{Htpasswd: htpasswd(t), TokenFile: tokenFile(t)}
	pullable := closed
	pullable.AnonymousPull = true
	for _, test := range []struct {
		name          string
		o             Options
		method, path  string
		authorization string
		want          int
	}{
		{"password", closed, "GET", "/v2/", alice, 200},
		{"token as password", closed, "POST", upload, asToken, 202},
		{"bearer", closed, "GET", blob, "Bearer " + token, 404},
		{"nothing", closed, "GET", "/v2/", "", 401},
		{"nothing, unknown path", closed, "GET", "/elsewhere", "", 401},
		{"wrong password", closed, "GET", "/v2/", basic("alice", "battery staple"), 401},
		{"empty password", closed, "GET", "/v2/", basic("alice", ""), 401},
		{"hash as password", closed, "GET", "/v2/", basic("alice", "$2a$04$"), 401},
		{"nobody", closed, "GET", "/v2/", basic("bob", alicePassword), 401},
		{"no colon", closed, "GET", "/v2/", "Basic YWxpY2U=", 401},
		{"no base64", closed, "GET", "/v2/", "Basic ???", 401},
		{"wrong token", closed, "GET", "/v2/", "Bearer " + strings.Repeat("0", 32), 401},
		{"empty token", closed, "GET", "/v2/", "Bearer ", 401},
		{"unknown scheme", closed, "GET", "/v2/", "Digest " + token, 401},
		{"anonymous ping", pullable, "GET", "/v2/", "", 401},
		{"anonymous pull", pullable, "GET", blob, "", 404},
		{"anonymous pull, wrong password", pullable, "GET", blob, basic("alice", "x"), 401},
		{"anonymous push", pullable, "POST", upload, "", 401},
		{"push with a password", pullable, "POST", upload, alice, 202},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, log := startLogged(t, test.o)
			for range 2 { // the second time from memory
				if got, body := send(t, http.DefaultClient, test.method, s.URL+test.path, "", "Authorization", test.authorization); got != test.want {
					t.Errorf("status %d, want %d: %s", got, test.want, body)
				}
			}
			for _, secret := range []string{token, alicePassword, alice, asToken, strings.TrimPrefix(alice, "Basic ")} {
				if strings.Contains(log.String(), secret) {
					t.Errorf("the log has a secret:\n%s", log)
				}
			}
		})
	}
}

func FuzzCredentials(f *testing.F) {
	f.Add([]byte("alice:$2a$04$"+strings.Repeat("a", 53)+"\n"), basic("alice", "x"))
	f.Add([]byte("alice\r\n:\n#"), "Bearer x")
	f.Fuzz(func(t *testing.T, file []byte, header string) {
		c := &credentials{users: map[string][]byte{}, seen: map[string][]byte{}, slow: make(chan struct{}, 1)}
		if c.parseTokens(file) == nil && c.allow(t.Context(), "Bearer ") {
			t.Errorf("no token is one of %q", file)
		}
		c.tokens = nil
		if c.parseHtpasswd(file) != nil {
			return
		}
		for _, hash := range c.users {
			if cost, err := bcrypt.Cost(hash); err != nil || cost > bcrypt.MinCost {
				return // would take long
			}
		}
		if c.allow(t.Context(), header) && !strings.HasPrefix(strings.ToLower(header), "basic ") {
			t.Errorf("%q is let in", header)
		}
	})
}
