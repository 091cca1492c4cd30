// Asks a running service, a question an argument, all of them at the same time:
//
//	go run . 医保断缴了怎么办 生育津贴怎么领
//
// BAOWEN_ADDRESS names another service than http://127.0.0.1:50051, BAOWEN_TOKEN what it wants to see.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"example/baowen"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "a question is missing: go run . 医保断缴了怎么办")
		os.Exit(2)
	}
	client := &baowen.Client{Address: os.Getenv("BAOWEN_ADDRESS"), Token: os.Getenv("BAOWEN_TOKEN")}
	if client.Address == "" {
		client.Address = "http://127.0.0.1:50051"
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	questions := os.Args[1:]
	answers, errs := make([]*baowen.Answer, len(questions)), make([]error, len(questions))
	var asked sync.WaitGroup
	for i, question := range questions {
		asked.Add(1)
		go func(i int, question string) {
			defer asked.Done()
			three := 3
			answers[i], errs[i] = client.Search(ctx, baowen.Question{
				Query: question,
				TopK:  &three,
				Today: time.Now().Format("2006-01-02"),
			})
		}(i, question)
	}
	asked.Wait()

	failed := false
	for i, question := range questions {
		fmt.Printf("问：%s\n", question)
		if errs[i] != nil {
			fmt.Printf("  %v\n", errs[i])
			failed = true
			continue
		}
		show(answers[i])
	}
	if failed {
		os.Exit(1)
	}

	// What a refusal looks like.
	_, err := client.Search(ctx, baowen.Question{Query: ""})
	var refused *baowen.Refused
	if !errors.As(err, &refused) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("An empty question is refused: %s, field %s\n", refused.Code, refused.Field)
}

func show(answer *baowen.Answer) {
	if answer.Corrected != "" {
		fmt.Printf("  已按“%s”理解\n", answer.Corrected)
	}
	if len(answer.Hits) == 0 || answer.Answerable != nil && *answer.Answerable < 0.3 {
		fmt.Println("  库中多半没有这个问题的答案")
	}
	for _, hit := range answer.Hits {
		sentence := hit.Text
		if hit.BestSentence != nil {
			sentence = hit.BestSentence.Text
		}
		var matched []string
		for _, span := range hit.Highlights {
			matched = append(matched, baowen.Cut(hit.Text, span))
		}
		fmt.Printf("  · %s\n    %s [%s]，命中：%s\n", sentence, hit.Title, hit.PassageID, strings.Join(matched, "、"))
	}
}
