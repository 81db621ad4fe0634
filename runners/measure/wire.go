package measure

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/assay-notebooks/assay"
)

// What agent and launcher say to each other over their socket. It is not a
// format that is kept: both are the same binary.

// launchFD is the launcher's end of the socket.
const launchFD = 3

// Kinds of requests.
const (
	requestRun  = 1 // with the descriptors that the command gets, and a body
	requestKill = 2 // the process group of the running command
)

// Flags of requestRun.
const (
	flagWatch  = 1 << iota // announce the process when it is started
	flagMemory             // hold it at its exit and read its memory
)

// A requestHeader goes before every request.
type requestHeader struct {
	Kind   uint32
	Flags  uint32
	Argc   uint32 // strings of argv in the body
	Groups uint32 // strings of directories of control groups in the body
	Size   uint32 // of the body: strings, each ended by a zero byte
}

const requestHeaderSize = 5 * 4

func (h *requestHeader) fields() [5]*uint32 {
	return [5]*uint32{&h.Kind, &h.Flags, &h.Argc, &h.Groups, &h.Size}
}

func (h requestHeader) bytes() []byte {
	var b []byte
	for _, f := range h.fields() {
		b = binary.LittleEndian.AppendUint32(b, *f)
	}
	return b
}

func parseRequestHeader(b []byte) (h requestHeader) {
	for i, f := range h.fields() {
		*f = binary.LittleEndian.Uint32(b[4*i:])
	}
	return h
}

// An order is what is said in the body of requestRun: the strings of command
// and groups, and the processors as a string of their numbers and commas.
type order struct {
	command assay.Command // without Stdin
	cpus    string
	groups  []string
}

// encodeRun returns the request of o with the flags, except for its descriptors.
func encodeRun(flags uint32, o order) (header, body []byte, err error) {
	c := o.command
	for _, list := range [][]string{{c.Dir, o.cpus}, o.groups, c.Argv, c.Env} {
		for _, s := range list {
			if strings.IndexByte(s, 0) >= 0 {
				return nil, nil, errors.New("zero byte in an argument or the environment")
			}
			body = append(append(body, s...), 0)
		}
	}
	if len(c.Argv) == 0 {
		return nil, nil, errors.New("no program: argv is empty")
	}
	h := requestHeader{Kind: requestRun, Flags: flags, Argc: uint32(len(c.Argv)), Groups: uint32(len(o.groups)), Size: uint32(len(body))}
	return h.bytes(), body, nil
}

func decodeRun(h requestHeader, body []byte) (o order) {
	next := func() string {
		s, after, _ := bytes.Cut(body, []byte{0})
		body = after
		return string(s)
	}
	o.command.Dir, o.cpus = next(), next()
	for range h.Groups {
		o.groups = append(o.groups, next())
	}
	for len(body) > 0 {
		if s := next(); uint32(len(o.command.Argv)) < h.Argc {
			o.command.Argv = append(o.command.Argv, s)
		} else {
			o.command.Env = append(o.command.Env, s)
		}
	}
	return o
}

// A reply says that a command was started, or how it ended. The first one says
// that the launcher is ready.
type reply struct {
	Ended    int64 // 0: only started
	PID      int64
	Errno    int64 // why it could not be started; 0 if it was. Of the first reply: why there are no counters
	Start    int64 // ns, CLOCK_MONOTONIC
	End      int64
	User     int64 // ns
	System   int64
	MaxRSS   int64 // bytes
	Minor    int64
	Major    int64
	Waits    int64
	Preempts int64
	Reads    int64 // bytes
	Writes   int64
	Cycles   int64 // unknown if there are no counters
	Instrs   int64
	HeldRSS  int64 // bytes, at its exit; unknown if it was not held there
	HeldPSS  int64
	Exit     int64 // -1 if it died by a signal
	Signal   int64
	Floor    int64 // bytes
}

// unknown is the value of a field that was not measured.
const unknown = -1

const replyFields = 21
const replySize = replyFields * 8

func (r *reply) fields() [replyFields]*int64 {
	return [...]*int64{&r.Ended, &r.PID, &r.Errno, &r.Start, &r.End, &r.User, &r.System, &r.MaxRSS, &r.Minor, &r.Major, &r.Waits,
		&r.Preempts, &r.Reads, &r.Writes, &r.Cycles, &r.Instrs, &r.HeldRSS, &r.HeldPSS, &r.Exit, &r.Signal, &r.Floor}
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
