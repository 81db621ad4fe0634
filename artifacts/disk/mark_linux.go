package disk

import (
	"syscall"
	"time"
)

// changed returns the time of the last change of a file's inode.
func changed(s *syscall.Stat_t) time.Time { return time.Unix(s.Ctim.Unix()) }
