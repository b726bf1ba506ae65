package content

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"belisha/internal/gate/content/text"
	"belisha/lists"
)

// What AI services send is read as it is put together on the screen, in the
// ways in which the services that are known send it.
func TestAnswersOfAIServicesAreReadAsTheyAreWritten(t *testing.T) {
	w := newWorld(t, strict())
	const events = "text/event-stream"
	tests := []struct {
		name, typ string
		pieces    []string
		closed    bool
	}{
		{"deltas of messages", events, []string{`data: {"choices":[{"delta":{"role":"assistant","content":"a bad"}}]}` + "\n\n", `data: {"choices":[{"delta":{"content":"word "}}]}` + "\n\n", "data: [DONE]\n\n"}, true},
		{"patches of JSON", events, []string{`event: delta` + "\n" + `data: {"p":"/message/content/parts/0","o":"append","v":"a bad"}` + "\n\n", `data: {"v":"word"}` + "\n\n", `data: {"p":"","o":"patch","v":[{"p":"/message/content/parts/0","o":"append","v":" to"}]}` + "\n\n"}, true},
		{"deltas with pings between", events, []string{`event: content_block_delta` + "\n" + `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a bad"}}` + "\n\n", "event: ping\ndata: {\"type\": \"ping\"}\n\n", `event: content_block_delta` + "\n" + `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"word "}}` + "\n\n"}, true},
		{"patches with a path once", events, []string{`data: {"v": {"response": {"content": ""}}}` + "\n\n", `data: {"p": "response/content", "v": "bad"}` + "\n\n", `data: {"v": "word"}` + "\n\n"}, true},
		{"lines that begin with a figure", "text/plain; charset=utf-8", []string{`0:"a bad"` + "\n", `0:"word "` + "\n", `d:{"finishReason":"stop"}` + "\n"}, true},
		{"lines of patches", events, []string{`15:[{"type":"message","patches":[{"op":"append","path":"/contentChunks/0/text","value":"bad"}]}]` + "\n", `15:[{"type":"message","patches":[{"op":"append","path":"/contentChunks/0/text","value":"word"}]}]` + "\n"}, true},
		{"objects in lines", "application/json", []string{`{"result":{"response":{"token":"bad","isThinking":false}}}` + "\n", `{"result":{"response":{"token":"word"}}}` + "\n"}, true},
		{"objects in lines that call themselves so", "application/x-ndjson", []string{`{"message":{"role":"assistant","content":"bad"},"done":false}` + "\n", `{"message":{"content":"word"},"done":false}` + "\n"}, true},
		{"arrays in strings in arrays", "application/json; charset=utf-8", []string{")]}'\n\n84\n", `[["wrb.fr",null,"[null,[\"c_1\"],null,null,[[\"rc_1\",[\"here is\\nbadword now\"]]]]"]]` + "\n"}, true},
		{"the whole text each time", events, []string{`data: {"text":"{\"answer\": \"a bad\"}"}` + "\r\n\r\n", `data: {"text":"{\"answer\": \"a badword so\"}"}` + "\r\n\r\n"}, true},
		{"text as it comes", "text/plain", []string{"a ba", "dword", " so"}, true},
		{"a page at once", "application/json", []string{`{"choices":[{"message":{"content":"a badword"}}]}`}, true},
		{"what is fine", events, []string{`data: {"choices":[{"delta":{"content":"a good"}}]}` + "\n\n", `data: {"choices":[{"delta":{"content":"day"}}]}` + "\n\n"}, false},
		{"two answers that are two words", events, []string{`data: {"choices":[{"delta":{"content":"bad "}}]}` + "\n\n", `data: {"choices":[{"delta":{"content":"word"}}]}` + "\n\n"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.serve = func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", tt.typ)
				for _, p := range tt.pieces {
					_, _ = rw.Write([]byte(p))
					_ = http.NewResponseController(rw).Flush()
				}
			}
			got := w.do("chat.test", get("/api/x"))
			if closed := got.blocked() || got.err != nil; closed != tt.closed {
				t.Errorf("closed %v: %+v %v", closed, got.response, got.err)
			}
			if want := strings.Join(tt.pieces, ""); !tt.closed && string(got.body) != want {
				t.Errorf("%q came, %q was sent", got.body, want)
			}
		})
	}
}

// What somebody wrote is found in what the services' own pages send.
func TestPromptsAreFoundInWhatPagesSend(t *testing.T) {
	services, err := lists.AIServices()
	if err != nil {
		t.Fatal(err)
	}
	known := lists.NewChats(services)
	const js, form = "application/json", "application/x-www-form-urlencoded"
	escape := url.QueryEscape
	tests := []struct{ name, host, path, typ, body string }{
		{"ChatGPT", "chatgpt.com", "/backend-api/f/conversation", js, `{"action":"next","messages":[{"id":"a1","author":{"role":"user"},"create_time":1.5,"content":{"content_type":"text","parts":["why do rivers bend"]},"metadata":{"system_hints":[],"selected_sources":[]}}],"conversation_id":"c","parent_message_id":"p","model":"auto","timezone":"Europe/London","supported_encodings":["v1"]}`},
		{"ChatGPT with a picture", "chatgpt.com", "/backend-api/conversation", js, `{"messages":[{"content":{"content_type":"multimodal_text","parts":[{"content_type":"image_asset_pointer","asset_pointer":"file-service://file-x","size_bytes":1},"why do rivers bend"]}}]}`},
		{"Copilot over a WebSocket", "copilot.microsoft.com", "/c/api/chat", js, `{"event":"send","conversationId":"x y","content":[{"type":"text","text":"why do rivers bend"}],"mode":"chat","context":{"edge":"NonContextual"}}`},
		{"Microsoft 365", "substrate.office.com", "/m365Copilot/Chathub/x", js, `{"arguments":[{"source":"officeweb","message":{"author":"user","inputMethod":"Keyboard","text":"why do rivers bend","messageType":"Chat"}}],"target":"chat","type":4}` + "\x1e"},
		{"Gemini", "gemini.google.com", "/_/BardChatUi/data/assistant.lamda.BardFrontendService/StreamGenerate", form, "f.req=" + escape(`[null,"[[\"why do rivers bend\",0,null,null,null,null,0],[\"en-GB\"],[\"\",\"\",\"\",null]]"]`) + "&at=A1%3A2&"},
		{"an organization in the path", "claude.ai", "/api/organizations/o/chat_conversations/c/completion", js, `{"prompt":"why do rivers bend","parent_message_uuid":"x","timezone":"Europe/London","personalized_styles":[{"type":"default","key":"Default","name":"Normal","prompt":""}],"locale":"en-GB","tools":[],"attachments":[],"files":[]}`},
		{"Perplexity", "www.perplexity.ai", "/rest/sse/perplexity_ask", js, `{"params":{"attachments":[],"language":"en-GB","search_focus":"internet","dsl_query":"why do rivers bend","version":"2.18"},"query_str":"why do rivers bend"}`},
		{"DeepSeek", "chat.deepseek.com", "/api/v0/chat/completion", js, `{"chat_session_id":"x","parent_message_id":null,"prompt":"why do rivers bend","ref_file_ids":[],"thinking_enabled":false}`},
		{"Mistral", "chat.mistral.ai", "/api/chat", js, `{"chatId":"x","mode":"append","messageInput":[{"type":"text","text":"why do rivers bend"}],"messageFiles":[]}`},
		{"Mistral, the older way", "chat.mistral.ai", "/api/chat", js, `{"chatId":"x","mode":"append","messageInput":"why do rivers bend"}`},
		{"Poe", "poe.com", "/api/gql_POST", js, `{"queryName":"sendMessageMutation","variables":{"chatId":1,"bot":"Assistant","query":"why do rivers bend","source":{"sourceType":"chat_input"}},"extensions":{"hash":"abc"}}`},
		{"Meta AI", "www.meta.ai", "/api/graphql/", form, "fb_dtsg=a&variables=" + escape(`{"message":{"sensitive_string_value":"why do rivers bend"},"externalConversationId":"0b1c","offlineThreadingId":"71","suggestedPromptIndex":null,"entrypoint":"ABRA__CHAT__TEXT"}`) + "&doc_id=1"},
		{"Grok", "grok.com", "/rest/app-chat/conversations/new", js, `{"temporary":false,"modelName":"grok-3","message":"why do rivers bend","fileAttachments":[],"customPersonality":"","deviceEnvInfo":{"darkModeEnabled":true}}`},
		{"Character.AI over a WebSocket", "neo.character.ai", "/ws/", js, `{"command":"create_and_generate_turn","payload":{"character_id":"x","tts_enabled":false,"turn":{"turn_key":{"turn_id":"a","chat_id":"b"},"author":{"author_id":"1","is_human":true,"name":"Robin"},"candidates":[{"candidate_id":"q","raw_content":"why do rivers bend"}],"primary_candidate_id":"q"}},"origin_id":"web-next"}`},
		{"Duck.ai", "duckduckgo.com", "/duckchat/v1/chat", js, `{"model":"gpt-4o-mini","metadata":{"toolChoice":{"NewsSearch":false}},"messages":[{"role":"user","content":"why do rivers bend"}],"canUseTools":true}`},
		{"HuggingChat", "huggingface.co", "/chat/conversation/x", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n" + `{"inputs":"why do rivers bend","id":"x-y","is_retry":false,"is_continue":false,"web_search":false,"tools":[]}` + "\r\n--b--\r\n"},
		{"a programs' interface", "api.openai.com", "/v1/responses", js, `{"model":"gpt-5","input":[{"role":"user","content":[{"type":"input_text","text":"why do rivers bend"}]}]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			service, fields, ok := known.Service(tt.host, tt.path)
			if !ok {
				t.Fatal("nobody knows the service")
			}
			q := &asked{r: post(tt.path, tt.typ, ""), typ: text.ParseType([]string{tt.typ})}
			if got := q.written([]byte(tt.body), fields); got != "why do rivers bend" {
				t.Errorf("%s: %q was written", service, got)
			}
		})
	}
}
