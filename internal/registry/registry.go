// Package registry is the team registry of "assay serve --registry": an OCI
// registry over a folder of image layouts. The protocol is olareg's; what is
// added here is what a server that keeps evidence needs around it: one server a
// folder, a look at the folder before it is served, manifests that are on disk
// when they are acknowledged, credentials, TLS, limits, and a log.
//
// It deletes nothing unless asked to, and it does not check what it serves:
// clients of a registry verify what they get.
package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/olareg/olareg"
	"github.com/olareg/olareg/config"

	"github.com/assay-notebooks/assay/internal/registry/options"
)

// Options say what is served, where, and to whom.
type Options = options.Options

// ErrOptions reports options that are refused; the message has the remedy.
var ErrOptions = errors.New("options")

// Limits of what a client can make the server hold.
const (
	maxManifest   = 4 << 20 // bytes; the least that the OCI specification has registries accept
	maxHeader     = 64 << 10
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	stallTimeout  = time.Minute // without a byte of a body that is being read or written
	drainTimeout  = 10 * time.Second
)

// A Server is a registry that listens. Serve answers; Close gives the folder
// back if Serve is not called.
type Server struct {
	URL string // as clients reach it: http://127.0.0.1:5000

	dir      *directory
	registry *olareg.Server
	listener net.Listener
	http     *http.Server
	collects bool
}

// Open checks the options and the folder, and listens. Requests and problems
// are written to out, a line each. Options that would open the registry wider
// than was asked for match ErrOptions.
func Open(o Options, out io.Writer) (*Server, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if err := check(o); err != nil {
		return nil, err
	}
	who, err := readCredentials(o)
	if err != nil {
		return nil, err
	}
	var tlsConfig *tls.Config
	scheme := "http"
	if o.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(o.TLSCert, o.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("registry: certificate %s, key %s: %w", o.TLSCert, o.TLSKey, err)
		}
		scheme, tlsConfig = "https", &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	dir, err := openDirectory(o.Dir, o.ReadOnly)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("registry: %w; name another address with --listen", err), dir.close())
	}
	s := &Server{dir: dir, listener: listener, collects: o.AllowDelete && !o.ReadOnly}
	s.URL = scheme + "://" + reachable(listener.Addr().(*net.TCPAddr))
	s.registry = olareg.New(configuration(o, slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelWarn}))))
	var h http.Handler = s.registry
	if !o.ReadOnly {
		h = dir.durable(h)
	}
	if who != nil {
		h = who.gate(h, o.AnonymousPull)
	} else if loopback(o.Listen) {
		h = sameMachine(h)
	}
	s.http = &http.Server{
		Handler:           logged(patient(http.NewCrossOriginProtection().Handler(h), stallTimeout), out),
		ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		TLSConfig: tlsConfig, ErrorLog: log.New(out, "", 0),
	}
	return s, nil
}

// configuration returns the options as olareg's. Collection is off unless
// deletions are allowed: it takes a manifest that cannot be read at the moment
// for one that names nothing, and deletes what that names.
func configuration(o Options, log *slog.Logger) config.Config {
	yes, no := true, false
	c := config.Config{Log: log}
	c.Storage.StoreType, c.Storage.RootDir, c.Storage.ReadOnly = config.StoreDir, o.Dir, &o.ReadOnly
	c.API.Manifest.Limit = maxManifest
	writes, deletes := !o.ReadOnly, o.AllowDelete && !o.ReadOnly
	c.API.PushEnabled, c.API.DeleteEnabled, c.API.Blob.DeleteEnabled = &writes, &deletes, &deletes
	c.Storage.GC.Untagged, c.Storage.GC.EmptyRepo = &no, &no
	c.Storage.GC.ReferrersDangling, c.Storage.GC.ReferrersWithSubj = &no, &yes
	if !deletes {
		c.Storage.GC.Frequency, c.Storage.GC.GracePeriod = -1, -1
	}
	return c
}

// check refuses what would serve more people, or serve them less safely, than
// was asked for.
func check(o Options) error {
	host, _, err := net.SplitHostPort(o.Listen)
	switch {
	case err != nil:
		return refuse("address %q: want HOST:PORT, as 127.0.0.1:5000", o.Listen)
	case (o.TLSCert == "") != (o.TLSKey == ""):
		return refuse("a certificate and its key come together: give --tls-cert and --tls-key")
	case o.AnonymousPull && o.Htpasswd == "" && o.TokenFile == "":
		return refuse("anonymous pull means that pushing needs credentials: give --htpasswd or --token-file")
	case o.NoAuth && (o.Htpasswd != "" || o.TokenFile != ""):
		return refuse("--no-auth contradicts --htpasswd and --token-file: leave one out")
	case loopback(o.Listen):
		return nil
	case o.Htpasswd == "" && o.TokenFile == "" && !o.NoAuth:
		return refuse("other machines reach %s, and anybody could push: give --htpasswd or --token-file, or insist with --no-auth", host)
	case o.TLSCert == "" && !o.PlainHTTP:
		return refuse("other machines reach %s, and passwords would be readable on the way: give --tls-cert and --tls-key, or insist with --plain-http", host)
	}
	return nil
}

func refuse(format string, args ...any) error {
	return &refused{"registry: " + fmt.Sprintf(format, args...)}
}

// refused matches ErrOptions and reads as the message alone.
type refused struct{ message string }

func (r *refused) Error() string        { return r.message }
func (r *refused) Is(target error) bool { return target == ErrOptions }

// loopback reports whether only this machine reaches an address.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// reachable returns what a client can write for an address that is listened on.
func reachable(a *net.TCPAddr) string {
	if !a.IP.IsUnspecified() {
		return a.String()
	}
	name, err := os.Hostname()
	if err != nil {
		name = "localhost"
	}
	return net.JoinHostPort(name, fmt.Sprint(a.Port))
}

// Serve answers requests until ctx is done, lets those under way finish for
// some seconds, and closes the server.
func (s *Server) Serve(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() {
		if s.http.TLSConfig != nil {
			ended <- s.http.ServeTLS(s.listener, "", "")
		} else {
			ended <- s.http.Serve(s.listener)
		}
	}()
	select {
	case err := <-ended:
		return errors.Join(fmt.Errorf("registry %s: %w", s.URL, err), s.Close())
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if s.http.Shutdown(drain) != nil {
		s.http.Close() // what is left is cut off, as by a crash: nothing acknowledged is lost
	}
	<-ended
	return s.Close()
}

// Close stops listening and gives the folder back. Doing it again is harmless.
func (s *Server) Close() error {
	s.listener.Close()
	if s.dir == nil {
		return nil
	}
	var err error
	if s.collects {
		err = s.registry.Close() // collects once more
	}
	err = errors.Join(err, s.dir.close())
	s.dir = nil
	return err
}
