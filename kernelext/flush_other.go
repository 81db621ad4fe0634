//go:build !linux

package kernelext

import "time"

// flush gives GoNB the time to read what was shown: what is in the pipe when a
// cell ends it may not read any more, and this system does not say how much
// that is.
func (p *pipe) flush() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.shown {
		return nil
	}
	p.shown = false
	time.Sleep(30 * time.Millisecond)
	return nil
}
