package importers

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-notebooks/assay"
)

// faasm reads the messages of Faasm's functions, as its planner gives them.
var faasm = Format{Name: "faasm", Title: "Faasm: messages in JSON, alone, in lists, or in the status of a batch", Revision: 1, read: readFaasm}

func readFaasm(ctx context.Context, in *Input, out *Output) error {
	m := newFaasmTrace(out)
	return in.each(ctx, out, "JSON of Faasm: a message with function and executedHost, a list, or a status with messageResults", func(f *file) {
		if head := strings.TrimSpace(f.text[:min(len(f.text), 4<<10)]); !strings.HasPrefix(head, "{") && !strings.HasPrefix(head, "[") {
			return
		}
		if !strings.Contains(f.text, `"function"`) || !strings.Contains(f.text, `"executedHost"`) {
			return
		}
		f.kind = "Faasm messages"
		j := f.json()
		m.read(j)
	})
}

// faasmFields are the columns of whole numbers, true or false and texts, by
// their names in JSON. Protocol Buffers leaves out what is 0, false or empty.
var faasmNumbers = []struct {
	keys       []string
	name, unit string
	role       assay.Role
	meaning    string
}{
	{[]string{"id"}, "id", "", "", "number of the message"},
	{[]string{"appId"}, "app_id", "", "", "number of the batch that it belongs to"},
	{[]string{"appIdx"}, "app_index", "", assay.RoleIteration, "number of the message in its batch, from 0"},
	{[]string{"groupId"}, "group_id", "", "", "number of its group"},
	{[]string{"mpiRank"}, "mpi_rank", "", "", "rank in MPI"},
	{[]string{"mpi_world_size", "mpiWorldSize"}, "mpi_world_size", "", assay.RoleFactor, "processes in MPI; 0 without"},
	{[]string{"returnValue"}, "return_value", "", "", "what the function returned"},
	{[]string{"start_ts", "timestamp", "startTimestamp"}, "start", "ms", assay.RoleStart, "when the message was made, since 1970 UTC"},
	{[]string{"finish_ts", "finish", "finishTimestamp"}, "finish", "ms", assay.RoleEnd, "when the function ended, since 1970 UTC"},
}

var faasmTexts = []struct {
	keys    []string
	name    string
	role    assay.Role
	meaning string
}{
	{[]string{"user"}, "user", assay.RoleFactor, "user of the function"},
	{[]string{"function"}, "function", assay.RoleWorkload, "function"},
	{[]string{"executedHost"}, "executed_host", assay.RoleFactor, "machine that executed it"},
	{[]string{"mainHost", "masterHost"}, "main_host", "", "machine that scheduled it"},
	{[]string{"cmdline"}, "command_line", assay.RoleFactor, "arguments of the function"},
}

// A faasmTrace is the trace of messages.
type faasmTrace struct {
	trace   *Trace
	numbers []column[int64]
	texts   []column[string]

	python      column[bool]
	output      column[int64]
	elapsed     column[int64]
	outcome     column[string]
	ints, notes *textColumns
}

func newFaasmTrace(out *Output) *faasmTrace {
	t := out.trace("messages", "one row a message, which is one call of a function")
	t.calls = true
	m := &faasmTrace{trace: t}
	for _, said := range faasmTexts {
		m.texts = append(m.texts, t.text(known(said.name, "", said.role, said.meaning)))
	}
	for _, said := range faasmNumbers {
		m.numbers = append(m.numbers, t.int(known(said.name, said.unit, said.role, said.meaning)))
	}
	m.python = t.truth(known("python", "", assay.RoleFactor, "a function in Python"))
	m.output = t.int(known("output_bytes", "bytes", assay.RoleSize, "size of the output"))
	m.elapsed = t.int(inferred("elapsed", "ms", assay.RoleLatency, "from the making of the message to the end of the function, without the way of the answer", "finish - start; null where one is not there"))
	m.outcome = t.text(inferred("outcome", "", assay.RoleOutcome, "ok or failed", "ok where the return value is 0; null where there is no finish"))
	m.ints = t.textColumns("graph.", "", "detail that Faasm recorded for the graph of calls: a whole number")
	m.notes = t.textColumns("note.", "", "detail that Faasm recorded for the graph of calls: a text")
	return m
}

// read reads messages, lists of them, and statuses, one behind the other.
func (m *faasmTrace) read(j *jsonText) {
	for {
		switch next := j.next(); next {
		case '{':
			if err := m.element(j); err != nil {
				j.end(err)
				return
			}
		case '[':
			if err := j.array(func() error { return m.element(j) }); err != nil {
				j.end(err)
				return
			}
		default:
			j.end(nil)
			return
		}
	}
}

// element reads a message, or a status of a batch with its messages.
func (m *faasmTrace) element(j *jsonText) error {
	line := j.line()
	var x map[string]json.RawMessage
	raw, why, err := j.element(&x)
	if err != nil {
		return err
	}
	results, status := x["messageResults"]
	if !status {
		if why = firstOf(why, m.add(j.f, line, x)); why != "" {
			j.f.reject(line, raw, why)
		}
		return nil
	}
	var messages []map[string]json.RawMessage
	if err := json.Unmarshal(results, &messages); err != nil {
		j.f.reject(line, raw, "messageResults: "+mistyped(err))
		return nil
	}
	for _, x := range messages {
		if why := m.add(j.f, line, x); why != "" {
			j.f.reject(line, raw, why)
		}
	}
	return nil
}

// add adds the row of a message, or says why it cannot.
func (m *faasmTrace) add(f *file, line int, x map[string]json.RawMessage) string {
	texts := make([]string, len(faasmTexts))
	for i, said := range faasmTexts {
		text, _, why := faasmText(x, said.keys)
		if texts[i] = text; why != "" {
			return why
		}
	}
	if texts[1] == "" {
		return "no function"
	}
	numbers := make([]int64, len(faasmNumbers))
	for i, said := range faasmNumbers {
		text, ok, why := faasmText(x, said.keys)
		if why != "" {
			return why
		}
		var err error
		if ok {
			numbers[i], err = integer(text)
		}
		if err != nil {
			return fmt.Sprintf("%s: %v", said.keys[0], err)
		}
	}
	if start, finish := numbers[len(numbers)-2], numbers[len(numbers)-1]; start > 0 && finish > 0 && finish < start {
		return fmt.Sprintf("it ended %d ms before it began", start-finish)
	}
	var python bool
	var ints map[string]int64
	var notes map[string]string
	var output string
	for _, said := range []struct {
		key string
		to  any
	}{{"python", &python}, {"intExecGraphDetails", &ints}, {"execGraphDetails", &notes}, {"outputData", &output}, {"output_data", &output}} {
		if raw := x[said.key]; raw != nil {
			if err := json.Unmarshal(raw, said.to); err != nil {
				return said.key + ": " + mistyped(err)
			}
		}
	}
	counted := make(map[string]string, len(ints))
	for name, n := range ints {
		counted[name] = strconv.FormatInt(n, 10)
	}
	if why := firstOf(m.ints.check(counted), m.notes.check(notes)); why != "" {
		return why
	}
	m.trace.row(f.path, line)
	for i, c := range m.texts {
		if texts[i] != "" {
			c.set(texts[i])
		}
	}
	last := len(numbers) - 1
	start, finish := numbers[last-1], numbers[last]
	for i, c := range m.numbers[:last-1] {
		c.set(numbers[i])
	}
	m.python.set(python)
	m.output.set(int64(len(output)))
	if start > 0 {
		m.numbers[last-1].set(start)
	}
	if finish > 0 {
		m.numbers[last].set(finish)
		m.outcome.set(goodIf(numbers[last-2] == 0))
	}
	if start > 0 && finish > 0 {
		m.elapsed.set(finish - start)
	}
	m.ints.set(counted)
	m.notes.set(notes)
	return ""
}

// faasmText returns the first of the fields that is there as a text: Protocol
// Buffers writes whole numbers of 64 bits as texts, and those of 32 as numbers.
func faasmText(x map[string]json.RawMessage, keys []string) (text string, ok bool, why string) {
	at := slices.IndexFunc(keys, func(key string) bool { return x[key] != nil && string(x[key]) != "null" })
	if at < 0 {
		return "", false, ""
	}
	raw := x[keys[at]]
	if raw[0] != '"' {
		return string(raw), true, tooLong(keys[at], string(raw))
	}
	if err := json.Unmarshal(raw, &text); err != nil {
		return "", false, keys[at] + ": " + mistyped(err)
	}
	return text, true, tooLong(keys[at], text)
}
