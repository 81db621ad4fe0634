package minio

import (
	"errors"
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	for _, tt := range []struct{ in, bucket, prefix string }{
		{"s3://evidence", "evidence", ""},
		{"s3://evidence/", "evidence", ""},
		{"s3://evidence/team/2026", "evidence", "team/2026"},
		{"s3://evidence/team/", "evidence", "team"},
	} {
		bucket, prefix, err := ParseURL(tt.in)
		if err != nil || bucket != tt.bucket || prefix != tt.prefix {
			t.Errorf("ParseURL(%q) = %q, %q, %v, want %q, %q", tt.in, bucket, prefix, err, tt.bucket, tt.prefix)
		}
	}
	for _, in := range []string{"", "s3://", "s3:///x", "evidence", "https://evidence/x", "s3://Evidence", "s3://ev/x", "s3://evidence/a//b",
		"s3://evidence/../x", "s3://evidence/.lock", "s3://evidence/a b", "s3://evidence/" + strings.Repeat("x/", 300) + "x"} {
		if _, _, err := ParseURL(in); err == nil {
			t.Errorf("ParseURL(%.40q): no error", in)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	f.Add("s3://evidence/team/2026")
	f.Add("s3://evidence")
	f.Fuzz(func(t *testing.T, in string) {
		bucket, prefix, err := ParseURL(in)
		if err != nil {
			return
		}
		again := Config{Bucket: bucket, Prefix: prefix}.URL()
		if b, p, err := ParseURL(again); err != nil || b != bucket || p != prefix {
			t.Errorf("ParseURL(%q) = %q, %q, whose address %q gives %q, %q, %v", in, bucket, prefix, again, b, p, err)
		}
	})
}

// What is wrong with a file of credentials is said without repeating it.
func FuzzParseConsole(f *testing.F) {
	f.Add(`{"url":"http://x","accessKey":"k","secretKey":"secret","api":"s3v4"}`)
	f.Add(`{"accessKey":1,"secretKey":"secret"`)
	f.Fuzz(func(t *testing.T, in string) {
		v, err := parseConsole([]byte(in))
		if err == nil {
			return
		}
		if !errors.Is(err, ErrDenied) || v.SecretAccessKey != "" || err.Error() != "not JSON with accessKey and secretKey: access denied" {
			t.Errorf("parseConsole(%q) = %v, %v", in, v, err)
		}
	})
}

// What is read of a profile is on its lines, and no key comes from another's.
func FuzzParseProfile(f *testing.F) {
	f.Add("[default]\naws_access_key_id = k\naws_secret_access_key=s\n[team]\naws_session_token = t\n", "team")
	f.Add("[ a ]\naws_access_key_id", "a")
	f.Fuzz(func(t *testing.T, in, profile string) {
		v := parseProfile([]byte(in), profile)
		for _, s := range []string{v.AccessKeyID, v.SecretAccessKey, v.SessionToken} {
			if !strings.Contains(in, s) || strings.Contains(s, "\n") {
				t.Errorf("parseProfile(%q, %q) = %+v", in, profile, v)
			}
		}
		if v.AccessKeyID != "" && !strings.Contains(in, profile) {
			t.Errorf("parseProfile(%q, %q) = %+v, want no key", in, profile, v)
		}
	})
}
