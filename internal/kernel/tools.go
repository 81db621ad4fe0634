package kernel

import (
	_ "embed"

	"github.com/assay-notebooks/assay/runners"
)

// The modules that programs are built from. gopls and goimports have one each:
// in a common one goimports' version of x/tools would be chosen for gopls,
// which does not build with it. GoNB is served under its old module path only.
var (
	//go:embed tools/gonb.mod
	gonbMod []byte
	//go:embed tools/gonb.sum
	gonbSum []byte
	//go:embed tools/gopls.mod
	goplsMod []byte
	//go:embed tools/gopls.sum
	goplsSum []byte
	//go:embed tools/goimports.mod
	goimportsMod []byte
	//go:embed tools/goimports.sum
	goimportsSum []byte
	//go:embed tools/goimports.go.txt
	goimportsMain []byte
)

const remedy = "and do it again once with network; it is kept in the cache"

var (
	gonb = runners.Tool{Bin: "gonb", Remedy: remedy, Build: &runners.Build{
		Package: "github.com/janpfeifer/gonb", Version: "v0.11.4", Mod: gonbMod, Sum: gonbSum}}
	goimports = runners.Tool{Bin: "goimports", Remedy: remedy, Build: &runners.Build{
		Package: "github.com/assay-notebooks/assay/goimports", Version: "v0.39.1", Mod: goimportsMod, Sum: goimportsSum,
		Files: map[string][]byte{"main.go": goimportsMain}}}
	gopls = runners.Tool{Bin: "gopls", Remedy: remedy, Build: &runners.Build{
		Package: "golang.org/x/tools/gopls", Version: "v0.21.1", Mod: goplsMod, Sum: goplsSum}}
)
