//go:build linux

package stories_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
)

// wifi is the school's access point, which says by RADIUS who signed in on the
// device at hand, or is gone from it: wifi SECRET on USER, wifi SECRET off USER.
func wifi(s *story, args []string) error {
	kind, ok := map[string]rfc2866.AcctStatusType{"on": rfc2866.AcctStatusType_Value_Start, "off": rfc2866.AcctStatusType_Value_Stop}[args[1]]
	if !ok || len(args) != 3 {
		return errors.New("usage: wifi SECRET on|off USER")
	}
	p := radius.New(radius.CodeAccountingRequest, []byte(args[0]))
	err := errors.Join(
		rfc2866.AcctStatusType_Set(p, kind), rfc2866.AcctSessionID_SetString(p, "story "+s.at+" "+args[2]),
		rfc2865.UserName_SetString(p, args[2]), rfc2865.FramedIPAddress_Set(p, net.ParseIP(s.at).To4()),
		rfc2865.NASIdentifier_SetString(p, "Access point of the hall"),
	)
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(context.Background(), 3*time.Second)
	defer stop()
	got, err := (&radius.Client{Retry: time.Second}).Exchange(ctx, p, s.ts.Getenv("RADIUS"))
	if err != nil {
		return err
	}
	if got.Code != radius.CodeAccountingResponse {
		return fmt.Errorf("the answer is %v", got.Code)
	}
	return nil
}
