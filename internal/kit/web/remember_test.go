package web

import (
	"context"
	"errors"
	"testing"
)

func TestARequestAsksOnceForWhatThePageAndTheFrameBothShow(t *testing.T) {
	type key struct{ who string }
	asked := 0
	read := func() (int, error) { asked++; return asked, nil }
	for _, c := range []struct {
		name string
		ctx  context.Context
		want int
	}{
		{"in one request", remembering(context.Background()), 1},
		{"outside a request", context.Background(), 2},
	} {
		asked = 0
		for range 2 {
			if _, err := Once(c.ctx, key{"a"}, read); err != nil {
				t.Fatal(err)
			}
		}
		if asked != c.want {
			t.Errorf("%s it was asked %d times, want %d", c.name, asked, c.want)
		}
	}
	ctx := remembering(context.Background())
	asked = 0
	for _, k := range []string{"a", "b", "a"} {
		if _, err := Once(ctx, key{k}, read); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 2 {
		t.Errorf("for two people it was asked %d times", asked)
	}
	if _, err := Once(ctx, "fails", func() (int, error) { return 0, errors.New("no") }); err == nil {
		t.Error("an error was swallowed")
	}
	if v, err := Once(ctx, "fails", func() (int, error) { return 7, nil }); err != nil || v != 7 {
		t.Errorf("an error was remembered: %d, %v", v, err)
	}
}
