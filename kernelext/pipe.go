package kernelext

import (
	"encoding/binary"
	"math"
	"math/bits"
	"os"
	"slices"
	"sync"

	"github.com/assay-notebooks/assay/kernelext/wire"
)

// A pipe is how a cell shows things: it writes to the named pipe of GoNB, from
// which its kernel reads DisplayData values in the encoding of encoding/gob.
//
// It writes that encoding itself, of one type and under type numbers that
// encoding/gob does not reach. So a cell may use GoNB's own gonbui as well: two
// encoders of package gob in one program define the same numbers twice, and
// GoNB silently reads nothing more.
type pipe struct {
	file    *os.File
	mu      sync.Mutex // of what follows, and of writing
	defined int64      // the highest type number in use
	shown   bool       // something, since it was last flushed
}

// The numbers of gob's own types, and those of ours.
const (
	gobString    = 6
	gobInterface = 8

	firstType   = 1 << 20
	displayType = firstType     // struct{Data, Metadata map[string]any; DisplayID string}
	mapType     = firstType + 1 // map[string]any
	sliceType   = firstType + 2 // []any
)

// openPipe opens the pipe of the cell that this program is; nil if it is none.
func openPipe() (*pipe, error) {
	path := os.Getenv("GONB_PIPE")
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	p := &pipe{file: f, defined: sliceType}
	return p, p.write(definitions())
}

// show shows d.
func (p *pipe) show(d wire.Display) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown = true
	return p.write(encodeDisplay(d))
}

func (p *pipe) write(b []byte) error {
	_, err := p.file.Write(b)
	return err
}

// definitions returns the messages that define our types.
func definitions() []byte {
	display := gob{}
	display.field(3) // wireType.StructT
	display.field(1).commonType("DisplayData", displayType)
	display.field(1).uint(3)
	for _, f := range []struct {
		name string
		id   int64
	}{{"Data", mapType}, {"Metadata", mapType}, {"DisplayID", gobString}} {
		display.field(1).string(f.name)
		display.field(1).int(f.id)
		display.end()
	}
	display.end() // of structType
	display.end() // of wireType

	m := gob{}
	m.field(4) // wireType.MapT
	m.field(1).commonType("", mapType)
	m.field(1).int(gobString)
	m.field(1).int(gobInterface)
	m.end()
	m.end()

	return slices.Concat(message(-displayType, display), message(-mapType, m), message(-sliceType, sliceOf(sliceType)))
}

// sliceOf returns the definition of a type []any.
func sliceOf(id int64) gob {
	var g gob
	g.field(2) // wireType.SliceT
	g.field(1).commonType("", id)
	g.field(1).int(gobInterface)
	g.end()
	g.end()
	return g
}

// nothing returns a message that a decoder reads past: the definition of a
// type that no value has.
func (p *pipe) nothing() []byte {
	p.defined++
	return message(-p.defined, sliceOf(p.defined))
}

func encodeDisplay(d wire.Display) []byte {
	data := map[string]any{}
	for mime, text := range d.Data {
		data[mime] = text
	}
	var g gob
	last := 0
	for i, m := range []map[string]any{data, d.Metadata} {
		if len(m) > 0 { // gob leaves out what is zero
			g.field(i + 1 - last).anyMap(m)
			last = i + 1
		}
	}
	if d.ID != "" {
		g.field(3 - last).string(d.ID)
	}
	g.end()
	return message(displayType, g)
}

// message returns body as a message of the type of that number, which is
// negative for its definition.
func message(id int64, body gob) []byte {
	var number, length gob
	number.int(id)
	length.uint(uint64(len(number) + len(body)))
	return slices.Concat(length, number, body)
}

// A gob is a value in the encoding of encoding/gob, as it grows.
type gob []byte

// field begins the field that is so many after the last one.
func (g *gob) field(delta int) *gob { return g.uint(uint64(delta)) }

// end ends a struct.
func (g *gob) end() { *g = append(*g, 0) }

func (g *gob) uint(v uint64) *gob {
	if v < 128 {
		*g = append(*g, byte(v))
		return g
	}
	n := (bits.Len64(v) + 7) / 8
	*g = append(*g, byte(-n))
	*g = append(*g, binary.BigEndian.AppendUint64(nil, v)[8-n:]...)
	return g
}

func (g *gob) int(v int64) {
	u := uint64(v) << 1
	if v < 0 {
		u = ^u
	}
	g.uint(u)
}

func (g *gob) string(s string) {
	g.uint(uint64(len(s)))
	*g = append(*g, s...)
}

// commonType writes the name and the number of a type.
func (g *gob) commonType(name string, id int64) {
	if name != "" {
		g.field(1).string(name)
		g.field(1).int(id)
	} else {
		g.field(2).int(id)
	}
	g.end()
}

func (g *gob) anyMap(m map[string]any) {
	g.uint(uint64(len(m)))
	for k, v := range m {
		g.string(k)
		g.any(v)
	}
}

// any writes an interface value: the name of its type, the number, and its
// bytes. It knows the types that JSON is decoded into.
func (g *gob) any(v any) {
	var name string
	var id int64
	var value gob
	value.end() // not a struct
	switch v := v.(type) {
	case bool:
		name, id = "bool", 1
		value.uint(map[bool]uint64{true: 1}[v])
	case float64:
		name, id = "float64", 4
		value.uint(bits.ReverseBytes64(math.Float64bits(v)))
	case string:
		name, id = "string", gobString
		value.string(v)
	case map[string]any:
		name, id = "map[string]interface {}", mapType
		value.anyMap(v)
	case []any:
		name, id = "[]interface {}", sliceType
		value.uint(uint64(len(v)))
		for _, e := range v {
			value.any(e)
		}
	default: // nil
		g.uint(0)
		return
	}
	g.string(name)
	g.int(id)
	g.uint(uint64(len(value)))
	*g = append(*g, value...)
}
