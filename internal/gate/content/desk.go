package content

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"belisha/internal/gate/content/decode"
	"belisha/internal/gate/content/text"
	"belisha/internal/gate/porter"
	"belisha/internal/verdict"
	"belisha/internal/verdict/scan"
)

// Bounds of one page.
const (
	maxPage   = 4 << 20 // bytes that are weighed whole, as they came and decoded
	pageSlack = 1 << 20 // from which it may not grow too much
	keepBuf   = 1 << 20 // buffers that are kept for the next page
)

// desk is what one page is worked on with. It is lent for one message.
type desk struct {
	raw, decoded []byte
	taken        int64 // of the memory that all messages share
	words        text.Extractor
	text         scan.Text
	scratch      scan.Scratch
}

func (p *Pipeline) desk() *desk { return p.desks.Get().(*desk) }

func (p *Pipeline) back(d *desk) {
	p.store.memory.Add(-d.taken)
	d.taken = 0
	if cap(d.raw) > keepBuf {
		d.raw = nil
	}
	if cap(d.decoded) > keepBuf {
		d.decoded = nil
	}
	d.words.Free()
	p.desks.Put(d)
}

// decode reads a body's codings, up to most bytes.
func (d *desk) decode(s *store, r io.Reader, codings []string, most int64) (more bool, err error) {
	dec, err := decode.Open(r, codings, true, decode.Limits{Bytes: most, Ratio: decode.Usual.Ratio, Slack: pageSlack})
	if err != nil {
		return false, err
	}
	defer dec.Close()
	out := d.decoded[:0]
	for {
		if cap(out)-len(out) < 4<<10 {
			if err := d.charge(s, max(2*cap(out), 64<<10)); err != nil {
				d.decoded = out[:0]
				return false, err
			}
			out = append(make([]byte, 0, max(2*cap(out), 64<<10)), out...)
		}
		n, err := dec.Read(out[len(out):cap(out)])
		out = out[:len(out)+n]
		if err != nil {
			d.decoded = out
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return dec.More(), err
		}
	}
}

// charge counts what a large page takes, with the words that are made of it,
// against what all messages may.
func (d *desk) charge(s *store, size int) error {
	grow := 3*int64(size) - 3*keepBuf/2 - d.taken
	if grow <= 0 {
		return nil
	}
	if !take(&s.memory, grow, memoryTotal) {
		return errFull
	}
	d.taken += grow
	return nil
}

// weigh weighs the words read so far for somebody.
func (d *desk) weigh(a *porter.Answer, limit int, minute uint16) (scan.Result, bool) {
	phrases := a.Snapshot().Phrases()
	if phrases == nil || limit <= 0 {
		return scan.Result{}, false
	}
	v := d.words.Views()
	d.text.Smart, d.text.Bare, d.text.Raw = v.Smart, v.Bare, v.Beside
	res := phrases.Weigh(&d.text, limit, minute, &d.scratch)
	return res, res.Closed()
}

// over is the finding of words that weigh too much.
func over(a *porter.Answer, reason verdict.Reason, what string, res *scan.Result, limit int) *porter.Finding {
	f := &porter.Finding{Action: verdict.Block, Reason: reason, Category: verdict.NoCategory}
	if n, ok := a.Names().CategoryNumber(res.Category); ok {
		f.Category = int16(n)
	}
	if f.Category < 0 {
		f.Alert = phraseTheme(res.Category)
	}
	var b strings.Builder
	b.WriteString(what)
	if res.Banned {
		b.WriteString(" closed")
	} else {
		b.WriteString(" " + strconv.Itoa(res.Score) + " of " + strconv.Itoa(limit))
	}
	if res.Category != "" {
		b.WriteString(": " + res.Category)
	}
	for i, part := range res.Parts {
		if i == 6 || b.Len() > 220 {
			b.WriteString(" …")
			break
		}
		b.WriteString("; “" + strings.TrimSpace(part.Phrase) + "” " + strconv.Itoa(part.Weight))
	}
	f.Detail = plainly(b.String())
	return f
}

// tellFrom is what something typed weighs in an area of phrases before somebody
// must hear of it: one phrase that can hardly mean anything else, or two.
const tellFrom = 40

// phraseTheme is the theme that somebody must hear of, of an area of phrases;
// "" for none. Areas that are categories of the rules have theirs there.
func phraseTheme(area string) string {
	switch area {
	case "grooming":
		return "exploitation"
	case "self-harm", "eating-disorder":
		return "selfharm"
	case "suicide", "bullying", "extremism":
		return area
	}
	return ""
}

// plainly keeps what is written down of a finding in one line.
func plainly(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// noted is a finding that lets through and is written down.
func noted(reason verdict.Reason, detail string) *porter.Finding {
	return &porter.Finding{Action: verdict.Allow, Reason: reason, Category: verdict.NoCategory, Detail: plainly(detail)}
}

// closed is a finding that closes without a category.
func closed(reason verdict.Reason, detail string) *porter.Finding {
	f := noted(reason, detail)
	f.Action = verdict.Block
	return f
}
