package measure

import (
	"debug/elf"
	"encoding/binary"
	"runtime"
)

// Nothing is a program for this machine that ends at once, with status 0: a
// static executable of a few instructions. What it takes is what any process
// takes. It is nil on processors we have no such program for.
var Nothing = nothing(runtime.GOARCH)

func nothing(arch string) []byte {
	var machine elf.Machine
	var code []byte
	switch arch {
	case "amd64":
		machine = elf.EM_X86_64
		code = []byte{
			0x31, 0xff, // xor edi, edi
			0xb8, 60, 0, 0, 0, // mov eax, SYS_exit
			0x0f, 0x05, // syscall
		}
	case "arm64":
		machine = elf.EM_AARCH64
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
	h := elf.Header64{
		Ident:   [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:    uint16(elf.ET_EXEC),
		Machine: uint16(machine), Version: uint32(elf.EV_CURRENT), Entry: base + headers, Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 1,
	}
	p := elf.Prog64{Type: uint32(elf.PT_LOAD), Flags: uint32(elf.PF_R | elf.PF_X), Vaddr: base, Paddr: base, Filesz: size, Memsz: size, Align: 64 << 10}
	var b []byte
	for _, part := range []any{h, p, code} {
		b, _ = binary.Append(b, binary.LittleEndian, part) // all of fixed size
	}
	return b
}
