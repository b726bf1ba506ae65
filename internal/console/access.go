package console

import (
	"context"
	"errors"
	"fmt"
	"time"

	"belisha/internal/house"
	"belisha/internal/kit/store"
	"belisha/internal/school/people"
)

// accessCmd is the way back in from the machine itself. Whoever may run it has
// the school's key already.
type accessCmd struct {
	Reset   accessResetCmd   `cmd:"" help:"Open the head teacher's account again."`
	Appoint accessAppointCmd `cmd:"" help:"Name the head teacher, where nobody is left who may."`
	Status  accessStatusCmd  `cmd:"" help:"Who must have a second factor, and has none."`
}

type accessResetCmd struct {
	Head bool   `help:"Say that it is the head teacher's account you mean." required:""`
	User string `help:"The username, where several people are head teacher." placeholder:"USERNAME"`
}

// rescued is what reset reports.
type rescued struct {
	Username  string    `json:"username"`
	Temporary string    `json:"temporary_password"`
	Until     time.Time `json:"until"`
	Factor    bool      `json:"second_factor_removed"`
}

func (c *accessResetCmd) run(ctx context.Context, h *house.House, cli *CLI, inv Invocation) error {
	user := c.User
	if user == "" {
		name, err := onlyHead(ctx, h)
		if err != nil {
			return err
		}
		user = name
	}
	res, err := h.Access.RescueHead(ctx, user)
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no account called %q", user)
	}
	if err != nil {
		return plainInvalid(err)
	}
	if cli.JSON {
		return inv.json(rescued{res.Username, res.Temporary, res.Until, res.Factor})
	}
	fmt.Fprintf(inv.Stdout, "The head teacher signs in as %s with %s (good until %s) and chooses a new password.\n",
		res.Username, res.Temporary, res.Until.In(h.Zone()).Format("2 January 2006 15:04"))
	if res.Factor {
		fmt.Fprintln(inv.Stdout, "The second factor is gone; a new one is asked for at the sign-in.")
	}
	_, err = fmt.Fprintln(inv.Stdout, "This is in the journal, and the deputy head and the chair of governors are told.")
	return err
}

// onlyHead is the username of the one head teacher with an account.
func onlyHead(ctx context.Context, h *house.House) (string, error) {
	heads, err := h.People.HoldersAt(ctx, people.Headteacher, h.Clock().Now())
	if err != nil {
		return "", err
	}
	var names []string
	for _, o := range heads {
		a, err := h.Access.AccountOf(ctx, o.Person.ID)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return "", err
		}
		names = append(names, a.Username)
	}
	switch len(names) {
	case 0:
		return "", errors.New("nobody who is head teacher now has an account; name one with `belisha access appoint --head WHO`")
	case 1:
		return names[0], nil
	default:
		return "", fmt.Errorf("several people are head teacher; say which with --user: %s", joinWords(names))
	}
}

type accessAppointCmd struct {
	Head string `help:"Who becomes head teacher: the name, username or number of somebody on the roll." required:"" placeholder:"WHO"`
	End  bool   `help:"End the post of whoever holds it now."`
}

func (c *accessAppointCmd) run(ctx context.Context, h *house.House, cli *CLI, inv Invocation) error {
	p, err := h.People.Find(ctx, c.Head)
	if err != nil {
		return plainInvalid(err)
	}
	temporary, err := h.AppointHead(ctx, p.ID, c.End)
	if err != nil {
		return plainInvalid(err)
	}
	a, err := h.Access.AccountOf(ctx, p.ID)
	if err != nil {
		return err
	}
	if cli.JSON {
		return inv.json(rescued{Username: a.Username, Temporary: temporary, Until: a.TemporaryUntil})
	}
	fmt.Fprintf(inv.Stdout, "%s is head teacher now, and signs in as %s.\n", p.Name(), a.Username)
	if temporary != "" {
		fmt.Fprintf(inv.Stdout, "The account is new; its temporary password is %s.\n", temporary)
	}
	return nil
}

type accessStatusCmd struct{}

func (c *accessStatusCmd) run(ctx context.Context, h *house.House, cli *CLI, inv Invocation) error {
	ok, why := h.Access.SecondFactor(ctx)
	if cli.JSON {
		if err := inv.json(map[string]any{"second_factor": ok, "missing": why}); err != nil {
			return err
		}
		if !ok {
			return notSo("")
		}
		return nil
	}
	if !ok {
		return notSo(why)
	}
	_, err := fmt.Fprintln(inv.Stdout, "Everybody who must have a second factor has one.")
	return err
}
