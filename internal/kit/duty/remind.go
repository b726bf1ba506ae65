package duty

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"sort"
	"strings"
	"time"

	"belisha/internal/kit/actor"
	"belisha/internal/kit/notice"
	"belisha/internal/kit/store"
	"belisha/internal/kit/tasks"
	"belisha/internal/kit/words"
)

// Tasks remind by mail, in the morning, of what is due.
func (b *Book) Tasks() []tasks.Task {
	if b.Notices == nil {
		return nil
	}
	return []tasks.Task{{Name: "duty.remind", At: "07:30", Limit: time.Minute, Run: b.remind}}
}

// reminder is what one post or person is reminded of.
type reminder struct {
	post, person string
	keys         []string
}

// remind tells whoever owes something that is due, and those to whom it was
// raised. The same tasks are told once: the key is what they are.
func (b *Book) remind(ctx context.Context) error {
	ctx = actor.With(ctx, actor.Belisha("tasks"))
	all, _, err := b.All(ctx) // what a source failed to tell is on the page of tasks
	if err != nil {
		return err
	}
	who := reminders(all, b.Clock.Now().Add(24*time.Hour))
	if len(who) == 0 {
		return nil
	}
	return b.DB.Write(ctx, func(tx *store.Tx) error {
		for _, r := range who {
			if err := b.Notices.Send(ctx, tx, r.notice()); err != nil {
				return err
			}
		}
		return nil
	})
}

// reminders are who is told of what is due by a moment.
func reminders(all []Duty, by time.Time) map[string]*reminder {
	who := map[string]*reminder{}
	add := func(r reminder, key string) {
		id := r.post + "\n" + r.person
		if who[id] == nil {
			who[id] = &r
		}
		who[id].keys = append(who[id].keys, key)
	}
	for _, d := range all {
		if d.Due.IsZero() || d.Due.After(by) {
			continue
		}
		if d.State == Given {
			add(reminder{person: d.GivenTo}, d.Key)
		} else {
			add(reminder{post: d.Owner}, d.Key)
		}
		for _, p := range d.Raised {
			add(reminder{post: p}, d.Key+" late")
		}
	}
	return who
}

func (r reminder) notice() notice.Notice {
	sort.Strings(r.keys)
	h := sha256.Sum256([]byte(strings.Join(r.keys, "\n")))
	n := notice.Notice{
		Key: "tasks/" + hex.EncodeToString(h[:16]), Link: "/tasks", Risk: 1,
		What: words.Count(len(r.keys), "task is due", "tasks are due"),
	}
	if r.post != "" {
		n.Posts = []string{r.post}
	} else {
		n.To = []string{r.person}
	}
	return n
}
