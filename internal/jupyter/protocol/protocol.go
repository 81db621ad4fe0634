// Package protocol speaks the Jupyter messaging protocol, 5.3, over ZeroMQ:
// connection files, signed messages, and a client for a running kernel.
//
// It starts no kernel, knows no notebook, and asks nobody for input: what a
// kernel sends is handed to the caller, in order, and bounded.
package protocol

// Version is the version of the messaging protocol that is spoken.
const Version = "5.3"

// maxMessage bounds one message, all its frames together.
const maxMessage = 256 << 20
