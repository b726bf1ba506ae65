package vouch

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	askFor    = 8 * time.Second
	askAtOnce = 4
	again     = 10 * time.Minute // after somebody did not answer
)

var errRefused = errors.New("it was not answered as it should be")

// asker asks others over plain HTTP, and remembers what they said.
type asker struct {
	now    func() time.Time
	client *http.Client
	slots  chan struct{}
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup

	issuers *kept[*x509.Certificate]
	lists   *kept[revokedSet]
	said    *kept[bool]
}

func newAsker(t http.RoundTripper, now func() time.Time) *asker {
	a := &asker{now: now, slots: make(chan struct{}, askAtOnce)}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	a.client = &http.Client{Transport: t, Timeout: askFor, CheckRedirect: func(r *http.Request, before []*http.Request) error {
		if len(before) > 2 || !plain(r.URL.String()) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	a.issuers, a.lists, a.said = newKept[*x509.Certificate](a, maxIssuers), newKept[revokedSet](a, maxLists), newKept[bool](a, maxSaid)
	return a
}

func (a *asker) close() {
	a.cancel()
	a.work.Wait()
	a.client.CloseIdleConnections()
}

func (a *asker) get(ctx context.Context, at string, most int64) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, fmt.Errorf("asking about a certificate: %w", err)
	}
	return a.do(r, most)
}

func (a *asker) post(ctx context.Context, at, kind string, body []byte, most int64) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("asking about a certificate: %w", err)
	}
	r.Header.Set("Content-Type", kind)
	return a.do(r, most)
}

func (a *asker) do(r *http.Request, most int64) ([]byte, error) {
	r.Header.Set("User-Agent", "")
	res, err := a.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("asking about a certificate: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || res.ContentLength > most {
		return nil, errRefused
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	if err != nil {
		return nil, fmt.Errorf("asking about a certificate: %w", err)
	}
	if int64(len(body)) > most {
		return nil, errRefused
	}
	return body, nil
}

// kept remembers what others said, and for how long that holds.
type kept[T any] struct {
	asker *asker
	most  int

	mu   sync.Mutex
	have map[string]*answer[T]
}

type answer[T any] struct {
	value   T
	ok      bool
	until   time.Time
	used    time.Time
	running chan struct{} // closed when it is answered; nil: nobody asks
}

func newKept[T any](a *asker, most int) *kept[T] {
	return &kept[T]{asker: a, most: most, have: make(map[string]*answer[T])}
}

// get is what was said under a key. What holds no longer is asked for anew,
// and goes on until that is there. It waits for the first answer as long as
// ctx; ok false is none.
func (k *kept[T]) get(ctx context.Context, key string, ask func(context.Context) (T, time.Time, error)) (value T, ok bool) {
	now := k.asker.now()
	k.mu.Lock()
	x := k.have[key]
	if x == nil {
		k.makeRoom()
		x = new(answer[T])
		k.have[key] = x
	}
	x.used = now
	if !now.Before(x.until) && x.running == nil && k.asker.ctx.Err() == nil {
		x.running = make(chan struct{})
		k.asker.work.Go(func() { k.run(x, ask) })
	}
	value, ok = x.value, x.ok
	running := x.running
	k.mu.Unlock()
	if ok || running == nil {
		return value, ok
	}
	select {
	case <-running:
	case <-ctx.Done():
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return x.value, x.ok
}

// run asks, and keeps what is said. Somebody who does not answer is not asked
// again for a while, and what they said before holds on.
func (k *kept[T]) run(x *answer[T], ask func(context.Context) (T, time.Time, error)) {
	a := k.asker
	ctx, cancel := context.WithTimeout(a.ctx, askFor)
	defer cancel()
	var value T
	var until time.Time
	var err error
	select {
	case a.slots <- struct{}{}:
		value, until, err = ask(ctx)
		<-a.slots
	case <-ctx.Done():
		err = ctx.Err()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		x.value, x.ok, x.until = value, true, until
	} else {
		x.until = a.now().Add(again)
	}
	close(x.running)
	x.running = nil
}

// makeRoom forgets what was not asked for the longest. k.mu is held.
func (k *kept[T]) makeRoom() {
	if len(k.have) < k.most {
		return
	}
	var oldest string
	var at *answer[T]
	for key, x := range k.have {
		if at == nil || x.used.Before(at.used) {
			oldest, at = key, x
		}
	}
	delete(k.have, oldest)
}
