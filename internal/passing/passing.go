// Package passing tells answers of a server that may be others when the same is
// asked again. It does not ask.
package passing

import (
	"net/http"
	"slices"
)

var statuses = []int{
	http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
	http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
}

// Status reports whether an HTTP status is of a trouble that may pass.
func Status(code int) bool { return slices.Contains(statuses, code) }
