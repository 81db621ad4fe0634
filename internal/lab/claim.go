package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"github.com/assay-notebooks/assay"
	"github.com/assay-notebooks/assay/artifacts/oci"
	"github.com/assay-notebooks/assay/artifacts/trace"
	"github.com/assay-notebooks/assay/internal/canonical"
	"github.com/assay-notebooks/assay/internal/claims"
	"github.com/assay-notebooks/assay/internal/durable"
	"github.com/assay-notebooks/assay/internal/failure"
	"github.com/assay-notebooks/assay/internal/mutex"
	"github.com/assay-notebooks/assay/internal/pins"
	"github.com/assay-notebooks/assay/internal/plainfile"
	"github.com/assay-notebooks/assay/internal/settings"
)

// ClaimsFile is the name of a workspace's claims.
const ClaimsFile = "claims.yaml"

// claimType is the type of a judgement's OCI artifact and of its layer.
const claimType = "application/vnd.assay.claim.v1+json"

// A Judged is a judgement and, if it is archived, what has it.
type Judged struct {
	assay.Judgement
	Manifest assay.Digest `json:"manifest,omitzero"` // of the judgement; zero: it is not archived
	Needs    string       `json:"needs,omitempty"`   // what it would take, of an unsupported claim
}

const maxClaims = 64 << 20 // bytes of a claims file

// Claims reads the claims that assay comes with and those of the workspace, which
// stand above them, and reports every mistake in these.
func (w *Workspace) Claims() (claims.Book, error) {
	ledger, err := claims.Ledger()
	if err != nil {
		return ledger, err
	}
	b, err := plainfile.Read(w.claimsPath(), maxClaims)
	if errors.Is(err, fs.ErrNotExist) {
		return ledger, nil
	}
	if err != nil {
		return ledger, fmt.Errorf("claims: %w", err)
	}
	own, err := claims.Parse(b, ledger)
	if err != nil {
		return ledger, failure.Usagef("%s: %w; docs/claims.md shows the file", w.claimsPath(), err)
	}
	return ledger.With(own), nil
}

func (w *Workspace) claimsPath() string { return filepath.Join(w.Root, ClaimsFile) }

// AddClaims appends claims and our policy for them, YAML or JSON, to the
// workspace's file, which keeps its comments, and returns the claims. Notes are
// what their writer may not have meant. A text that is one claim alone will do,
// too. Nothing is written that is not valid.
func (w *Workspace) AddClaims(ctx context.Context, text []byte) (added []assay.Claim, notes []string, err error) {
	ledger, err := claims.Ledger()
	if err != nil {
		return nil, nil, err
	}
	release, err := mutex.Exclude(ctx, w.path("claims.mutex"))
	if err != nil {
		return nil, nil, fmt.Errorf("claims: %w", err)
	}
	defer release()
	file, err := plainfile.Read(w.claimsPath(), maxClaims)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("claims: %w", err)
	}
	own, err := claims.Parse(file, ledger)
	if err != nil {
		return nil, nil, failure.Usagef("%s: %w", w.claimsPath(), err)
	}
	more, err := claims.ParseOneOrMany(text, ledger.With(own))
	if err != nil {
		return nil, nil, failure.Usagef("claims: %w; docs/claims.md shows how to write them", err)
	}
	if file, err = claims.Add(file, more, ledger); err != nil {
		return nil, nil, failure.Usagef("%s: %w", w.claimsPath(), err)
	}
	if err := durable.Write(w.claimsPath(), file); err != nil {
		return nil, nil, fmt.Errorf("claims: %w", err)
	}
	for _, c := range more.Claims {
		if _, ok := ledger.Find(c.ID); ok {
			notes = append(notes, fmt.Sprintf("claim %s stands above that of the ledger that assay comes with", c.ID))
		}
		if c.Unit != "" && !claims.CanCheck(c.Unit) {
			notes = append(notes, fmt.Sprintf("claim %s: no check can have the unit %q (docs/claims.md)", c.ID, c.Unit))
		}
	}
	return more.Claims, notes, nil
}

// JudgeClaim judges the claim of that ID by the run or import that ref names; by
// check, or for nil by the checks that the claim has. A claim that is nowhere
// written is one with an ID and nothing else. The judgement is archived, unless
// the lock is to be kept as it is.
func (w *Workspace) JudgeClaim(ctx context.Context, id string, check *assay.Check, ref string) (Judged, error) {
	if id == "" {
		return Judged{}, failure.Usagef("a claim needs an id: that of a claim in %s, or any with a check in place (docs/claims.md)", w.claimsPath())
	}
	book, err := w.Claims()
	if err != nil {
		return Judged{}, err
	}
	judge, err := w.judge(ctx, ref)
	if err != nil {
		return Judged{}, err
	}
	checks := book.Checks[id]
	if check != nil {
		checks = claims.Checks{*check}
	}
	j, _, err := judge.claim(ctx, book, id, checks, true)
	return j, err
}

// JudgeClaims judges claims by the runs and imports that refs name, or for none
// by all that assay.lock has: those with the IDs, or for none all, of which those
// that the evidence is not about are unsupported. The judgements that are about
// the evidence are archived, unless the lock is to be kept as it is.
func (w *Workspace) JudgeClaims(ctx context.Context, ids, refs []string) ([]Judged, error) {
	book, err := w.Claims()
	if err != nil {
		return nil, err
	}
	asked := len(ids) > 0 && len(refs) > 0
	for _, id := range ids {
		if _, ok := book.Find(id); !ok {
			return nil, failure.Usagef(`no claim %q: "assay claims ls" lists them, "assay claims add" adds one; each evidence needs an --against of its own`, id)
		}
	}
	if len(refs) == 0 {
		if refs, err = w.allEvidence(); err != nil {
			return nil, err
		}
	}
	if len(ids) == 0 {
		for _, c := range book.Claims {
			ids = append(ids, c.ID)
		}
	}
	var judges []*judge
	for _, ref := range refs {
		j, err := w.judge(ctx, ref)
		if err != nil {
			return nil, err
		}
		judges = append(judges, j)
	}
	var all []Judged
	for _, id := range ids {
		told := false
		for _, judge := range judges {
			j, concerned, err := judge.claim(ctx, book, id, book.Checks[id], asked)
			if err != nil {
				return all, err
			}
			if asked || concerned {
				all, told = append(all, j), true
			}
		}
		if !told {
			claim, _ := book.Find(id)
			all = append(all, untested(claim, book))
		}
	}
	return all, nil
}

// allEvidence lists what claims can be judged by here: every import, and the
// latest run of each name.
func (w *Workspace) allEvidence() ([]string, error) {
	lock, err := w.Lock()
	if err != nil {
		return nil, err
	}
	latest := map[string]string{} // by name: run
	for _, e := range lock.Experiments {
		latest[e.Name] = max(latest[e.Name], e.Run)
	}
	refs := slices.Concat(slices.Sorted(maps.Keys(lock.Imports)), slices.Sorted(maps.Values(latest)))
	if len(refs) == 0 {
		return nil, failure.Usagef("assay.lock has no evidence: import measurements, run an experiment, or name a run with --against")
	}
	return refs, nil
}

// untested is a claim that none of the evidence is about.
func untested(claim assay.Claim, book claims.Book) Judged {
	j := Judged{Judgement: assay.Judgement{Format: assay.JudgementFormat, Claim: claim, Verdict: assay.NotTestable}, Needs: book.Needs[claim.ID]}
	j.Reason = "no check of it"
	if checks := book.Checks[claim.ID]; len(checks) > 0 {
		j.Check, j.Reason = checks[0], "the evidence has nothing of what its checks ask"
	}
	if j.Needs != "" {
		j.Reason += "; it takes " + j.Needs
	}
	return j
}

// A judge judges claims by one run or import.
type judge struct {
	w        *Workspace
	name     string // of the experiment, or imports/NAME
	run      *assay.Run
	imp      *Imported
	manifest assay.Digest
	evidence claims.Evidence
	traces   map[string]*trace.Trace // of the import, by name: those that were opened
}

// judge opens the run or import that ref names.
func (w *Workspace) judge(ctx context.Context, ref string) (*judge, error) {
	run, imp, err := w.evidence(ctx, ref)
	if err != nil {
		return nil, err
	}
	if imp != nil {
		j := &judge{w: w, name: "imports/" + imp.Name, imp: imp, manifest: imp.Manifest, traces: map[string]*trace.Trace{}}
		j.evidence = claims.Evidence{Import: &imp.Import, Open: func(of assay.ImportTrace) (*trace.Trace, error) { return j.open(ctx, of) }}
		return j, nil
	}
	j := &judge{w: w, name: run.Name, run: run}
	if j.manifest, err = w.runManifest(ctx, run.ID); err != nil {
		return nil, err
	}
	if j.evidence.Run, err = w.openTrace(ctx, run.Trace); err != nil {
		return nil, fmt.Errorf("run %s: %w", run.ID, err)
	}
	j.evidence.Noise, err = w.hostNoise(ctx, run.Host)
	return j, err
}

func (j *judge) open(ctx context.Context, of assay.ImportTrace) (*trace.Trace, error) {
	if t, ok := j.traces[of.Name]; ok {
		return t, nil
	}
	t, err := j.w.ImportTrace(ctx, j.imp.Import, of.Name)
	if err == nil {
		j.traces[of.Name] = t
	}
	return t, err
}

// claim judges one claim, and archives the judgement if the evidence is about
// the claim or it is to be kept in any case.
func (j *judge) claim(ctx context.Context, book claims.Book, id string, checks claims.Checks, keep bool) (out Judged, concerned bool, err error) {
	claim, known := book.Find(id)
	if !known {
		claim = assay.Claim{ID: id}
	}
	if len(checks) == 0 {
		if book.Needs[id] == "" {
			if keep {
				return out, false, failure.Usagef("claim %s has no check: write one below checks in %s, or give one in place (docs/claims.md)", id, j.w.claimsPath())
			}
			return out, false, nil
		}
		out = untested(claim, book)
	} else {
		out.Needs = book.Needs[id]
		if out.Judgement, concerned, err = claims.Judge(claim, checks, j.evidence); err != nil {
			return out, false, fmt.Errorf("claim %s: %s: %w", id, j.name, err)
		}
	}
	switch {
	case out.Verdict != assay.NotTestable:
		out.Needs = ""
	case out.Check.Instead != "" && out.Needs != "":
		out.Reason += "; to test the claim takes " + out.Needs
	}
	out.Evidence = j.manifest
	if j.imp != nil {
		out.Import = j.imp.Name
	} else {
		out.Run, out.Trace = j.run.ID, j.run.Trace
	}
	if keep || concerned {
		err = j.archive(ctx, &out)
	}
	return out, concerned, err
}

// archive keeps a judgement as an OCI artifact about its evidence. A workspace
// whose lock is kept gets none.
func (j *judge) archive(ctx context.Context, out *Judged) error {
	w := j.w
	if w.Config.Lock == settings.KeepLock {
		return nil
	}
	record, err := canonical.JSON(out.Judgement)
	if err != nil {
		return err
	}
	subject, err := oci.Describe(ctx, w.Store, j.manifest)
	if err != nil {
		return err
	}
	name := judgementName(out.Claim.ID, j.name)
	a := oci.Artifact{Type: claimType, Subject: &subject, Annotations: map[string]string{
		oci.AnnotationPrefix + "claim": out.Claim.ID, oci.AnnotationPrefix + "verdict": string(out.Verdict),
	}}
	if !out.Noise.IsZero() {
		a.Blobs = map[string]assay.Digest{"noise": out.Noise}
	}
	if err := w.addLayer(ctx, &a, "judgement.json", claimType, record); err != nil {
		return fmt.Errorf("claim %s: %w", out.Claim.ID, err)
	}
	d, err := oci.PutArtifact(ctx, w.Store, a)
	if err != nil {
		return fmt.Errorf("claim %s: %w", out.Claim.ID, err)
	}
	out.Manifest = d.Digest
	if err := w.setRef(ctx, "claims/"+assay.Filename(name), d.Digest); err != nil {
		return fmt.Errorf("claim %s: %w", out.Claim.ID, err)
	}
	lock, err := w.Lock()
	if err != nil {
		return err
	}
	locked := pins.Judgement{Claim: out.Claim.ID, Manifest: d.Digest, Verdict: out.Verdict}
	if lock.Claims[name] == locked {
		return nil
	}
	return w.updateLock(ctx, func(l *pins.Lock) { l.Claims[name] = locked })
}

// judgementName is what the judgement of a claim by an experiment's run, or by
// imports/NAME, is called. Neither a claim nor an experiment has an @ in its name,
// so no two have the same.
func judgementName(claim, evidence string) string { return claim + "@" + evidence }

// archivedJudgement reads a judgement's record. Whoever wrote it may be a
// stranger.
func (w *Workspace) archivedJudgement(ctx context.Context, manifest assay.Digest) (Judged, oci.Artifact, error) {
	j := Judged{Manifest: manifest}
	a, err := oci.ReadArtifact(ctx, w.Store, manifest)
	if err != nil {
		return j, a, lacking(err)
	}
	if a.Type != claimType {
		return j, a, failure.Usagef("%v is no judgement, but of type %s", manifest, a.Type)
	}
	if err := w.readLayer(ctx, a, claimType, &j.Judgement); err != nil {
		return j, a, lacking(err)
	}
	if j.Format != assay.JudgementFormat {
		return j, a, fmt.Errorf("judgement %v: format %q, this assay reads %q", manifest, j.Format, assay.JudgementFormat)
	}
	if err := claims.CheckClaim(j.Claim); err != nil {
		return j, a, fmt.Errorf("judgement %v: %w: %w", manifest, err, oci.ErrInvalid)
	}
	if a.Subject == nil || a.Subject.Digest != j.Evidence {
		return j, a, fmt.Errorf("judgement %v: it is about %v, and not about its subject: %w", manifest, j.Evidence, oci.ErrInvalid)
	}
	return j, a, nil
}

// judgementName is what a judgement is called.
func (w *Workspace) judgementName(ctx context.Context, j Judged) (string, error) {
	evidence, err := w.evidenceName(ctx, j)
	return judgementName(j.Claim.ID, evidence), err
}

// evidenceName is the experiment, or imports/NAME, that a judgement is by.
func (w *Workspace) evidenceName(ctx context.Context, j Judged) (string, error) {
	if j.Import != "" {
		return "imports/" + j.Import, nil
	}
	run, err := w.archivedRun(ctx, j.Evidence)
	return run.Name, err
}

// Judgements reads the judgements that the lock has, in order of their names.
// Those that cannot be read are left out and are the error.
func (w *Workspace) Judgements(ctx context.Context) ([]Judged, error) {
	lock, err := w.Lock()
	if err != nil {
		return nil, err
	}
	var all []Judged
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(lock.Claims)) {
		j, _, err := w.archivedJudgement(ctx, lock.Claims[name].Manifest)
		if err != nil {
			problems = append(problems, fmt.Errorf("claim %s: %w", name, err))
			continue
		}
		all = append(all, j)
	}
	return all, errors.Join(problems...)
}
