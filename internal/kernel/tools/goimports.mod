module github.com/assay-notebooks/assay/goimports

go 1.26.0

require golang.org/x/tools v0.39.1-0.20260109155911-b69ac100ecb7

require (
	golang.org/x/mod v0.30.0 // indirect
	golang.org/x/sync v0.18.0 // indirect
)
