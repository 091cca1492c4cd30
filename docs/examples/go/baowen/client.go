// Package baowen asks a Baowen service over HTTP. It needs nothing but the standard library.
//
// The types name the fields that are read here; all of them stand in the service's /openapi.json. For gRPC, buf or protoc
// generate a client from proto/baowen/v1.
package baowen

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// Question is what is asked. What is not set is the service's default.
type Question struct {
	Query  string  `json:"query"`
	TopK   *int    `json:"top_k,omitempty"`
	Offset *int    `json:"offset,omitempty"`
	Filter *Filter `json:"filter,omitempty"`
	// Today as 2025-04-19, for words such as 去年 and for what holds today.
	Today string `json:"today,omitempty"`
}

// Filter says which passages may be returned: values of one field are alternatives, several fields must all hold.
type Filter struct {
	Regions []string `json:"regions,omitempty"`
	Years   []int    `json:"years,omitempty"`
	Sources []string `json:"sources,omitempty"`
}

// Span is a stretch of a text in characters, not bytes: see Cut.
type Span struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// Sentence is a sentence of a hit's text.
type Sentence struct {
	Text string `json:"text"`
	Span Span   `json:"span"`
}

// Hit is a passage that was found.
type Hit struct {
	ArticleID    string    `json:"article_id"`
	PassageID    string    `json:"passage_id"`
	Title        string    `json:"title"`
	Text         string    `json:"text"`
	Score        float64   `json:"score"`
	Source       string    `json:"source"`
	Published    string    `json:"published"`
	BestSentence *Sentence `json:"best_sentence"`
	Highlights   []Span    `json:"highlights"`
}

// Answer is what was found, best first.
type Answer struct {
	Hits []Hit `json:"hits"`
	// How likely it is that the collection answers the question; below 0.3 it probably does not.
	Answerable *float64 `json:"answerable"`
	// The question as it was read, if typing errors were corrected.
	Corrected string `json:"corrected"`
}

// Refused is what the service says when it refuses: Code is a name such as INVALID_ARGUMENT.
type Refused struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Field   string `json:"field"`
	Help    string `json:"help"`
}

func (refused *Refused) Error() string {
	return refused.Code + ": " + refused.Message
}

// Client asks the service at an address such as http://127.0.0.1:50051, from any number of goroutines.
type Client struct {
	Address string
	// Token is what a service with tokens wants to see.
	Token string
	HTTP  http.Client
}

// Search answers a question. When the context ends, so does the work.
func (client *Client) Search(ctx context.Context, question Question) (*Answer, error) {
	body, err := json.Marshal(question)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, client.Address+"/v1/search", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("content-type", "application/json")
	if client.Token != "" {
		request.Header.Set("authorization", "Bearer "+client.Token)
	}
	response, err := client.HTTP.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	decoder := json.NewDecoder(response.Body)
	if response.StatusCode != http.StatusOK {
		refused := &Refused{}
		if err := decoder.Decode(refused); err != nil {
			return nil, fmt.Errorf("%s: %w", response.Status, err)
		}
		return nil, refused
	}
	answer := &Answer{}
	if err := decoder.Decode(answer); err != nil {
		return nil, fmt.Errorf("an answer that cannot be read: %w", err)
	}
	return answer, nil
}

// Cut gives the stretch of a text that a span means.
func Cut(text string, span Span) string {
	return string([]rune(text)[span.Start:span.End])
}
