package display

// A tableView is a title and a plain table.
type tableView struct {
	Title string
	Head  []string
	Rows  [][]string
}

func (t tableView) text() string {
	if len(t.Rows) == 0 {
		return t.Title
	}
	rows := [][]string{t.Head}
	for _, row := range t.Rows {
		rows = append(rows, append([]string{}, row...))
	}
	return t.Title + "\n" + columns(rows)
}
