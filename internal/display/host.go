package display

import (
	"fmt"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/kernelext/wire"
)

// Runtimes shows what this host has of the runtimes assay knows. Its facts are
// which those are: what a host has is of that host.
func Runtimes(versions []assay.RuntimeVersion) wire.Display {
	t := tableView{Head: []string{"runtime", "version", "binary", "where it is from"}}
	var names []any
	absent := 0
	for _, v := range versions {
		names = append(names, v.Name)
		if v.Absent != "" {
			absent++
			t.Rows = append(t.Rows, []string{"– " + clean(v.Name), "absent", "", clean(v.Absent)})
			continue
		}
		t.Rows = append(t.Rows, []string{"✓ " + clean(v.Name), clean(v.Version), short(v.Digest), clean(v.Origin)})
	}
	t.Title = fmt.Sprintf("%d of %d runtimes are here", len(versions)-absent, len(versions))
	return bundle(KindRuntimes, t, t.text(), map[string]any{"names": names})
}

// Hosts shows the hosts that experiments can run on, without what is of the
// moment.
func Hosts(hosts []assay.Host) wire.Display {
	t := tableView{Title: counted(len(hosts), "host"), Head: []string{"host", "system", "processor", "cores", "memory", "governor", "virtual"}}
	var names []any
	for _, h := range hosts {
		names = append(names, h.Name)
		virtual := h.Virtual
		if virtual == "" {
			virtual = "not seen to be"
		}
		gov := h.Governor
		if gov == "" {
			gov = "not told"
		}
		t.Rows = append(t.Rows, []string{clean(h.Name), clean(joined(h.OS+"/"+h.Arch, h.Kernel)), clean(h.CPU), fmt.Sprint(h.Cores), memory(h.Memory), clean(gov), clean(virtual)})
	}
	return bundle(KindHosts, t, t.text(), map[string]any{"names": names})
}

// Status shows the runs that are not archived yet.
func Status(live []wire.Live) wire.Display {
	t := tableView{Title: "no run is in progress", Head: []string{"run", "experiment", "state", "done", "next"}}
	if len(live) > 0 {
		t.Title = counted(len(live), "run") + " not archived yet"
	}
	for _, l := range live {
		next := "assay attach " + l.Run.ID
		if l.Run.State != assay.Running {
			next = "run its cell again, or: assay resume " + l.Run.ID
		}
		t.Rows = append(t.Rows, []string{clean(l.Run.ID), clean(l.Run.Name), clean(string(l.Run.State)),
			fmt.Sprintf("%d of %d (%s)", l.Done, l.Total, percent(l.Done, l.Total)), clean(next)})
	}
	return bundle(KindStatus, t, t.text(), nil)
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
