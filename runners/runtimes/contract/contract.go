// Package contract is what every runners.Runtime must meet when it runs real
// modules: each way to end is told apart.
package contract

import "embed"

//go:embed guests/*.wasm
var guests embed.FS

// Guest returns the module of that name.
func Guest(name string) ([]byte, error) { return guests.ReadFile("guests/" + name + ".wasm") }
