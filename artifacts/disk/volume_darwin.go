package disk

import "errors"

// Volume implements Files.
func (System) Volume(string) (Volume, error) { return nil, errors.ErrUnsupported }
