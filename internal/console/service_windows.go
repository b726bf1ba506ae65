package console

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"belisha/internal/house"

	"github.com/kardianos/service"
)

// machine is what starts programs here: Windows' own service manager.
func machine() manager { return windows{} }

type windows struct{}

// idle is a program for the manager's own calls, which start nothing.
type idle struct{}

// Start implements service.Interface.
func (idle) Start(service.Service) error { return nil }

// Stop implements service.Interface.
func (idle) Stop(service.Service) error { return nil }

func (windows) open(s serviceSpec) (service.Service, error) {
	return service.New(idle{}, &service.Config{
		Name: serviceName, DisplayName: "Belisha", Description: "The school's filter and its records.",
		Executable: s.Program, Arguments: s.args(),
		// An account that may reach the network and little else.
		UserName: `NT AUTHORITY\LocalService`,
		Option:   service.KeyValue{"OnFailure": "restart", "OnFailureDelayDuration": "2s", "DelayedAutoStart": false},
	})
}

func (windows) text(s serviceSpec) (string, error) {
	return fmt.Sprintf("Service %s, started with Windows as LocalService:\r\n  \"%s\" %s\r\n", serviceName, s.Program, strings.Join(s.args(), " ")), nil
}

// errNotAdmin is said where Windows refuses.
var errNotAdmin = errors.New("what starts with this machine is changed by an administrator alone: open the terminal with \"Run as administrator\" and type the same command")

func (w windows) install(ctx context.Context, s serviceSpec) (did []string, err error) {
	svc, err := w.open(s)
	if err != nil {
		return nil, err
	}
	if err := ourFolder(s.Data); err != nil {
		return nil, err
	}
	if _, err := svc.Status(); err == nil {
		if did, err = w.remove(ctx, s); err != nil {
			return did, err
		}
	}
	if err := svc.Install(); err != nil {
		return did, refused(err)
	}
	if _, err := runProgram(ctx, "icacls", s.Data, "/grant", "*S-1-5-19:(OI)(CI)M", "/T", "/Q"); err != nil {
		return did, fmt.Errorf("giving the data folder to LocalService: %w", err)
	}
	did = append(did, "Belisha starts with Windows, as LocalService, and the data folder "+s.Data+" is open to it.")
	if err := svc.Start(); err != nil {
		return did, fmt.Errorf("starting Belisha: %w", err)
	}
	return append(did, "Belisha runs."), nil
}

func (w windows) remove(ctx context.Context, s serviceSpec) (did []string, err error) {
	svc, err := w.open(s)
	if err != nil {
		return nil, err
	}
	st, err := svc.Status()
	if errors.Is(err, service.ErrNotInstalled) {
		return []string{"Belisha does not start with this machine."}, nil
	}
	if err != nil {
		return nil, refused(err)
	}
	if st == service.StatusRunning {
		if err := svc.Stop(); err != nil {
			return nil, refused(err)
		}
		did = append(did, "The pages are stopped.")
	}
	if err := house.StopGate(ctx, s.Data); err != nil {
		return did, fmt.Errorf("ending the filter: %w", err)
	}
	did = append(did, "The filter is stopped: devices that are sent to it reach nothing until they are sent elsewhere.")
	if err := svc.Uninstall(); err != nil {
		return did, refused(err)
	}
	return append(did, "Belisha no longer starts with this machine. The data folder "+s.Data+" stays."), nil
}

func refused(err error) error {
	if strings.Contains(err.Error(), "Access is denied") {
		return errNotAdmin
	}
	return err
}

// underManager answers Windows when it has started this program as a service.
func underManager(stop context.CancelCauseFunc) (ended func()) {
	if service.Interactive() {
		return func() {}
	}
	done := make(chan struct{})
	svc, err := service.New(&served{stop: stop, done: done}, &service.Config{Name: serviceName})
	if err != nil {
		return func() {}
	}
	go func() {
		if err := svc.Run(); err != nil {
			stop(err)
		}
	}()
	return func() { close(done) }
}

// served is the running server as the manager sees it.
type served struct {
	stop context.CancelCauseFunc
	done chan struct{}
}

// Start implements service.Interface: the server has started by itself.
func (*served) Start(service.Service) error { return nil }

// Stop implements service.Interface.
func (s *served) Stop(service.Service) error {
	s.stop(errors.New("told to end"))
	select {
	case <-s.done:
	case <-time.After(20 * time.Second):
	}
	return nil
}
