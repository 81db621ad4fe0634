package sandbox

import "encoding/binary"

// Epoch is the instant that the clock of the sandbox stands at, in seconds
// since 1970: 2020-01-01T00:00:00Z. Sleeping, which takes no time, moves it on
// by as much.
const Epoch = 1577836800

// A world is all that a module can observe besides its input. node.mjs has the
// same in JavaScript.
type world struct {
	sleptNS int64  // moves on both clocks
	drawn   uint64 // bytes of randomness so far
}

// walltime returns the time of day.
func (w *world) walltime() (sec int64, nsec int32) {
	return Epoch + w.sleptNS/1e9, int32(w.sleptNS % 1e9)
}

// nanotime returns the monotonic time, which begins at one second: Go does not
// start at zero.
func (w *world) nanotime() int64 { return 1e9 + w.sleptNS }

// sleep moves the clocks on.
func (w *world) sleep(ns int64) { w.sleptNS += max(ns, 0) }

// Read fills p from the one stream of random bytes: SplitMix64 of 1, 2, 3, …,
// each as 8 bytes, little-endian.
func (w *world) Read(p []byte) (int, error) {
	for i := range p {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], splitMix64(w.drawn/8+1))
		p[i] = word[w.drawn%8]
		w.drawn++
	}
	return len(p), nil
}

// splitMix64 is the n-th output of Steele, Lea and Flood's generator of that
// name ("Fast splittable pseudorandom number generators", 2014) with seed 0.
func splitMix64(n uint64) uint64 {
	z := n * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
