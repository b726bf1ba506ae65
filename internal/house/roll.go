package house

import (
	"context"
	"errors"

	"belisha/internal/kit/register"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// roll resolves the people that registers refer to.
type roll struct{ r *people.Room }

func (p roll) Person(ctx context.Context, id string) (string, bool, error) {
	who, err := p.r.Get(ctx, people.ID(id))
	if errors.Is(err, store.ErrNotFound) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	return who.Name(), true, nil
}

func (p roll) FindPeople(ctx context.Context, words string, limit int) ([]register.PersonChoice, error) {
	found, _, err := p.r.List(ctx, people.Filter{Words: words, Limit: limit})
	if err != nil {
		return nil, err
	}
	out := make([]register.PersonChoice, 0, len(found))
	for _, f := range found {
		out = append(out, register.PersonChoice{ID: string(f.ID), Name: f.Name()})
	}
	return out, nil
}
