package content

import (
	"errors"
	"io"
	"sync"
	"time"
)

// patience is how long a page whose length nobody told may take to arrive
// before it is taken for a stream, which is looked at as it goes by.
const patience = 5 * time.Second

// soon is the same for an answer of an AI service, which somebody reads while
// it is written.
const soon = 200 * time.Millisecond

// errLate says that a body of unknown length did not end in time.
var errLate = errors.New("it does not end")

// pump reads a body by itself, so that its reader can wait for a while and
// then do otherwise. Closing it ends its goroutine.
type pump struct {
	src   io.ReadCloser
	full  chan []byte
	empty chan []byte
	done  chan struct{}
	ended chan struct{}
	once  sync.Once
	err   error  // set before full is closed
	last  []byte // the buffer that rest is of
	rest  []byte
	timer *time.Timer // nil once it is over
}

var pumped = sync.Pool{New: func() any { b := make([]byte, 16<<10); return &b }}

func newPump(src io.ReadCloser, patience time.Duration) *pump {
	p := &pump{
		src: src, full: make(chan []byte), empty: make(chan []byte, 2), done: make(chan struct{}), ended: make(chan struct{}),
		timer: time.NewTimer(patience),
	}
	for range 2 {
		p.empty <- *pumped.Get().(*[]byte)
	}
	go p.run()
	return p
}

func (p *pump) run() {
	defer close(p.ended)
	defer close(p.full)
	p.err = io.ErrClosedPipe
	for {
		var b []byte
		select {
		case b = <-p.empty:
		case <-p.done:
			return
		}
		b = b[:cap(b)]
		n, err := p.src.Read(b)
		if n > 0 {
			select {
			case p.full <- b[:n]:
			case <-p.done:
				return
			}
		}
		if err != nil {
			p.err = err
			return
		}
	}
}

// Read gives what came. While the timer runs it gives up when that is over.
func (p *pump) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		if p.last != nil {
			p.empty <- p.last
			p.last = nil
		}
		var over <-chan time.Time
		if p.timer != nil {
			over = p.timer.C
		}
		select {
		case got, ok := <-p.full:
			if !ok {
				return 0, p.err
			}
			p.last, p.rest = got, got
		case <-over:
			p.timer = nil
			return 0, errLate
		}
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// wait takes the timer away: from here on reading waits as long as it takes.
func (p *pump) wait() {
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}

// Close closes the body and waits until nobody reads it any more.
func (p *pump) Close() error {
	p.wait()
	err := error(nil)
	p.once.Do(func() {
		close(p.done)
		err = p.src.Close()
		<-p.ended
		if p.last != nil {
			p.empty <- p.last
		}
		for len(p.empty) > 0 {
			b := <-p.empty
			pumped.Put(&b)
		}
		p.last, p.rest = nil, nil
	})
	return err
}
