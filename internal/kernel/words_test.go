package kernel

import (
	"io"
	"strings"
	"testing"
)

func TestLastWords(t *testing.T) {
	for _, c := range []struct{ name, said, want string }{
		{"nothing", "", ""},
		{"plain", "one\ntwo\n", "; its last words are: one\ntwo"},
		{"many", strings.Repeat("line\n", 100), "; its last words are: " + strings.TrimSpace(strings.Repeat("line\n", 10))},
		{"fatal", "before\nF1124 22:59:01.729090   19269 main.go:231] \x1b[7m[5ca8]\x1b[0m no executor: exit status 3\nran go\n" +
			"example.org/x.(*State).Init\n\t/x.go:259\ngoroutine 1 [running]:\nmain.main()\n\t/main.go:82\n",
			"; its last words are: [5ca8] no executor: exit status 3\nran go"},
		{"panic", "before\npanic: nil map\n\ngoroutine 7 [running]:\nmain.main()\n\t/main.go:82\n", "; its last words are: nil map"},
	} {
		var passed strings.Builder
		s, err := listen(&passed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(s.w, c.said); err != nil {
			t.Fatal(err)
		}
		s.w.Close()
		if got := s.last(); got != c.want {
			t.Errorf("%s: last words of %q = %q, want %q", c.name, c.said, got, c.want)
		}
		if passed.String() != c.said {
			t.Errorf("%s: passed on %q, want %q", c.name, passed.String(), c.said)
		}
	}
}
