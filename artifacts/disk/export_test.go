package disk

import "time"

// Unsettled sets for how long a directory must be unchanged to have a mark.
func (b *Backend) Unsettled(d time.Duration) { b.unsettled = d }
