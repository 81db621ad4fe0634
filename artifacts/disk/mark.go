package disk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"
)

// unsettled is how long a directory must be unchanged for its time to tell it
// from a later state: longer than the steps of any file system's clock.
const unsettled = 3 * time.Second

// Mark implements artifacts.Marker. A directory changes when a file in it is
// made, removed or replaced, and who copies a directory cannot set the time of
// that.
func (b *Backend) Mark(_ context.Context, prefix string) (string, error) {
	info, err := b.files.Lstat(b.path(prefix))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", b.explain(err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || time.Since(changed(stat)) < b.unsettled {
		return "", nil
	}
	return fmt.Sprintf("%d %d %d", stat.Dev, stat.Ino, changed(stat).UnixNano()), nil
}
