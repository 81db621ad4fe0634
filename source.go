package assay

import "embed"

// Source holds the Go files of the packages that a cell or a sealed figure
// imports: this one, kernelext, and those below kernelext, tests included. It
// is here because Go embeds only what lies below; internal/seal/source lays it
// out. A program that does not use it does not carry it.
//
//go:embed *.go kernelext/*.go kernelext/*/*.go
var Source embed.FS
