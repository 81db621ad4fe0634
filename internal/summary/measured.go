package summary

import "github.com/assay-notebooks/assay"

// A measured is the ok samples of one trial without warm-up.
type measured struct {
	cpu, user, system, rss, pss, guest []float64
	groupCPU, groupMemory              []float64
	unit                               string        // of guest
	order                              []assay.Phase // but Process, as they come
	phases                             map[assay.Phase]*measuredPhase
}

// A measuredPhase is the samples of one phase: times in nanoseconds, and their
// invocations.
type measuredPhase struct {
	wall, cpu         []float64
	wallSeqs, cpuSeqs []int64
}

func (m *measured) phase(p assay.Phase) *measuredPhase {
	d := m.phases[p]
	if d == nil {
		d = &measuredPhase{}
		m.phases[p] = d
		if p != assay.Process {
			m.order = append(m.order, p)
		}
	}
	return d
}

// add adds a sample.
func (m *measured) add(x assay.Sample) {
	d := m.phase(x.Span())
	if x.WallNS != nil {
		d.wall, d.wallSeqs = append(d.wall, float64(*x.WallNS)), append(d.wallSeqs, x.Seq)
	}
	if x.CPUNS != nil {
		d.cpu, d.cpuSeqs = append(d.cpu, float64(*x.CPUNS)), append(d.cpuSeqs, x.Seq)
	}
	if x.Guest != nil {
		m.guest, m.unit = append(m.guest, float64(*x.Guest)), x.GuestOf
	}
	if x.Phase != assay.Process {
		return
	}
	for _, v := range []struct {
		to    *[]float64
		from  *int64
		scale float64
	}{{&m.cpu, x.CPUNS, 1e6}, {&m.user, x.UserNS, 1e6}, {&m.system, x.SystemNS, 1e6}, {&m.rss, x.RSSBytes, 1 << 20}, {&m.pss, x.PSSBytes, 1 << 20},
		{&m.groupCPU, x.CgroupNS, 1e6}, {&m.groupMemory, x.CgroupMemory, 1 << 20}} {
		if v.from != nil {
			*v.to = append(*v.to, float64(*v.from)/v.scale)
		}
	}
}
