package house

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"belisha/internal/kit/control"
	"belisha/internal/kit/notice"
	"belisha/internal/school/people"
	"belisha/internal/school/review"
)

// openNotices opens the outbox that every room tells people through.
func (h *House) openNotices() (err error) {
	h.Notices, err = notice.New(notice.Deps{
		DB: h.db, Journal: h.journal, Clock: h.cfg.Clock, Log: h.log, People: readers{postHolders{h.People}},
		Hours: func(ctx context.Context) notice.Hours { return h.hours(ctx) }, Letter: h.letterhead, Mailer: h.mailer(),
		Required: []string{string(people.Headteacher), string(people.SafeguardingLead), string(people.DeputySafeguardingLead)},
		Watch:    []string{string(people.SafeguardingLead), string(people.DeputySafeguardingLead), string(people.Headteacher)},
		Wake: func(ctx context.Context) {
			if h.tasks == nil {
				return
			}
			if err := h.tasks.Ask(ctx, notice.Deliverer); err != nil {
				h.log.Warn("an urgent mail waits for the next turn", "err", err)
			}
		},
	})
	return err
}

// mailer is the school's mail server, or none. The invented people of the
// demonstration are mailed nothing.
func (h *House) mailer() notice.Mailer {
	if h.cfg.File.Mail.SMTP == "" || h.cfg.Demo {
		return nil
	}
	return h.cfg.File.Mail.server()
}

// server is [mail] as the outbox takes it.
func (m MailFile) server() notice.Server {
	return notice.Server{Address: m.SMTP, TLS: m.StartTLS, From: m.From, User: m.User, PasswordFile: m.PasswordFile}
}

// letterhead is what every mail says of the school. The pages' address stands
// in it only where one is named that is not this machine's own.
func (h *House) letterhead(ctx context.Context) notice.Letterhead {
	var l notice.Letterhead
	if h.Setup != nil {
		if s, err := h.Setup.School(ctx); err == nil {
			l.School = s.Name
		}
	}
	if len(h.cfg.File.Pages.Names) == 0 {
		return l
	}
	host, scheme := h.cfg.File.Pages.Names[0], "https"
	if _, port, err := net.SplitHostPort(h.cfg.Listen.Pages); err == nil && port != "443" && port != "0" && port != "" {
		host = net.JoinHostPort(host, port)
	}
	l.Base = (&url.URL{Scheme: scheme, Host: host}).String()
	return l
}

// readers says who may be mailed.
type readers struct{ postHolders }

// Reader returns somebody who is at the school now.
func (p readers) Reader(ctx context.Context, person string) (notice.Reader, error) {
	who, err := p.r.Present(ctx, people.ID(person))
	if err != nil {
		return notice.Reader{}, err
	}
	held, err := p.r.PostsAt(ctx, who.ID, p.r.Now())
	if err != nil {
		return notice.Reader{}, fmt.Errorf("asking what somebody holds: %w", err)
	}
	out := notice.Reader{Name: who.Name(), Email: who.Email}
	for _, x := range held {
		out.Posts = append(out.Posts, string(x.Post))
	}
	return out, nil
}

// schoolHours is the main site's calendar as notices need it.
type schoolHours struct{ *people.Calendar }

// Zone is where the school is.
func (s schoolHours) Zone() *time.Location { return s.Location() }

func (h *House) hours(ctx context.Context) schoolHours {
	cal, err := h.People.Calendar(ctx, people.MainSite)
	if err != nil {
		cal = people.DefaultCalendar(people.MainSite)
	}
	return schoolHours{cal}
}

// mailHealth says how telling people by mail stands.
func (h *House) mailHealth(ctx context.Context) review.Check {
	k := review.Check{Name: "Mail", State: control.Kept, Words: "Whoever must be told is mailed that something waits."}
	s, err := h.Notices.State(ctx)
	switch {
	case err != nil:
		return review.Check{Name: k.Name, State: control.Unknown, Words: err.Error()}
	case !s.On:
		k.State, k.Words = control.AtRisk, "No mail server is named, so nobody is told by mail. Everything stands on people's first page."
		k.Todo = "Name the school's mail server in the config file: [mail] smtp and from."
		if h.cfg.Demo {
			k.State, k.Words, k.Todo = control.NotApplicable, "The invented people of the demonstration are mailed nothing.", ""
		}
		return k
	case s.Trouble != "":
		k.State = control.Broken
		k.Words = fmt.Sprintf("%s, since %s. %d notices wait; first pages show everything.", s.Trouble, s.Since.In(h.zone()).Format("2 January 15:04"), s.Waiting)
		k.Todo = "Nothing is lost: it is tried again every few minutes. Look at the mail server and at [mail] in the config file."
		return k
	}
	if len(s.Unreachable) > 0 {
		k.State = control.AtRisk
		k.Words = fmt.Sprintf("No address on the roll: %s.", strings.Join(h.named(ctx, s.Unreachable), ", "))
		k.Todo = "Enter their mail address on the roll; until then they are told by their first page alone."
	} else if s.Lost > 0 {
		k.State = control.AtRisk
		k.Words = fmt.Sprintf("%d mails of the last month never arrived.", s.Lost)
		k.Todo = "Look at the addresses on the roll and at the mail server's own log."
	}
	return k
}

// named are the names of people by id.
func (h *House) named(ctx context.Context, ids []string) []string {
	var out []string
	for _, id := range ids {
		if p, err := h.People.Get(ctx, people.ID(id)); err == nil {
			out = append(out, p.Name())
		}
	}
	return out
}
