package demo

import (
	"context"
	"time"

	"belisha/internal/school/concerns"
)

// special are concerns that take another way than most.
func (f *filling) special(add adder) {
	f.restricted(add)
	f.pictures(add)
	f.conduct(add)
	f.security(add)
	f.toldByPupils(add)
	f.reopened(add)
	f.sanctioned(add)
	f.sampled(add)
}

// sampled goes on with the concern that a random sample led to.
func (f *filling) sampled(add adder) {
	f.sampleCase = caseRun{f: f, add: add, lead: "dsl"}
	c := &f.sampleCase
	c.spoke(18, 11*60+35, "A page for a game that a brother plays; was told that it is closed here, and why.")
	c.parents(17, 9*60+18, "The mother, by telephone.")
	c.investigated(17, 10*60+42, "One try, no harm meant.")
	c.close(14, 15*60+33, "resolved", "Nothing more. The sample did what it is for.", "")
}

func (f *filling) by(years string, n int, role string) []concerns.Mentioned {
	return []concerns.Mentioned{{Who: f.choose(years, n).username, Role: role}}
}

// restricted is seen by the lead and the head alone, and goes on with social
// care.
func (f *filling) restricted(add adder) {
	c := &caseRun{f: f, add: add, lead: "dsl"}
	c.report(26, 10*60+5, f.cast["computing"], concerns.Report{
		Kind: "grooming", Account: "A pupil told me that somebody who says he is nineteen sends gifts in a game and wants to meet in town on Saturday. They are flattered and a little afraid.",
		People: f.by("senior", 40, "harmed"), Place: "Computer room 2", When: "Since the summer", Done: "Did not ask more. Came straight to you; the pupil waits with Mrs Ranasinghe-Cole.",
	})
	c.triage(26, 10*60+14, 3, "Today, before home time.")
	c.act(26, 10*60+31, concerns.Doing{Kind: "police", Decision: "yes", Who: "The police's online team, by R. Oyelaran", Ref: "AV-2217"})
	c.act(26, 10*60+46, concerns.Doing{Kind: "social-care", Decision: "yes", Who: "The duty desk of children's social care", Ref: "CSC 40-118"})
	c.step(26, 10*60+55, "dsl", func(ctx context.Context, w *concerns.Whole) error {
		return f.h.Concerns.SetSight(ctx, c.id, w.Version, concerns.SightLeadAndHead, "The police ask that as few as possible know.")
	})
	c.spoke(26, 11*60+20, "They know that they did nothing wrong, and that nobody will go on Saturday. They chose who is told at home first.")
	c.parents(26, 13*60+30, "The mother, here, with the pupil and the officer.")
	c.act(20, 9*60+40, concerns.Doing{Kind: "support", What: "Weekly talk with the nurse, as long as it is wanted.", Done: true})
	c.note(9, 14*60+10, "dsl", "Social care's plan has come, and is kept in the child's file. The pupil is well, and asked that the class hears nothing.")
	c.act(2, 15*60+15, concerns.Doing{Kind: "outside", What: "Take part in social care's meeting."})
}

// pictures are never attached; the question comes before any file.
func (f *filling) pictures(add adder) {
	c := &caseRun{f: f, add: add, lead: "ddsl"}
	c.report(19, 11*60+40, f.colleague(8), concerns.Report{
		Kind: "images", Account: "Two pupils say that a picture of a third is about in the year group. I have not looked, and have asked nobody to show me.",
		People: f.by("senior", 55, "harmed"), Place: "Told in the corridor", Done: "Nothing was looked at or sent on. Both phones are in the office, switched off.",
	})
	c.triage(19, 11*60+49, 3, "")
	c.act(19, 12*60+5, concerns.Doing{Kind: "police", Decision: "yes", Who: "The schools officer, by G. Llewhelin", Ref: "AV-2240"})
	c.spoke(19, 12*60+40, "They know that they are not in trouble. They want it gone and do not want the class to talk.")
	c.parents(19, 14*60+20, "Both homes, here in school.")
	c.act(19, 14*60+50, concerns.Doing{Kind: "outside", What: "Report Remove was used with the pupil, so that services take the picture down.", Done: true})
	c.close(11, 15*60+20, "referred", "The officer spoke with all concerned. The services have taken it down. The nurse sees the pupil.", "")
}

// conduct is what goes to the head alone, or to the chair.
func (f *filling) conduct(add adder) {
	c := &caseRun{f: f, add: add, lead: "head"}
	c.report(15, 15*60+35, f.colleague(3), concerns.Report{
		Kind: "staff-conduct", Account: "A colleague answers pupils' messages from a private account in the evening. It is about homework, and it is still not our way.",
		People: []concerns.Mentioned{{Who: f.usernames[f.colleague(11)], Role: "harmer"}}, Place: "Told by a parent", When: "This half term",
	})
	c.triage(14, 8*60+50, 2, "")
	c.note(14, 12*60+5, "head", "Asked the local authority's officer the same morning: a conversation and a reminder of the rules is right.")
	c.act(13, 12*60+15, concerns.Doing{Kind: "other", What: "Conversation held. Uses the school's mail from now on; the families were told where to write.", Done: true})
	c.step(12, 12*60+15, "head", func(ctx context.Context, w *concerns.Whole) error {
		return f.h.Concerns.Act(ctx, c.id, w.Version, concerns.Doing{
			Kind: "other", What: "Look again in some weeks.", Due: f.c.Now().AddDate(0, 0, 40),
		})
	})

	me := &caseRun{f: f, add: add, lead: "head"}
	me.report(30, 16*60+2, f.colleague(14), concerns.Report{
		Kind: "affects-me", Account: "A made-up quotation of mine on the village page, and some unkind answers below it.", NotKnown: true, Place: "Public page",
	})
	me.triage(29, 9*60+5, 1, "")
	me.act(29, 12*60+30, concerns.Doing{Kind: "support", What: "Wrote to the page with the colleague.", Done: true})
	me.close(27, 12*60+40, "resolved", "The page took it down and said sorry.", "")

	chair := &caseRun{f: f, add: add, lead: "governor"}
	chair.report(24, 15*60+48, f.colleague(6), concerns.Report{
		Kind: "head", Account: "It was decided without the staff that phones are collected at the gate, and my questions were not answered.", NotKnown: true,
	})
	chair.triage(23, 16*60+1, 1, "")
	chair.note(22, 16*60+4, "governor", "Heard both. The decision stands in the minutes of the staff meeting; the questions are answered now.")
	chair.close(20, 16*60+3, "unfounded", "Answered in writing. The next decision of this kind is put up in the staff room first.", "")
}

// security goes to those the policy lists.
func (f *filling) security(add adder) {
	mail := &caseRun{f: f, add: add, lead: "deputy"}
	mail.report(22, 9*60+12, f.cast["office"], concerns.Report{
		Kind: "data-lost", Account: "A letter with one child's lunch allergy went to another family of the same name.", When: "Today at five to nine",
		Done: "Called the family, who deleted it before reading on.",
	})
	mail.triage(22, 9*60+31, 3, "")
	mail.act(22, 9*60+50, concerns.Doing{Kind: "other", What: "Written down with the data-protection lead: one reader, deleted, no harm. The regulator need not be told; the child's family was.", Done: true})
	mail.close(20, 14*60+5, "resolved", "The office checks the first line of the address aloud before sending.", "Say in the rules for staff how names that come twice are told apart.")

	kit := &caseRun{f: f, add: add, lead: "deputy"}
	kit.report(41, 15*60+22, f.colleague(5), concerns.Report{
		Kind: "kit-lost", Account: "A tablet of trolley 2 did not come back from the museum trip.", Place: "Museum", Done: "Rang the museum and the coach firm.",
	})
	kit.triage(41, 15*60+50, 2, "Encrypted and locked; looked for tomorrow.")
	kit.close(39, 12*60+5, "resolved", "Found under the back seat of the coach.", "")

	post := &caseRun{f: f, add: add, lead: "deputy"}
	post.report(12, 8*60+55, f.cast["network"], concerns.Report{
		Kind: "unsolicited-mail", Account: "Mail in the head's name asks staff to buy gift cards. Nobody has answered.", Done: "The sender is blocked; everybody was told at break.",
	})
	post.triage(12, 9*60+20, 1, "")
	post.close(10, 12*60+35, "resolved", "A picture of it hangs in the staff room.", "")
}

// tell keeps what somebody told on the page for everybody.
func (c *caseRun) tell(ago, minute int, part string, in concerns.Telling) {
	c.add(ago, minute, part, func(ctx context.Context) error {
		got, err := c.f.h.Concerns.Tell(ctx, in)
		c.id = got.ID
		return err
	})
}

// toldByPupils are what pupils and a parent told.
func (f *filling) toldByPupils(add adder) {
	named := &caseRun{f: f, add: add, lead: "dsl"}
	named.tell(8, 12*60+48, "pupil10", concerns.Telling{
		Form: "story-told-1", About: "me", What: "unkind", UseName: true,
		Text: "people in my year keep voting on whos the ugliest and i was in it today. i dont want a big thing made of it",
	})
	named.triage(8, 13*60+2, 2, "Seen at once; spoken with after lunch.")
	named.spoke(8, 13*60+25, "Does not want the class told. Wants the vote gone and to sit elsewhere in science.")
	named.reply(8, 13*60+50, "Thank you for telling us. The vote is gone, and nobody was told who told. Come to room 4 whenever you like.")
	named.parents(7, 9*60+20, "The mother, as the pupil wished.")
	named.note(6, 11*60+15, "dsl", "The two who made it were spoken with. Both thought of it as a joke until they were asked how it would be to stand last.")

	friend := &caseRun{f: f, add: add, lead: "dsl"}
	friend.tell(13, 10*60+52, "", concerns.Telling{
		Form: "story-told-2", About: "friend", What: "feel", Text: "my friend says she feels bad all the time and i dont know who to say it to. she is in year 9 and has the art club on tuesday",
	})
	friend.triage(13, 11*60+8, 2, "")
	friend.reply(13, 11*60+30, "You did right. We look after your friend, and nobody is told that you wrote. Childline is there for you too, day and night: 0800 1111.")
	friend.note(12, 15*60+20, "dsl", "The art teacher knows whom it may be, and has asked how things are, as she does with everybody.")
	friend.close(6, 15*60+30, "watch", "The pupil has found the nurse's open hour by herself and goes there.", "")

	home := &caseRun{f: f, add: add, lead: "ddsl"}
	home.tell(18, 9*60+3, "parent", concerns.Telling{
		Form: "story-told-3", About: "child", What: "upset", UseName: true, Contact: "By telephone after four",
		Text: "Maisie saw a film of a car accident on the bus, on an older child's phone, and has not slept well since.",
	})
	home.triage(18, 9*60+25, 2, "")
	home.spoke(18, 10*60+40, "Would like to sit in front for a while.")
	home.parents(18, 15*60+2, "The mother, who told us.")
	home.close(15, 15*60+8, "accidental", "Sits in front with a friend. The driver and the older children were spoken with.", "")
}

// reopened came up again after it was closed; another was a mistake.
func (f *filling) reopened(add adder) {
	c := &caseRun{f: f, add: add, lead: "dsl"}
	c.report(35, 9*60+15, f.colleague(9), concerns.Report{
		Kind: "bullying", Also: []string{"bullying"}, Account: "A pupil is sent the same picture of a crying baby by many, whenever they answer in class.",
		People: f.by("senior", 70, "harmed"), Place: "Messages in lessons",
	})
	c.triage(35, 9*60+40, 2, "")
	c.spoke(35, 14*60+50, "It began after a presentation. They would like it to stop without names.")
	c.step(35, 15*60+1, "dsl", func(ctx context.Context, w *concerns.Whole) error {
		for _, e := range w.Entries {
			if e.Kind == concerns.EntryAccount {
				return f.h.Concerns.Amend(ctx, c.id, w.Version, e.ID,
					"A pupil is sent the same picture of a crying baby by three others, whenever they answer in class.", "Not many but three, as the pupil says.")
			}
		}
		return nil
	})
	c.parents(34, 9*60+45, "The father, by telephone.")
	c.close(31, 15*60+10, "resolved", "The form talked about it without names. Quiet for a week.", "")
	c.add(17, 9*60+50, "dsl", func(ctx context.Context) error {
		if c.id == "" {
			return nil
		}
		return f.h.Concerns.GivePurpose(ctx, c.id, concerns.Purposes[0].Value)
	})
	c.step(17, 9*60+51, "dsl", func(ctx context.Context, w *concerns.Whole) error {
		return f.h.Concerns.Reopen(ctx, c.id, w.Version, "It has begun again, from a new account.")
	})
	c.act(17, 10*60+2, concerns.Doing{Kind: "outside", What: "Asked the service to close the account; it did the same day.", Done: true})
	c.close(10, 15*60+25, "resolved", "The account is closed. The one behind it told us by themselves.", "")

	twice := &caseRun{f: f, add: add, lead: "dsl"}
	twice.report(27, 10*60+33, f.colleague(2), concerns.Report{
		Kind: "time-online", Account: "Sleepy in period 1. (Written to the wrong pupil, see the next one.)", People: f.by("senior", 12, "harmed"),
	})
	twice.step(27, 10*60+50, "dsl", func(ctx context.Context, w *concerns.Whole) error {
		return f.h.Concerns.Void(ctx, twice.id, w.Version, "It was written about another pupil of the same first name, and is kept there.")
	})
}

// sanctioned ends in a sanction by the behaviour policy, after the head looked.
func (f *filling) sanctioned(add adder) {
	c := &caseRun{f: f, add: add, lead: "dsl"}
	c.report(29, 13*60+20, f.cast["computing"], concerns.Report{
		Kind: "misuse", Account: "Signed in as a teacher with a password read over the shoulder, and changed marks in a practice test.",
		People: f.by("senior", 33, "harmer"), Place: "Computer room 1", Done: "Password changed, marks put back.",
	})
	c.triage(29, 13*60+45, 2, "")
	c.spoke(29, 14*60+40, "“I wanted to see if it works. I did not think of it as stealing.”")
	c.parents(28, 9*60+25, "Both parents, here in school.")
	c.investigated(28, 9*60+55, "The pupil told everything. Nobody else was in it.")
	c.step(26, 12*60+10, "dsl", func(ctx context.Context, w *concerns.Whole) error {
		return f.h.Concerns.Act(ctx, c.id, w.Version, concerns.Doing{
			Kind: "sanction", Grade: "equipment", Approver: "Amira Quist, head teacher", Clause: "Behaviour policy, section 4: misuse of equipment",
			What: "No school laptop outside lessons. Coursework in the library.", Until: f.c.Now().Add(7 * 24 * time.Hour),
		})
	})
	c.close(20, 15*60+18, "resolved", "The week is over, and the pupil helped Mr Wexcombe to set up screens that cannot be read from the side.", "")
}

// pending are concerns of the last days: one that nobody has opened in its
// time, one of yesterday, and two that somebody goes on with.
func (f *filling) pending(add adder) {
	late := &caseRun{f: f, add: add, lead: "dsl"}
	late.report(5, 9*60+10, f.colleague(17), concerns.Report{
		Kind: "bullying", Also: []string{"bullying"}, Account: "Names are called in the comments under the films of the swimming club, always for the same pupil.",
		People: f.by("senior", 90, "harmed"), Place: "The club's page",
	})
	going := &caseRun{f: f, add: add, lead: "dsl"}
	going.report(3, 10*60+12, f.colleague(20), concerns.Report{
		Kind: "gambling", Account: "Plays a game with prize boxes in every break and borrows money for it.", People: f.by("senior", 25, "harmed"), Place: "Yard",
	})
	going.triage(3, 10*60+40, 1, "")
	going.act(2, 9*60+35, concerns.Doing{Kind: "support", What: "Ask in form time how breaks are, and tell R. Oyelaran by the end of the week.", GivenTo: "Bethan Roscarrow"})
	going.parents(2, 14*60+25, "The father; he has stopped the card.")

	fresh := &caseRun{f: f, add: add, lead: "dsl"}
	fresh.report(1, 14*60+20, f.cast["teacher"], concerns.Report{
		Kind: "harmful-content", Account: "A tablet showed an advertisement with a frightening mask during reading. Two children did not want to go on.",
		People: f.by("junior", 21, "harmed"), Place: "Tablet trolley 1", Done: "Read a story together instead.",
	})
	today := &caseRun{f: f, add: add, lead: "dsl"}
	today.report(0, 9*60+4, f.colleague(1), concerns.Report{
		Kind: "messages", Account: "Two pupils came in cross about messages sent last night, and sit apart now.", People: f.by("senior", 61, "harmed"),
	})
}
