package measure

import (
	"encoding/binary"
	"runtime"
)

// Nothing is a program for this machine that ends at once, with status 0: a
// static executable of a few instructions. What it takes is what any process
// takes. It is nil on processors we have no such program for.
var Nothing = nothing(runtime.GOARCH)

func nothing(arch string) []byte {
	var machine uint16 // as in ELF
	var code []byte
	switch arch {
	case "amd64":
		machine = 62
		code = []byte{
			0x31, 0xff, // xor edi, edi
			0xb8, 60, 0, 0, 0, // mov eax, SYS_exit
			0x0f, 0x05, // syscall
		}
	case "arm64":
		machine = 183
		for _, instruction := range []uint32{
			0xd2800000, // mov x0, #0
			0xd2800ba8, // mov x8, #93 (SYS_exit)
			0xd4000001, // svc #0
		} {
			code = binary.LittleEndian.AppendUint32(code, instruction)
		}
	default:
		return nil
	}
	const headers, base = 64 + 56, 0x400000
	size := uint64(headers + len(code))
	le := binary.LittleEndian
	b := append([]byte("\x7fELF"), 2, 1, 1) // 64 bits, little-endian, version 1
	b = append(b, make([]byte, 9)...)       // no particular system
	b = le.AppendUint16(b, 2)               // executable
	b = le.AppendUint16(b, machine)
	b = le.AppendUint32(b, 1)                        // version 1
	b = le.AppendUint64(b, base+headers)             // entry
	b = le.AppendUint64(b, 64)                       // offset of the program header
	b = le.AppendUint64(b, 0)                        // no sections
	b = le.AppendUint32(b, 0)                        // no flags
	for _, n := range []uint16{64, 56, 1, 0, 0, 0} { // sizes of headers, number of program headers; no sections
		b = le.AppendUint16(b, n)
	}
	b = le.AppendUint32(b, 1)                                         // to be loaded
	b = le.AppendUint32(b, 5)                                         // readable, executable
	for _, n := range []uint64{0, base, base, size, size, 64 << 10} { // offset, addresses, sizes, alignment
		b = le.AppendUint64(b, n)
	}
	return append(b, code...)
}
