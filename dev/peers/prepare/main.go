// Command prepare makes the data folder that the comparison with other
// filters starts the filter on: the given lists as segments, every category of
// them closed for everybody, and what a school's day-one rules look at inside.
// It writes what the school's own publishing writes, so that the filter under
// test is the program that schools run, and nothing else.
package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"belisha/internal/gate"
	"belisha/internal/gate/ca"
	"belisha/internal/gate/porter"
	"belisha/internal/house"
	"belisha/internal/kit/clock"
	"belisha/internal/kit/vault"
	"belisha/internal/verdict"
	"belisha/internal/verdict/lists"
	"belisha/internal/verdict/scan"
	"belisha/internal/verdict/scan/phraselist"
	"belisha/internal/verdict/segment"
	"belisha/internal/verdict/snapfile"
)

type options struct {
	lists, data, phrases, originCA string
	inspect, bare                  bool
	replace, oneMore               string
}

func main() {
	var o options
	flag.StringVar(&o.lists, "lists", "", "folder of category lists in UT1's layout")
	flag.StringVar(&o.data, "data", "", "data folder to make, or to change")
	flag.StringVar(&o.phrases, "phrases", "", "folder of phrase lists in e2guardian's format")
	flag.StringVar(&o.originCA, "origin-ca", "", "PEM file of an issuer to believe besides the system's")
	flag.BoolVar(&o.inspect, "inspect", false, "end TLS for everybody")
	flag.BoolVar(&o.bare, "names-only", false, "judge names only and look at nothing inside")
	flag.StringVar(&o.replace, "replace", "", "in a folder made before: build the list of this category anew and put it in force")
	flag.StringVar(&o.oneMore, "close", "", "in a folder made before: close this host and put the rules in force")
	flag.Parse()
	if o.data == "" {
		fail(errors.New("--data is needed"))
	}
	var err error
	switch {
	case o.replace != "":
		err = replace(&o)
	case o.oneMore != "":
		err = closeOne(&o)
	default:
		err = build(&o)
	}
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "prepare:", err)
	os.Exit(1)
}

// build makes a data folder.
func build(o *options) error {
	if o.lists == "" {
		return errors.New("--lists is needed")
	}
	dir := filepath.Join(o.data, "gate")
	if err := snapfile.Prepare(dir); err != nil {
		return err
	}
	key, err := keys(o, dir)
	if err != nil {
		return err
	}
	names, err := categories(o.lists)
	if err != nil {
		return err
	}
	var refs []snapfile.SegmentRef
	for _, name := range names {
		ref, err := list(dir, o.lists, name, false)
		if err != nil {
			return fmt.Errorf("the list %s: %w", name, err)
		}
		refs = append(refs, ref)
	}
	if o.phrases != "" {
		ref, err := phrases(dir, o.phrases)
		if err != nil {
			return err
		}
		refs = append(refs, ref)
	}
	if err := settings(o, dir); err != nil {
		return err
	}
	_, err = snapfile.Publish(dir, key, clock.System{}.Now(), rules(o, names), refs)
	return err
}

// keys makes the school's keys, and the certificate for looking inside TLS.
func keys(o *options, dir string) (ed25519.PrivateKey, error) {
	school := make([]byte, vault.KeySize)
	_, _ = rand.Read(school) // never fails
	path := filepath.Join(o.data, "keys", "school.key")
	if err := vault.WriteKeyFile(path, school); err != nil {
		return nil, err
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "school.pub"), []byte(hex.EncodeToString(public)+"\n"), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(signingKey(o), private, 0o600); err != nil {
		return nil, err
	}
	seal, err := house.CASealer(path)
	if err != nil {
		return nil, err
	}
	if _, err := ca.Create(filepath.Join(dir, "ca"), "Bench School", seal, clock.System{}); err != nil {
		return nil, err
	}
	if o.originCA == "" {
		return private, nil
	}
	pem, err := os.ReadFile(o.originCA)
	if err != nil {
		return nil, err
	}
	return private, os.WriteFile(filepath.Join(dir, "ca", "roots.pem"), pem, 0o600)
}

// signingKey is beside the school key; the house keeps it in its records.
func signingKey(o *options) string { return filepath.Join(o.data, "keys", "bench-signing.key") }

func categories(dir string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*", "domains"))
	if err != nil || len(found) == 0 {
		return nil, fmt.Errorf("%s holds no folder with a file domains", dir)
	}
	for i, f := range found {
		found[i] = filepath.Base(filepath.Dir(f))
	}
	return found, nil
}

// list writes one category's names and addresses of pages as a segment.
func list(dir, from, category string, oneMore bool) (snapfile.SegmentRef, error) {
	b := segment.NewBuilder()
	_, err := lists.Read(context.Background(), filepath.Join(from, category), lists.Options{Category: category}, func(e lists.Entry) error {
		// One that cannot be used is left out, as it is when a school imports it.
		_ = b.Add(segment.Kind(e.Kind), e.Text, category) // the kinds have the same numbers
		return nil
	})
	if err != nil {
		return snapfile.SegmentRef{}, err
	}
	if oneMore {
		if err := b.Add(segment.Name, "one-more.bench-listed.example", category); err != nil {
			return snapfile.SegmentRef{}, err
		}
	}
	hash, _, err := b.Write(snapfile.SegmentsDir(dir))
	return snapfile.SegmentRef{Source: "ut1-" + category, Title: category, Hash: hash}, err
}

// phrases builds every phrase list of a folder into one set.
func phrases(dir, from string) (snapfile.SegmentRef, error) {
	tree, err := phraselist.Load(context.Background(), from)
	if err != nil {
		return snapfile.SegmentRef{}, err
	}
	b := scan.NewBuilder(scan.Options{Category: func(string) string { return "" }})
	rep, err := phraselist.Read(tree, phraselist.Roots(tree), b)
	if err != nil {
		return snapfile.SegmentRef{}, err
	}
	file, p, err := b.Build()
	if err != nil {
		return snapfile.SegmentRef{}, err
	}
	n, combinations := p.Count()
	fmt.Fprintf(os.Stderr, "prepare: %d phrases and %d combinations of %d lines\n", n, combinations, rep.Accepted)
	return snapfile.PutPhrases(dir, file)
}

func settings(o *options, dir string) error {
	return gate.WriteSettings(dir, porter.Settings{
		SchoolName: "Bench School", Site: "main", TimeZone: "Europe/London", CAEverywhere: o.inspect,
		OwnHosts: []string{"belisha.bench-school.example"}, TrustedAdult: "Ask your form tutor.",
		Notice: "The school keeps what is opened here.", Help: []porter.HelpLine{{Name: "Childline", Phone: "0800 1111"}},
		Themes: map[string][]string{"suicide": {"want to vanish"}, "selfharm": {"hurt myself"}},
	})
}

// content is what the day-one rules look at for pupils.
func content(o *options) *verdict.Content {
	if o.bare {
		return nil
	}
	c := &verdict.Content{Inspect: o.inspect, Phrases: 60, Files: map[string]verdict.Action{}, TooLarge: verdict.Allow, Chat: true}
	for _, kind := range verdict.FileKinds() {
		if kind != verdict.FileArchive.String() {
			c.Files[kind] = verdict.Block
		}
	}
	return c
}

// rules close every category for everybody; pupils also at other hours and
// with entries of the school's own, so that nothing is left unasked.
func rules(o *options, names []string) verdict.Rules {
	r := verdict.Rules{
		Version: verdict.RulesVersion, School: "Bench School",
		Groups: []verdict.Group{
			{Slug: "pupils", Audience: "pupil", Content: content(o)},
			{Slug: "staff", Audience: "staff", AddressesOpen: true, Content: content(o)},
			{Slug: "guests", Audience: "guest", Content: content(o)},
		},
		Ours: []string{"belisha.bench-school.example"},
		Help: []string{"www.childline.org.uk"},
		Locked: verdict.Locked{
			Hosts: []string{"locked.bench-school.example"},
		},
		Safe: []verdict.SafeService{{Name: "search", Hosts: []string{"www.search.bench-school.example"}, Strict: "safe.search.bench-school.example"}},
	}
	for _, name := range names {
		r.Categories = append(r.Categories, verdict.Category{
			Slug: name, Title: name, Pupil: "This page is not for school.", Teacher: "Listed in " + name + ".",
		})
	}
	r.Lines = append(r.Lines, verdict.Line{ID: "everybody", Categories: names, Act: verdict.Block, Clause: "3.1"})
	for _, name := range names[:min(len(names), 20)] {
		r.Lines = append(r.Lines, verdict.Line{
			ID: "pupils-" + name, Who: verdict.Who{Groups: []string{"pupils"}}, Categories: []string{name}, Act: verdict.Block, Clause: "3.2",
			When: verdict.When{Weekly: []verdict.Window{{From: 8 * 60, To: 16 * 60}}},
		})
	}
	for i := range 200 {
		act := verdict.Block
		if i%2 == 0 {
			act = verdict.Allow
		}
		r.Own = append(r.Own, verdict.Own{ID: fmt.Sprint("own", i), Text: fmt.Sprintf("own%d.bench-school.example", i), Act: act})
	}
	return r
}

// inForce reads what a folder was made of.
func inForce(o *options) (dir string, key ed25519.PrivateKey, m snapfile.Manifest, r verdict.Rules, err error) {
	dir = filepath.Join(o.data, "gate")
	if key, err = os.ReadFile(signingKey(o)); err != nil {
		return
	}
	public, err := house.ReadPublicKey(dir)
	if err != nil {
		return
	}
	n, err := snapfile.Current(dir)
	if err != nil {
		return
	}
	m, r, err = snapfile.Read(dir, public, n)
	return
}

// replace puts another version of one list in force.
func replace(o *options) error {
	dir, key, m, r, err := inForce(o)
	if err != nil {
		return err
	}
	ref, err := list(dir, o.lists, o.replace, true)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(m.Segments, func(s snapfile.SegmentRef) bool { return s.Source == ref.Source })
	if at < 0 {
		return fmt.Errorf("there is no list %s", o.replace)
	}
	m.Segments[at] = ref
	_, err = snapfile.Publish(dir, key, clock.System{}.Now(), r, m.Segments)
	return err
}

// closeOne puts rules in force that close one more host.
func closeOne(o *options) error {
	dir, key, m, r, err := inForce(o)
	if err != nil {
		return err
	}
	r.Own = append(r.Own, verdict.Own{ID: "one-more", Text: strings.ToLower(o.oneMore), Act: verdict.Block})
	_, err = snapfile.Publish(dir, key, clock.System{}.Now(), r, m.Segments)
	return err
}
