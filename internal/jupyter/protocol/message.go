package protocol

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// A Header says what a message is, and whose.
type Header struct {
	ID       string `json:"msg_id"`
	Session  string `json:"session"`
	Username string `json:"username"`
	Date     string `json:"date"`
	Type     string `json:"msg_type"`
	Version  string `json:"version"`

	raw json.RawMessage // as it was received: it goes back as the parent of replies
}

// A Message is one message of the protocol.
type Message struct {
	Identities [][]byte // the way back to who asked, in front of the delimiter; on iopub, the topic
	Header     Header
	Parent     Header          // what it answers; zero if nothing
	Metadata   json.RawMessage // an object
	Content    json.RawMessage // an object
	Buffers    [][]byte
}

// NewMessage returns a message of a session that answers nothing.
func NewMessage(session, kind string, content any) (Message, error) {
	b, err := json.Marshal(content)
	if err != nil {
		return Message{}, fmt.Errorf("message %s: %w", kind, err)
	}
	return Message{Content: b, Header: Header{
		ID: rand.Text(), Session: session, Username: "assay", Date: time.Now().UTC().Format(time.RFC3339Nano), Type: kind, Version: Version,
	}}, nil
}

// Reply returns a message that answers m and finds its way back to who sent
// it, from a kernel whose session is given.
func (m Message) Reply(session, kind string, content any) (Message, error) {
	reply, err := NewMessage(session, kind, content)
	reply.Identities, reply.Parent = m.Identities, m.Header
	return reply, err
}

// delimiter stands between the identities and the message.
const delimiter = "<IDS|MSG>"

var (
	// ErrSignature is matched by the error of a message that was not signed
	// with our key.
	ErrSignature = errors.New("wrong signature")
	errFrames    = errors.New("not a Jupyter message")
)

// Frames returns the frames of the message, signed with key. An empty key
// leaves the signature empty.
func (m Message) Frames(key []byte) ([][]byte, error) {
	header, err := json.Marshal(m.Header)
	if err != nil {
		return nil, err
	}
	parent := []byte("{}")
	switch {
	case m.Parent.raw != nil:
		parent = m.Parent.raw
	case m.Parent.ID != "":
		if parent, err = json.Marshal(m.Parent); err != nil {
			return nil, err
		}
	}
	metadata, content := []byte(m.Metadata), []byte(m.Content)
	if metadata == nil {
		metadata = []byte("{}")
	}
	if content == nil {
		content = []byte("{}")
	}
	frames := append([][]byte{}, m.Identities...)
	frames = append(frames, []byte(delimiter), []byte(sign(key, header, parent, metadata, content)), header, parent, metadata, content)
	return append(frames, m.Buffers...), nil
}

// Parse parses the frames of a message and checks its signature by key, unless
// that is empty. The message keeps the frames.
func Parse(frames [][]byte, key []byte) (Message, error) {
	var m Message
	at := 0
	for at < len(frames) && string(frames[at]) != delimiter {
		at++
	}
	if len(frames) < at+6 {
		return m, fmt.Errorf("%w: %d frames, delimiter at %d", errFrames, len(frames), at)
	}
	m.Identities = frames[:at:at]
	signature, signed := frames[at+1], frames[at+2:at+6]
	if len(key) > 0 && !hmac.Equal(signature, []byte(sign(key, signed...))) {
		return m, ErrSignature
	}
	for i, name := range []string{"header", "parent header", "metadata", "content"} {
		if b := bytes.TrimSpace(signed[i]); len(b) == 0 || b[0] != '{' || !json.Valid(b) {
			return m, fmt.Errorf("%w: its %s is not a JSON object", errFrames, name)
		}
	}
	if err := json.Unmarshal(signed[0], &m.Header); err != nil {
		return m, fmt.Errorf("%w: header: %w", errFrames, err)
	}
	if err := json.Unmarshal(signed[1], &m.Parent); err != nil {
		return m, fmt.Errorf("%w: parent header: %w", errFrames, err)
	}
	m.Header.raw, m.Parent.raw = signed[0], signed[1]
	m.Metadata, m.Content, m.Buffers = signed[2], signed[3], frames[at+6:]
	return m, nil
}

func sign(key []byte, parts ...[]byte) string {
	if len(key) == 0 {
		return ""
	}
	mac := hmac.New(sha256.New, key)
	for _, p := range parts {
		mac.Write(p)
	}
	return hex.EncodeToString(mac.Sum(nil))
}
