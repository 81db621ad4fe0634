package measure

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/assay-notebooks/assay"
)

// What agent and launcher say to each other over their socket. It is not a
// format that is kept: both are the same binary.

// launchFD is the launcher's end of the socket.
const launchFD = 3

// Kinds of requests.
const (
	requestRun   = 1 // with the three standard descriptors, and a body
	requestWatch = 2 // as requestRun, but announce the process when it is started
	requestKill  = 3 // the process group of the running command
)

// A requestHeader goes before every request.
type requestHeader struct {
	Kind uint32
	Argc uint32 // of the strings in the body, so many are argv, the others the environment
	Size uint32 // of the body: strings, each ended by a zero byte
}

const requestHeaderSize = 12

func (h requestHeader) bytes() []byte {
	b := binary.LittleEndian.AppendUint32(nil, h.Kind)
	b = binary.LittleEndian.AppendUint32(b, h.Argc)
	return binary.LittleEndian.AppendUint32(b, h.Size)
}

func parseRequestHeader(b []byte) requestHeader {
	return requestHeader{
		Kind: binary.LittleEndian.Uint32(b),
		Argc: binary.LittleEndian.Uint32(b[4:]),
		Size: binary.LittleEndian.Uint32(b[8:]),
	}
}

// encodeRun returns the request that runs c, except for its descriptors.
func encodeRun(kind uint32, c assay.Command) (header, body []byte, err error) {
	for _, list := range [][]string{c.Argv, c.Env} {
		for _, s := range list {
			if bytes.IndexByte([]byte(s), 0) >= 0 {
				return nil, nil, errors.New("zero byte in an argument or the environment")
			}
			body = append(append(body, s...), 0)
		}
	}
	if len(c.Argv) == 0 {
		return nil, nil, errors.New("no program: argv is empty")
	}
	return requestHeader{Kind: kind, Argc: uint32(len(c.Argv)), Size: uint32(len(body))}.bytes(), body, nil
}

func decodeRun(h requestHeader, body []byte) (argv, env []string) {
	for rest := body; len(rest) > 0; {
		s, after, _ := bytes.Cut(rest, []byte{0})
		if rest = after; uint32(len(argv)) < h.Argc {
			argv = append(argv, string(s))
		} else {
			env = append(env, string(s))
		}
	}
	return argv, env
}

// A reply says that a command was started, or how it ended.
type reply struct {
	Ended  int64 // 0: only started
	PID    int64
	Errno  int64 // why it could not be started; 0 if it was
	Start  int64 // ns, CLOCK_MONOTONIC
	End    int64
	CPU    int64 // ns
	MaxRSS int64 // bytes
	Exit   int64 // -1 if it died by a signal
	Signal int64
	Floor  int64 // bytes
}

const replySize = 10 * 8

func (r *reply) fields() [10]*int64 {
	return [10]*int64{&r.Ended, &r.PID, &r.Errno, &r.Start, &r.End, &r.CPU, &r.MaxRSS, &r.Exit, &r.Signal, &r.Floor}
}

func (r *reply) bytes() []byte {
	b := make([]byte, 0, replySize)
	for _, f := range r.fields() {
		b = binary.LittleEndian.AppendUint64(b, uint64(*f))
	}
	return b
}

func parseReply(b []byte) (r reply) {
	for i, f := range r.fields() {
		*f = int64(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return r
}
