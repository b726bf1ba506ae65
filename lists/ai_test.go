package lists

import (
	"slices"
	"strings"
	"testing"
)

func TestAIServicesAreKnownByTheirAddresses(t *testing.T) {
	services, err := AIServices()
	if err != nil {
		t.Fatal(err)
	}
	c := NewChats(services)
	tests := []struct{ name, host, path, service, field string }{
		{"a conversation", "chatgpt.com", "/backend-api/f/conversation", "chatgpt", "parts"},
		{"one without an account", "chatgpt.com", "/backend-anon/conversation", "chatgpt", "parts"},
		{"a name below", "my-school.openai.azure.com", "/openai/deployments/x/chat/completions", "openai", "content"},
		{"another service", "claude.ai", "/api/organizations/x/chat_conversations/y/completion", "claude", "prompt"},
		{"a form", "gemini.google.com", "/_/BardChatUi/data/x", "gemini", "f.req"},
		{"any country", "www.google.co.uk", "/async/folwr", "ai-mode", "q"},
		{"its page is not where it is written to", "chatgpt.com", "/", "", ""},
		{"another site", "example.org", "/backend-api/conversation", "", ""},
		{"a name that only looks like one", "chatgpt.com.example.org", "/backend-api/x", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name, fields, ok := c.Service(tt.host, tt.path)
			if name != tt.service || ok != (tt.service != "") || ok && !slices.Contains(fields, tt.field) {
				t.Errorf("%q %v %v", name, fields, ok)
			}
		})
	}
	if !c.Answers("chatgpt.com") || c.Answers("example.org") {
		t.Error("who answers is not known")
	}
	for _, s := range services {
		host := strings.TrimSuffix(strings.TrimPrefix(s.Host, "*."), ".*")
		if host != "www.google" && checkHost(host) != nil {
			t.Errorf("%s is no host name", s.Host)
		}
	}
}

func FuzzService(f *testing.F) {
	services, err := AIServices()
	if err != nil {
		f.Fatal(err)
	}
	c := NewChats(services)
	f.Add("chatgpt.com", "/backend-api/x")
	f.Add("www.google.", "//")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, host, path string) {
		name, fields, ok := c.Service(host, path)
		if ok != (name != "") || ok && (len(fields) == 0 || !c.Answers(host)) {
			t.Errorf("%q %q gave %q %v %v", host, path, name, fields, ok)
		}
	})
}
