package house

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/journal"
	"belisha/internal/kit/store"
	"belisha/internal/school/review"
)

// Health looks at the machine: what the health page shows and `belisha
// doctor` prints.
func (h *House) Health(ctx context.Context) []review.Check {
	out := []review.Check{h.filterHealth(ctx), h.rulesHealth(ctx), h.spoolHealth(), h.memoryHealth(ctx), h.diskHealth(), h.keyHealth(), h.mailHealth(ctx), h.listHealth(ctx)}
	out = append(out, h.namesHealth(ctx)...)
	out = append(out, h.certificateHealth()...)
	out = append(out, h.insideHealth(ctx)...)
	out = append(out, h.pathHealth(ctx)...)
	out = append(out, h.identityHealth(ctx)...)
	return append(out, h.taskHealth(ctx)...)
}

func (h *House) filterHealth(ctx context.Context) review.Check {
	k := review.Check{Name: "Filter", State: control.Kept}
	st, err := h.gate.status(ctx)
	if err != nil {
		k.State = control.Broken
		k.Words = "It does not answer. Browsers behind it reach nothing: it never opens by itself."
		k.Todo = "Belisha starts it again by itself; if this stays, look into gate/gate.log in the data folder."
		if h.gate.child != nil {
			if _, _, last := h.gate.child.State(); last != "" {
				k.Words = last
			}
		}
		return k
	}
	k.Words = fmt.Sprintf("Running since %s; proxy %s, DNS %s.", st.Started.In(h.zone()).Format("2 January 15:04"), st.Proxy, st.DNS)
	return k
}

func (h *House) rulesHealth(ctx context.Context) review.Check {
	k := review.Check{Name: "Current rules", State: control.Kept}
	st, err := h.gate.status(ctx)
	snapshot := h.Filtering.Snapshot()
	if snapshot == nil {
		return review.Check{Name: k.Name, State: control.Unknown, Words: "Nothing was published yet."}
	}
	want := snapshot.Number()
	switch {
	case err != nil:
		k.State, k.Words = control.Unknown, fmt.Sprintf("Number %d is published; what the filter holds is not known.", want)
	case st.RulesNumber != want:
		k.State = control.Broken
		k.Words = fmt.Sprintf("The filter holds number %d, number %d is published.", st.RulesNumber, want)
		k.Todo = "It takes new rules within a second; if this stays, look into gate/gate.log."
	default:
		k.Words = fmt.Sprintf("Number %d, published and held.", want)
	}
	return k
}

func (h *House) spoolHealth() review.Check {
	k := review.Check{Name: "What passed the filter", State: control.Kept}
	moved, trouble := h.gate.pumped()
	if trouble != "" {
		k.State, k.Words = control.Broken, trouble
		k.Todo = "Nothing is lost yet: it waits beside the filter and is taken up when this is mended."
		return k
	}
	k.Words = fmt.Sprintf("%d events taken up since the start.", moved)
	return k
}

func (h *House) memoryHealth(ctx context.Context) review.Check {
	k := review.Check{Name: "Web activity", State: control.Kept}
	s, err := h.memory.Stats(ctx)
	if err != nil {
		k.State, k.Words = control.Broken, err.Error()
		return k
	}
	k.Words = fmt.Sprintf("%d days, %d events, %d MB.", s.Days, s.Events, s.Bytes>>20)
	if len(s.Damaged) > 0 {
		k.State = control.AtRisk
		k.Words += fmt.Sprintf(" %d day files are damaged and were set aside.", len(s.Damaged))
		k.Todo = "Restore those days from a backup; the others work."
	}
	return k
}

// leastFree is how little room on the disk is a trouble.
const leastFree = 2 << 30

func (h *House) diskHealth() review.Check {
	k := review.Check{Name: "Disk", State: control.Kept}
	free, err := freeBytes(h.folder.Dir)
	if err != nil {
		k.State, k.Words = control.Unknown, err.Error()
		return k
	}
	k.Words = fmt.Sprintf("%d GB free where the data folder is.", free>>30)
	if free < leastFree {
		k.State = control.AtRisk
		k.Todo = "Make room before it is full: then nothing more can be kept."
	}
	return k
}

func (h *House) keyHealth() review.Check {
	k := review.Check{Name: "School key", State: control.AtRisk, Words: h.key.Where()}
	if rel, err := filepath.Rel(h.folder.Dir, h.keyFile()); err == nil && filepath.IsLocal(rel) && h.vaultInFile() {
		k.Todo = "It lies in the data folder, so whoever copies the folder has both. No backup holds it. Move it elsewhere ([vault] key-file) and keep its recovery words on paper with the head and the chair."
		return k
	}
	k.State = control.Kept
	return k
}

func (h *House) vaultInFile() bool { return credentialMissing() }

// taskHealth is one line for all tasks that do well, and one for each that
// failed.
func (h *House) taskHealth(ctx context.Context) []review.Check {
	list, err := h.tasks.Health(ctx)
	if err != nil {
		return []review.Check{{Name: "Tasks by the clock", State: control.Unknown, Words: err.Error()}}
	}
	var failed []review.Check
	done, waiting := 0, 0
	for _, t := range list {
		switch {
		case t.Error != "":
			failed = append(failed, review.Check{
				Name: "By the clock: " + t.Name, State: control.Broken, Words: t.Error, Todo: "It is tried again by itself.",
			})
		case t.Kept.IsZero():
			waiting++
		default:
			done++
		}
	}
	k := review.Check{Name: "Tasks by the clock", State: control.Kept, Words: fmt.Sprintf("%d done when they were due.", done)}
	if waiting > 0 {
		k.Words = fmt.Sprintf("%d done when they were due; %d are not due for the first time yet.", done, waiting)
	}
	if done == 0 {
		k.State = control.Unknown
	}
	return append(failed, k)
}

// NoteExport journals that the whole journal was read out.
func (h *House) NoteExport(ctx context.Context) error {
	return h.db.Write(ctx, func(tx *store.Tx) error {
		return h.journal.Write(ctx, tx, journal.Entry{Verb: verbExported, Kind: "journal", ID: "all"})
	})
}

// note journals that the server started or stopped.
func (h *House) note(ctx context.Context, v journal.Verb) error {
	return h.db.Write(ctx, func(tx *store.Tx) error {
		return h.journal.Write(ctx, tx, journal.Entry{Verb: v, Kind: "server", ID: h.folder.Meta.School, After: map[string]string{"version": h.cfg.Version}})
	})
}

// soon is how long a look at the filter may take.
const soon = 2 * time.Second
