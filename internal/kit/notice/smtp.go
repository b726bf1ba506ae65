package notice

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"os"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// When the line to the mail server is sealed.
const (
	// TLSAlways refuses a server that offers none: the rule off loopback.
	TLSAlways = "always"
	// TLSIfOffered takes it where the server has it: the rule on loopback.
	TLSIfOffered = "if-offered"
	// TLSNever speaks plainly, for a relay on this very machine.
	TLSNever = "never"
)

// Server is the school's mail server.
type Server struct {
	Address string // host:port; on port 465 the line is sealed from the start
	TLS     string // TLSAlways, TLSIfOffered, TLSNever; "" by the address
	From    string // who the mails are from; "" is belisha at the server
	User    string // "" where the server asks for none
	// PasswordFile holds the password, so that it stands in no config file.
	PasswordFile string
	// TLSConfig is nil but in tests.
	TLSConfig *tls.Config
}

// dialTimeout is how long a silent server is waited for.
const dialTimeout = 15 * time.Second

// Check says what is wrong with the server's settings, in a sentence.
func (s Server) Check() error {
	host, port, err := net.SplitHostPort(s.Address)
	n, nerr := strconv.Atoi(port)
	if err != nil || nerr != nil || host == "" || n < 1 || n > 65535 {
		return fmt.Errorf("mail.smtp: %q is not host:port, such as mail.example.sch.uk:587", s.Address)
	}
	switch s.TLS {
	case "", TLSAlways, TLSIfOffered, TLSNever:
	default:
		return fmt.Errorf("mail.starttls: %q is none of \"always\", \"if-offered\" and \"never\"", s.TLS)
	}
	if _, err := netmail.ParseAddress(s.sender()); err != nil {
		return errors.New("mail.from: give the address that Belisha's mails come from, such as belisha@example.sch.uk")
	}
	if s.User != "" && s.PasswordFile == "" {
		return errors.New("mail.password-file: name the file that holds the password of mail.user")
	}
	if s.User != "" && s.policy() != gomail.TLSMandatory && !loopback(host) {
		return errors.New("mail.starttls: a password is never sent over a line that is not sealed; take \"always\"")
	}
	return nil
}

// sender is who the mails are from: "belisha" at the mail server where nothing
// is given.
func (s Server) sender() string {
	if s.From != "" {
		return s.From
	}
	host, _, _ := net.SplitHostPort(s.Address)
	if host == "" || net.ParseIP(host) != nil {
		host = "localhost"
	}
	return "belisha@" + host
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (s Server) policy() gomail.TLSPolicy {
	host, _, _ := net.SplitHostPort(s.Address)
	switch {
	case s.TLS == TLSNever:
		return gomail.NoTLS
	case s.TLS == TLSIfOffered, s.TLS == "" && loopback(host):
		return gomail.TLSOpportunistic
	}
	return gomail.TLSMandatory
}

// client makes the connection's settings; the password is read each time, so
// that a new one needs no restart.
func (s Server) client(l *line) (*gomail.Client, error) {
	host, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		return nil, fmt.Errorf("reading the mail server's address: %w", err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("reading the mail server's port: %w", err)
	}
	conf := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if s.TLSConfig != nil {
		conf = s.TLSConfig
	}
	l.sealed = n == 465
	l.conf = conf
	opts := []gomail.Option{
		gomail.WithPort(n), gomail.WithTimeout(dialTimeout), gomail.WithTLSPolicy(s.policy()),
		gomail.WithTLSConfig(conf), gomail.WithDialContextFunc(l.dial),
	}
	if l.sealed {
		opts = append(opts, gomail.WithSSL())
	}
	if s.User != "" {
		pw, err := os.ReadFile(s.PasswordFile)
		if err != nil {
			return nil, errors.New("the file with the mail server's password cannot be read; look at mail.password-file")
		}
		opts = append(opts, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.User), gomail.WithPassword(strings.TrimRight(string(pw), "\r\n")))
	}
	return gomail.NewClient(host, opts...)
}

// line is the connection of one round. It is ours to close: the library leaves
// it open where the server's greeting is not to its liking.
type line struct {
	conn   net.Conn
	sealed bool
	conf   *tls.Config
}

func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := &net.Dialer{Timeout: dialTimeout}
	var err error
	if l.sealed {
		l.conn, err = (&tls.Dialer{NetDialer: d, Config: l.conf}).DialContext(ctx, network, address)
	} else {
		l.conn, err = d.DialContext(ctx, network, address)
	}
	return l.conn, err
}

func (l *line) close() {
	if l.conn != nil {
		_ = l.conn.Close() // whatever was sent is sent
	}
}

// Mail implements Mailer.
func (s Server) Mail(ctx context.Context, all []Message) ([]error, error) {
	var l line
	defer l.close()
	c, err := s.client(&l)
	if err != nil {
		return nil, err
	}
	dial, cancel := context.WithTimeout(ctx, 2*dialTimeout)
	defer cancel()
	if err := c.DialWithContext(dial); err != nil {
		return nil, fmt.Errorf("the mail server %s cannot be reached: %w", s.Address, err)
	}
	each := make([]error, len(all))
	for i, m := range all {
		msg, err := s.letter(m)
		if err != nil {
			each[i] = fmt.Errorf("%w: %w", ErrRefused, err)
			continue
		}
		each[i] = outcome(c.Send(msg))
	}
	_ = c.Close() // what was sent is sent
	return each, nil
}

// outcome tells what will never be taken from what may be taken later.
func outcome(err error) error {
	if err == nil {
		return nil
	}
	var send *gomail.SendError
	if errors.As(err, &send) && send.ErrorCode() >= 500 {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

func (s Server) letter(m Message) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := msg.FromFormat("Belisha", s.sender()); err != nil {
		return nil, fmt.Errorf("reading the sender's address: %w", err)
	}
	if err := msg.AddToFormat(oneLine(m.Name), m.To); err != nil {
		return nil, errors.New("the reader's address on the roll is not one")
	}
	msg.Subject(m.Subject)
	msg.SetMessageIDWithValue(m.ID + "@belisha.invalid")
	msg.SetDateWithValue(m.At)
	// No out-of-office answer, please.
	msg.SetGenHeader(gomail.Header("Auto-Submitted"), "auto-generated")
	msg.SetGenHeader(gomail.Header("X-Auto-Response-Suppress"), "All")
	if m.Urgent {
		msg.SetImportance(gomail.ImportanceHigh)
	}
	msg.SetBodyString(gomail.TypeTextPlain, m.Body)
	return msg, nil
}
