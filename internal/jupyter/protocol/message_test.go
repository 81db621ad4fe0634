package protocol

import (
	"bufio"
	"bytes"
	"errors"
	"testing"
)

func TestMessage(t *testing.T) {
	key := []byte("secret")
	request, err := NewMessage("s", "execute_request", map[string]string{"code": "1"})
	if err != nil {
		t.Fatal(err)
	}
	request.Identities = [][]byte{[]byte("me")}
	request.Buffers = [][]byte{{0, 1}}
	frames, err := request.Frames(key)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(frames, key)
	if err != nil {
		t.Fatal(err)
	}
	if got.Header.ID != request.Header.ID || string(got.Content) != `{"code":"1"}` || len(got.Buffers) != 1 || string(got.Identities[0]) != "me" {
		t.Errorf("Parse(Frames) = %+v", got)
	}
	reply, err := got.Reply("k", "execute_reply", struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := reply.Frames(key)
	if err != nil {
		t.Fatal(err)
	}
	if string(answer[0]) != "me" || !bytes.Equal(answer[4], frames[3]) {
		t.Errorf("reply goes to %q with parent %s, want me and %s", answer[0], answer[4], frames[3])
	}

	for i := 3; i < 7; i++ {
		bad := append([][]byte{}, frames...)
		bad[i] = append([]byte(" "), bad[i]...)
		if _, err := Parse(bad, key); !errors.Is(err, ErrSignature) {
			t.Errorf("frame %d changed: %v, want ErrSignature", i, err)
		}
	}
	if _, err := Parse(frames, []byte("other")); !errors.Is(err, ErrSignature) {
		t.Errorf("other key: %v, want ErrSignature", err)
	}
	if _, err := Parse(frames, nil); err != nil {
		t.Errorf("no key: %v", err)
	}
}

// The signature is the one that the protocol's documentation and Python's
// jupyter_client give.
func TestSignature(t *testing.T) {
	// python3 -c 'import hmac; h=hmac.new(b"key",digestmod="sha256"); [h.update(p) for p in (b"{}",b"{}",b"{}",b"{}")]; print(h.hexdigest())'
	want := "ca767b02c5bc061ed184a9a029e7f93a7f2f7ed4e8fe74120fc1212f0b008fa3"
	if got := sign([]byte("key"), []byte("{}"), []byte("{}"), []byte("{}"), []byte("{}")); got != want {
		t.Errorf("sign = %s, want %s", got, want)
	}
}

func FuzzParse(f *testing.F) {
	m, err := NewMessage("s", "status", map[string]string{"execution_state": "idle"})
	if err != nil {
		f.Fatal(err)
	}
	frames, err := m.Frames(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bytes.Join(frames, []byte{0}))
	f.Add([]byte("a\x00<IDS|MSG>\x00\x00{}\x00{\"msg_id\":1}\x00{}\x00{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(bytes.Split(b, []byte{0}), nil)
		if err != nil {
			return
		}
		frames, err := m.Frames([]byte("k"))
		if err != nil {
			t.Fatalf("parsed, but not written: %v", err)
		}
		if _, err := Parse(frames, []byte("k")); err != nil {
			t.Fatalf("written, but not parsed: %v", err)
		}
	})
}

func FuzzReadMessage(f *testing.F) {
	f.Add([]byte{flagMore, 1, 'a', 0, 2, 'b', 'c'})
	f.Add([]byte{flagCommand, 1, 'a', flagLong, 0, 0, 0, 0, 0, 0, 0, 2, 'b', 'c'})
	f.Add([]byte{flagLong, 255, 255, 255, 255, 255, 255, 255, 255})
	f.Add([]byte{flagLong, 0, 0, 0, 0, 15, 255, 255, 255, 'x'})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bufio.NewReader(bytes.NewReader(b))
		total := 0
		for {
			frames, err := readMessage(r)
			if err != nil {
				return
			}
			for _, f := range frames {
				total += len(f)
			}
			if total > len(b) {
				t.Fatalf("%d bytes of frames out of %d bytes", total, len(b))
			}
		}
	})
}
