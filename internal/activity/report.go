package activity

import (
	"context"
	"database/sql"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Stats says how the store is.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	st := Stats{Refused: s.refused.Load()}
	dates := s.dates(time.Time{}, time.Time{})
	st.Days = len(dates)
	if len(dates) > 0 {
		st.First, st.Last = dates[len(dates)-1], dates[0]
	}
	kept, err := column[uint64](ctx, s.totals.db, `SELECT coalesce(sum(n), 0) FROM months`)
	if err != nil {
		return st, fmt.Errorf("counting what is kept: %w", err)
	}
	st.Events = kept[0]
	for _, date := range dates {
		if s.totals.isSettled(date) {
			continue
		}
		st.Unsettled++
		err := s.readDay(ctx, date, func(_ *day, db *sql.DB) error {
			n, err := column[uint64](ctx, db, `SELECT coalesce(sum(n), 0) FROM hours`)
			if err == nil {
				st.Events += n[0]
			}
			return err
		})
		if err != nil {
			return st, fmt.Errorf("counting %s: %w", date, err)
		}
	}
	st.Damaged, err = s.totals.damaged(ctx)
	if err != nil {
		return st, err
	}
	st.Bytes, err = folderSize(s.dir)
	return st, err
}

func folderSize(dir string) (int64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, fmt.Errorf("measuring the folder of web activity: %w", err)
	}
	var total int64
	for _, e := range entries {
		info, err := os.Stat(filepath.Join(dir, e.Name()))
		if errors.Is(err, os.ErrNotExist) {
			continue // a side file that SQLite has just removed
		}
		if err != nil {
			return 0, fmt.Errorf("measuring the folder of web activity: %w", err)
		}
		total += info.Size()
	}
	return total, nil
}

// exportHeader names the columns of Export.
var exportHeader = []string{
	"time", "site", "door", "subject", "certainty", "device", "address", "group", "key stage",
	"host", "path", "search words", "search engine", "category", "categories", "rule", "reason", "found inside",
	"action", "alert", "count", "bytes",
}

// Export writes the answer of a search as CSV, newest first, at most
// MaxExport rows, and says how many it wrote and whether that was all. In
// place of the subject it writes what name answers, or the pseudonym where
// name is nil.
func (s *Store) Export(ctx context.Context, q Query, w io.Writer, name func(subject string) string) (rows int, whole bool, err error) {
	out := csv.NewWriter(w)
	if err := out.Write(exportHeader); err != nil {
		return 0, false, fmt.Errorf("writing the export: %w", err)
	}
	q.Limit = MaxLimit
	for rows < MaxExport {
		page, err := s.Search(ctx, q)
		if err != nil {
			return rows, false, err
		}
		for i := range page.Events {
			if err := out.Write(s.exportLine(&page.Events[i], name)); err != nil {
				return rows, false, fmt.Errorf("writing the export: %w", err)
			}
			rows++
		}
		out.Flush()
		if err := out.Error(); err != nil {
			return rows, false, fmt.Errorf("writing the export: %w", err)
		}
		if page.Next == "" {
			return rows, true, nil
		}
		q.Cursor = page.Next
	}
	return rows, false, nil
}

func (s *Store) exportLine(e *Event, name func(string) string) []string {
	subject := e.Subject
	if name != nil {
		subject = name(subject)
	}
	line := []string{
		e.At.In(s.location).Format(time.RFC3339), e.Site, e.Door, subject, e.Certainty.String(), e.Device, packAddr(e.Address),
		e.Group, e.KeyStage, e.Host, e.Path, e.Words, e.Engine, e.Category, strings.Join(e.Categories, " "), e.Rule, e.Reason, e.Detail,
		e.Action.String(), e.Alert, strconv.FormatUint(uint64(e.Count), 10), strconv.FormatUint(e.Bytes, 10),
	}
	for i, v := range line {
		line[i] = harmless(v)
	}
	return line
}

// harmless keeps a spreadsheet from taking a pupil's words for a formula.
func harmless(v string) string {
	if v != "" && strings.ContainsRune("=+-@\t\r", rune(v[0])) {
		return "'" + v
	}
	return v
}
