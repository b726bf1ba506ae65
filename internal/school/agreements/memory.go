package agreements

import (
	"context"
	"maps"

	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// memory is every signature that counts, by person, since the filter asks
// about each person on the web. Only this room writes signatures, and names
// each person whose have changed.
type memory struct {
	marks map[people.ID][]mark // nil: not read yet; a list is replaced, never changed
	stale map[people.ID]bool   // read these anew
}

// changes says in a transaction that a person's signatures change with it.
func (r *Room) changes(tx *store.Tx, person people.ID) {
	tx.AfterCommit(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.turn++ // what is being read just now may lack this
		if r.memory.marks != nil && person != "" {
			r.memory.stale[person] = true
		}
	})
}

// marksFor are one person's signatures that count.
func (r *Room) marksFor(ctx context.Context, person people.ID) ([]mark, error) {
	r.mu.Lock()
	read, fresh, have, turn := r.memory.marks != nil, !r.memory.stale[person], r.memory.marks[person], r.turn
	r.mu.Unlock()
	switch {
	case !read:
		all, err := r.readMarks(ctx)
		return all[person], err
	case fresh:
		return have, nil
	}
	list, err := signaturesOf(ctx, r.DB, person)
	if err != nil {
		return nil, err
	}
	have = marksOf(list)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.turn == turn {
		r.memory.marks[person] = have
		delete(r.memory.stale, person)
	}
	return have, nil
}

// readMarks reads all signatures that count, and remembers them.
func (r *Room) readMarks(ctx context.Context) (map[people.ID][]mark, error) {
	r.mu.Lock()
	turn := r.turn
	r.mu.Unlock()
	all := map[people.ID][]mark{}
	if err := eachMark(ctx, r.DB, func(m mark) { all[m.person] = append(all[m.person], m) }); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.turn == turn {
		r.memory = memory{marks: maps.Clone(all), stale: map[people.ID]bool{}}
	}
	return all, nil
}

// allMarks are everybody's signatures that count.
func (r *Room) allMarks(ctx context.Context) (map[people.ID][]mark, error) {
	r.mu.Lock()
	if r.memory.marks != nil && len(r.memory.stale) == 0 {
		defer r.mu.Unlock()
		return maps.Clone(r.memory.marks), nil
	}
	r.mu.Unlock()
	return r.readMarks(ctx)
}
