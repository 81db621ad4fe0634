package failure

import (
	"errors"
	"testing"
)

func TestUsagef(t *testing.T) {
	cause := errors.New("cause")
	err := Usagef("no %s: %w", "luck", cause)
	if err.Error() != "no luck: cause" || !errors.Is(err, ErrUsage) || !errors.Is(err, cause) {
		t.Errorf("Usagef = %v; want the message alone, matching ErrUsage and its cause", err)
	}
}
