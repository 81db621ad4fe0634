package registry

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"

	"golang.org/x/crypto/bcrypt"

	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/plainfile"
)

// Credentials are who may use a registry. Passwords are known by their bcrypt
// hash, tokens by their SHA-256.
type credentials struct {
	users  map[string][]byte // bcrypt hashes
	nobody []byte            // the hash that a name nobody has is checked against
	tokens [][sha256.Size]byte

	// bcrypt is slow by design, and a push has thousands of requests: what it
	// accepted is remembered, per user, as a MAC under a key of this process.
	key  []byte
	mu   sync.Mutex
	seen map[string][]byte
	slow chan struct{} // bounds how many passwords are checked at once
}

const (
	minToken      = 16 // characters
	maxCredential = 4 << 10
	maxAccounts   = 16 << 20 // bytes of a file of them
)

// readCredentials reads the files that o names; nil means that nobody is asked.
func readCredentials(o Options) (*credentials, error) {
	if o.Htpasswd == "" && o.TokenFile == "" {
		return nil, nil
	}
	c := &credentials{users: map[string][]byte{}, seen: map[string][]byte{}, key: make([]byte, sha256.Size), slow: make(chan struct{}, 2)}
	rand.Read(c.key)
	if o.Htpasswd != "" {
		b, err := readAccounts(o.Htpasswd)
		if err != nil {
			return nil, err
		}
		if err := c.parseHtpasswd(b); err != nil {
			return nil, refuse("%s: %v", o.Htpasswd, err)
		}
	}
	if o.TokenFile != "" {
		st, err := os.Stat(o.TokenFile)
		if err != nil {
			return nil, fmt.Errorf("registry: %w", err)
		}
		if st.Mode().Perm()&0o007 != 0 {
			return nil, refuse("%s: everybody on this machine can read it: chmod 600 %[1]s", o.TokenFile)
		}
		b, err := readAccounts(o.TokenFile)
		if err != nil {
			return nil, err
		}
		if err := c.parseTokens(b); err != nil {
			return nil, refuse("%s: %v", o.TokenFile, err)
		}
	}
	return c, nil
}

func readAccounts(path string) ([]byte, error) {
	b, err := plainfile.Read(path, maxAccounts)
	switch {
	case errors.Is(err, failure.ErrUsage):
		return nil, refuse("%v", err)
	case err != nil:
		return nil, fmt.Errorf("registry: %w", err)
	}
	return b, nil
}

// parseHtpasswd reads lines of "user:hash"; empty ones and those that begin
// with # are skipped. Errors name the line, never what is in it.
func (c *credentials) parseHtpasswd(b []byte) error {
	n, dearest := 0, bcrypt.MinCost
	for line := range bytes.Lines(b) {
		n++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		user, hash, ok := bytes.Cut(line, []byte(":"))
		cost, err := bcrypt.Cost(hash)
		switch {
		case !ok || len(user) == 0:
			return fmt.Errorf(`line %d: want USER:HASH, as "htpasswd -nB USER" prints`, n)
		case err != nil:
			return fmt.Errorf(`line %d: not a bcrypt hash; "htpasswd -nB USER" makes one`, n)
		case c.users[string(user)] != nil:
			return fmt.Errorf("line %d: its user has a line already", n)
		}
		c.users[string(user)] = bytes.Clone(hash)
		if cost >= dearest {
			c.nobody, dearest = c.users[string(user)], cost
		}
	}
	if len(c.users) == 0 {
		return fmt.Errorf(`no user in it; "htpasswd -nB USER" prints a line for one`)
	}
	return nil
}

// parseTokens reads a token a line, as parseHtpasswd does users.
func (c *credentials) parseTokens(b []byte) error {
	n := 0
	for line := range bytes.Lines(b) {
		n++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if len(line) < minToken || bytes.ContainsAny(line, " \t") {
			return fmt.Errorf(`line %d: want a token of %d characters or more without blanks; "openssl rand -hex 32" makes one`, n, minToken)
		}
		c.tokens = append(c.tokens, sha256.Sum256(line))
	}
	if len(c.tokens) == 0 {
		return fmt.Errorf(`no token in it; "openssl rand -hex 32" makes one`)
	}
	return nil
}

// allow reports whether an Authorization header is that of somebody who may:
// Basic with a user's password, or with a token as password and any user, or
// Bearer with a token.
func (c *credentials) allow(ctx context.Context, header string) bool {
	if len(header) > maxCredential {
		return false
	}
	scheme, value, _ := strings.Cut(header, " ")
	if strings.EqualFold(scheme, "Bearer") {
		return c.token(value)
	}
	if !strings.EqualFold(scheme, "Basic") {
		return false
	}
	plain, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return false
	}
	user, password, ok := strings.Cut(string(plain), ":")
	return ok && (c.token(password) || c.password(ctx, user, password))
}

// token takes as long for any token.
func (c *credentials) token(token string) bool {
	sum := sha256.Sum256([]byte(token))
	found := 0
	for _, t := range c.tokens {
		found |= subtle.ConstantTimeCompare(t[:], sum[:])
	}
	return found == 1
}

// password takes as long for a user there is not as for a wrong password.
func (c *credentials) password(ctx context.Context, user, password string) bool {
	if len(c.users) == 0 {
		return false
	}
	h := hmac.New(sha256.New, c.key)
	h.Write([]byte(password))
	mac := h.Sum(nil)
	c.mu.Lock()
	seen := hmac.Equal(c.seen[user], mac)
	c.mu.Unlock()
	if seen {
		return true
	}
	select {
	case c.slow <- struct{}{}:
		defer func() { <-c.slow }()
	case <-ctx.Done():
		return false
	}
	hash, known := c.users[user]
	if !known {
		hash = c.nobody
	}
	if bcrypt.CompareHashAndPassword(hash, []byte(password)) != nil || !known {
		return false
	}
	c.mu.Lock()
	c.seen[user] = mac
	c.mu.Unlock()
	return true
}

// gate lets through who may. With anonymousPull whoever shows no credentials
// may read; "/v2/" is where clients learn how to show them, so it always asks.
func (c *credentials) gate(next http.Handler, anonymousPull bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := r.Header.Get("Authorization")
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		ping := strings.TrimSuffix(r.URL.Path, "/") == "/v2"
		if anonymousPull && header == "" && reads && !ping || c.allow(r.Context(), header) {
			r.Header.Del("Authorization")
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="assay registry", charset="UTF-8"`)
		refuseRequest(w, http.StatusUnauthorized, "UNAUTHORIZED", "log in with a user and password, or with a token as the password")
	})
}
