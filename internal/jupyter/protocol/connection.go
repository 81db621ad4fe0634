package protocol

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// Scheme is the one signature scheme.
const Scheme = "hmac-sha256"

// A Connection says how to reach a kernel: the content of a connection file.
type Connection struct {
	Transport string `json:"transport"` // "tcp" or "ipc"
	IP        string `json:"ip"`        // with ipc, what the sockets' paths begin with
	Shell     int    `json:"shell_port"`
	IOPub     int    `json:"iopub_port"`
	Stdin     int    `json:"stdin_port"`
	Control   int    `json:"control_port"`
	Heartbeat int    `json:"hb_port"`
	Scheme    string `json:"signature_scheme"`
	Key       string `json:"key"` // empty: messages are not signed
	Kernel    string `json:"kernel_name,omitempty"`
}

// socketPath is the longest path of a Unix socket that every system takes.
const socketPath = 103

// NewConnection returns a connection with a key of its own, over Unix sockets
// in dir: nobody can take its ports, and who may not enter dir cannot connect.
// dir must be short; it is the caller's to remove.
func NewConnection(dir, kernel string) (Connection, error) {
	c := Connection{Transport: "ipc", IP: filepath.Join(dir, "k"), Shell: 1, IOPub: 2, Stdin: 3, Control: 4, Heartbeat: 5,
		Scheme: Scheme, Key: rand.Text(), Kernel: kernel}
	if n := len(c.IP) + len("-5"); n > socketPath {
		return Connection{}, fmt.Errorf("connection in %s: a socket's path would have %d bytes, and the system takes %d: give a shorter TMPDIR", dir, n, socketPath)
	}
	return c, nil
}

// maxConnection bounds a connection file.
const maxConnection = 64 << 10

// ReadConnection reads a connection file.
func ReadConnection(path string) (Connection, error) {
	f, err := os.Open(path)
	if err != nil {
		return Connection{}, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxConnection+1))
	if err != nil {
		return Connection{}, err
	}
	c, err := ParseConnection(b)
	if err != nil {
		return c, fmt.Errorf("connection file %s: %w", path, err)
	}
	return c, nil
}

// ParseConnection parses the content of a connection file. Fields it does not
// know are left aside: Jupyter adds some.
func ParseConnection(b []byte) (Connection, error) {
	if len(b) > maxConnection {
		return Connection{}, fmt.Errorf("more than %d bytes", maxConnection)
	}
	var c Connection
	if err := json.Unmarshal(b, &c); err != nil {
		return Connection{}, err
	}
	var errs []error
	if c.Transport != "tcp" && c.Transport != "ipc" {
		errs = append(errs, fmt.Errorf("transport %q: want tcp or ipc", c.Transport))
	}
	if c.IP == "" {
		errs = append(errs, errors.New("no ip"))
	}
	if c.Scheme != Scheme && c.Key != "" {
		errs = append(errs, fmt.Errorf("signature_scheme %q: want %s", c.Scheme, Scheme))
	}
	for name, port := range map[string]int{"shell_port": c.Shell, "iopub_port": c.IOPub, "stdin_port": c.Stdin, "control_port": c.Control, "hb_port": c.Heartbeat} {
		if port < 1 || port > 65535 {
			errs = append(errs, fmt.Errorf("%s is %d", name, port))
		}
	}
	return c, errors.Join(errs...)
}

// Write writes the connection file, for the owner's eyes only.
func (c Connection) Write(path string) error {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o600)
}

// Endpoint names the socket with that port as ZeroMQ does.
func (c Connection) Endpoint(port int) string {
	network, address := c.address(port)
	if network == "unix" {
		return "ipc://" + address
	}
	return "tcp://" + address
}

func (c Connection) address(port int) (network, address string) {
	if c.Transport == "ipc" {
		return "unix", c.IP + "-" + strconv.Itoa(port)
	}
	return "tcp", c.IP + ":" + strconv.Itoa(port)
}
