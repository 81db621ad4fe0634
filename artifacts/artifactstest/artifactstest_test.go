package artifactstest_test

import (
	"testing"

	"github.com/assay-notebooks/assay/artifacts"
	"github.com/assay-notebooks/assay/artifacts/artifactstest"
)

type memory struct{ artifactstest.Memory }

func (m *memory) Open(f *artifactstest.Faults) (artifacts.Backend, error) {
	return artifactstest.Faulty(&m.Memory, f), nil
}

func TestMemory(t *testing.T) {
	artifactstest.Run(t, func(*testing.T) artifactstest.Storage { return new(memory) })
}
