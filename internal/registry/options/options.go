// Package options has the options of the team registry and their flags, for
// "assay serve" and for assay-registry, which it becomes. They are apart from
// the server: what links olareg computes a bcrypt hash whenever it starts.
package options

import "github.com/spf13/pflag"

// Options say what is served, where, and to whom. The zero value of all but
// Dir is a registry on a free port of this machine that everybody on it may use.
type Options struct {
	Dir           string `json:"dir"`            // folder of image layouts; made if there is none, unless ReadOnly
	Listen        string `json:"listen"`         // host:port; "" is 127.0.0.1:0
	TLSCert       string `json:"tls_cert"`       // PEM file; with TLSKey
	TLSKey        string `json:"tls_key"`        // PEM file
	Htpasswd      string `json:"htpasswd"`       // file of "user:bcrypt hash" lines
	TokenFile     string `json:"token_file"`     // file of tokens, one a line
	AnonymousPull bool   `json:"anonymous_pull"` // whoever has no credentials may read
	ReadOnly      bool   `json:"read_only"`      // refuse pushes and deletions
	AllowDelete   bool   `json:"allow_delete"`   // allow deletions, and collect what nothing names
	NoAuth        bool   `json:"no_auth"`        // allow other machines without credentials
	PlainHTTP     bool   `json:"plain_http"`     // allow other machines without TLS
}

// Flags returns flags that set o.
func (o *Options) Flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("assay-registry", pflag.ContinueOnError)
	f.StringVar(&o.Dir, "dir", "", "folder of the registry")
	f.StringVar(&o.Listen, "listen", "127.0.0.1:5000", "address to listen on; port 0 is a free one")
	f.StringVar(&o.TLSCert, "tls-cert", "", "certificate, with its chain, as PEM")
	f.StringVar(&o.TLSKey, "tls-key", "", "the certificate's key, as PEM")
	f.StringVar(&o.Htpasswd, "htpasswd", "", "file of users and bcrypt hashes")
	f.StringVar(&o.TokenFile, "token-file", "", "file of tokens, one a line")
	f.BoolVar(&o.AnonymousPull, "anonymous-pull", false, "let everybody pull; pushing needs credentials")
	f.BoolVar(&o.ReadOnly, "read-only", false, "refuse pushes and deletions")
	f.BoolVar(&o.AllowDelete, "allow-delete", false, "let clients delete, and collect an hour later what no manifest names")
	f.BoolVar(&o.NoAuth, "no-auth", false, "let other machines in without credentials")
	f.BoolVar(&o.PlainHTTP, "plain-http", false, "let other machines in without TLS")
	return f
}
