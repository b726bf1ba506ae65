package demo_test

import "belisha/internal/kit/journal"

func journalAll() journal.Filter { return journal.Filter{Limit: 500} }
