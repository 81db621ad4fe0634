package lab

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"fmt"
	"hash/crc32"
	"slices"
	"time"

	"github.com/assay-notebooks/assay"
)

// A catalogue is what a list says of every archived run, in one file: so a
// list need not read each run's manifest and record. It is a cache. The
// archive is asked whether a reference was set or deleted since, and then only
// what changed is read again; a file that is missing, damaged or of another
// format is made again. Nothing but lists and searches reads it.
//
// It is columns, of equal length and sorted by Runs, since those decode fast.
type catalogue struct {
	Mark        string   // of the references it lists; "": look at them
	Runs        []string // the names of the references, below "runs"
	Noted       []int64  // when each was set, in ns since 1970; 0: it may have been set again in that moment
	Manifests   []byte   // 32 bytes a run, as are
	Experiments []byte
	Traces      []byte
	Started     []int64 // ns since 1970
	Finished    []int64 // the same; 0: never
	Segments    []int
	Names       dictionary[string]
	States      dictionary[assay.RunState]
	Workloads   dictionary[[]string]
	Runtimes    dictionary[[]string]
	Outcomes    dictionary[map[assay.Outcome]int]
}

// A dictionary is a column with few different values.
type dictionary[T any] struct {
	Values []T
	Codes  []uint32          // a row's value is Values[Codes[row]]
	codes  map[string]uint32 // of Values, by what fmt prints of them; nil: not needed yet
}

func (d *dictionary[T]) add(v T) {
	if d.codes == nil {
		d.codes = map[string]uint32{}
		for i, v := range d.Values {
			d.codes[fmt.Sprintf("%#v", v)] = uint32(i)
		}
	}
	key := fmt.Sprintf("%#v", v)
	code, ok := d.codes[key]
	if !ok {
		code = uint32(len(d.Values))
		d.codes[key] = code
		d.Values = append(d.Values, v)
	}
	d.Codes = append(d.Codes, code)
}

func (d *dictionary[T]) at(row int) T { return d.Values[d.Codes[row]] }

// fits reports whether every one of rows has a value.
func (d *dictionary[T]) fits(rows int) bool {
	return len(d.Codes) == rows && !slices.ContainsFunc(d.Codes, func(c uint32) bool { return int(c) >= len(d.Values) })
}

// add appends a run whose reference was set at noted.
func (c *catalogue) add(l Listed, noted int64) {
	c.Runs = append(c.Runs, l.ID)
	c.Noted = append(c.Noted, noted)
	c.Manifests = append(c.Manifests, l.Manifest[:]...)
	c.Experiments = append(c.Experiments, l.Experiment[:]...)
	c.Traces = append(c.Traces, l.Trace[:]...)
	c.Started = append(c.Started, nanoseconds(l.Started))
	c.Finished = append(c.Finished, nanoseconds(l.Finished))
	c.Segments = append(c.Segments, l.Segments)
	c.Names.add(l.Name)
	c.States.add(l.State)
	c.Workloads.add(l.Workloads)
	c.Runtimes.add(l.Runtimes)
	c.Outcomes.add(l.Outcomes)
}

// like returns an empty catalogue with the dictionaries of c: rows of c can be
// copied to it.
func (c *catalogue) like() *catalogue {
	next := new(catalogue)
	next.Names.Values = slices.Clone(c.Names.Values)
	next.States.Values = slices.Clone(c.States.Values)
	next.Workloads.Values = slices.Clone(c.Workloads.Values)
	next.Runtimes.Values = slices.Clone(c.Runtimes.Values)
	next.Outcomes.Values = slices.Clone(c.Outcomes.Values)
	return next
}

// copy appends a row of old, which c is like.
func (c *catalogue) copy(old *catalogue, row int) {
	const size = len(assay.Digest{})
	c.Runs = append(c.Runs, old.Runs[row])
	c.Noted = append(c.Noted, old.Noted[row])
	c.Manifests = append(c.Manifests, old.Manifests[row*size:(row+1)*size]...)
	c.Experiments = append(c.Experiments, old.Experiments[row*size:(row+1)*size]...)
	c.Traces = append(c.Traces, old.Traces[row*size:(row+1)*size]...)
	c.Started = append(c.Started, old.Started[row])
	c.Finished = append(c.Finished, old.Finished[row])
	c.Segments = append(c.Segments, old.Segments[row])
	c.Names.Codes = append(c.Names.Codes, old.Names.Codes[row])
	c.States.Codes = append(c.States.Codes, old.States.Codes[row])
	c.Workloads.Codes = append(c.Workloads.Codes, old.Workloads.Codes[row])
	c.Runtimes.Codes = append(c.Runtimes.Codes, old.Runtimes.Codes[row])
	c.Outcomes.Codes = append(c.Outcomes.Codes, old.Outcomes.Codes[row])
}

// row returns a run. It shares slices and maps with others.
func (c *catalogue) row(i int) Listed {
	return Listed{
		ID: c.Runs[i], Name: c.Names.at(i), State: c.States.at(i),
		Manifest: digestAt(c.Manifests, i), Experiment: digestAt(c.Experiments, i), Trace: digestAt(c.Traces, i),
		Workloads: c.Workloads.at(i), Runtimes: c.Runtimes.at(i),
		Started: moment(c.Started[i]), Finished: moment(c.Finished[i]),
		Segments: c.Segments[i], Outcomes: c.Outcomes.at(i),
	}
}

func digestAt(b []byte, row int) assay.Digest {
	const size = len(assay.Digest{})
	return assay.Digest(b[row*size : (row+1)*size])
}

// nanoseconds and moment keep the zero time.
func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func moment(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// find returns the row of a run.
func (c *catalogue) find(id string) (row int, ok bool) { return slices.BinarySearch(c.Runs, id) }

// whole reports whether the columns are of one length, and the runs in order.
func (c *catalogue) whole() bool {
	n := len(c.Runs)
	for _, b := range [][]byte{c.Manifests, c.Experiments, c.Traces} {
		if len(b) != n*len(assay.Digest{}) {
			return false
		}
	}
	return slices.IsSorted(c.Runs) && len(c.Noted) == n && len(c.Started) == n && len(c.Finished) == n && len(c.Segments) == n &&
		c.Names.fits(n) && c.States.fits(n) && c.Workloads.fits(n) && c.Runtimes.fits(n) && c.Outcomes.fits(n)
}

// catalogueFormat begins the file of a catalogue. Four bytes of CRC32C, big
// endian, follow, and then what it is of: a gob of type catalogue.
const catalogueFormat = "assay.catalogue.v1\n"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (c *catalogue) encode() ([]byte, error) {
	var body bytes.Buffer
	if err := gob.NewEncoder(&body).Encode(c); err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return frameCatalogue(body.Bytes()), nil
}

func frameCatalogue(body []byte) []byte {
	b := binary.BigEndian.AppendUint32([]byte(catalogueFormat), crc32.Checksum(body, castagnoli))
	return append(b, body...)
}

// decodeCatalogue reads what encode wrote; ok is false for anything else.
func decodeCatalogue(b []byte) (c *catalogue, ok bool) {
	body, ok := bytes.CutPrefix(b, []byte(catalogueFormat))
	if !ok || len(body) < 4 || crc32.Checksum(body[4:], castagnoli) != binary.BigEndian.Uint32(body) {
		return nil, false
	}
	c = new(catalogue)
	if err := gob.NewDecoder(bytes.NewReader(body[4:])).Decode(c); err != nil || !c.whole() {
		return nil, false
	}
	return c, true
}
