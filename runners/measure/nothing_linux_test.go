package measure

import (
	"bytes"
	"debug/elf"
	"testing"
)

// What is nothing for a processor is an executable of it.
func TestNothingOfProcessors(t *testing.T) {
	for arch, want := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		b := nothing(arch)
		f, err := elf.NewFile(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("%s: %v", arch, err)
		}
		if f.Machine != want || f.Type != elf.ET_EXEC || len(f.Progs) != 1 || f.Progs[0].Filesz != uint64(len(b)) || f.Entry != f.Progs[0].Vaddr+120 {
			t.Errorf("%s: %v with %v, want an executable of %v that begins behind its headers", arch, f.FileHeader, f.Progs[0].ProgHeader, want)
		}
	}
	if nothing("pdp11") != nil {
		t.Error("there is a program for a processor that we know nothing of")
	}
}
