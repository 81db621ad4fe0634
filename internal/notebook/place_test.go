package notebook

import "testing"

func TestUnplaced(t *testing.T) {
	for in, want := range map[string]string{
		"/tmp/assay-kernel.4123405257/gonb_f8e9a9a0/main.go:12 +0x1d":                            "main.go:12 +0x1d",
		`failed to run "/usr/bin/go build -o /tmp/x/gonb_f8e9a9a0/gonb_f8e9a9a0": exit status 1`: `failed to run "/usr/bin/go build -o gonb": exit status 1`,
		`<span>/tmp/a/gonb_f8e9a9a0/main.go:3:7</span>`:                                          `<span>main.go:3:7</span>`,
		"gonb is Go":                 "gonb is Go",
		"/home/ada/gonb_notes/a.txt": "/home/ada/gonb_notes/a.txt",
		"main.f(gonb_12345678.T)":    "main.f(gonb.T)",
	} {
		if got := unplaced(in); got != want {
			t.Errorf("unplaced(%q) = %q, want %q", in, got, want)
		}
	}
}
