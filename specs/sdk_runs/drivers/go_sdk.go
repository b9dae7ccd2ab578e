// Sends events through a Go SDK, whose import path stands for SDK below, with a JSON script on standard input.

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"sync"
	"time"

	analytics "SDK"
)

type script struct {
	WriteKey, ApiHost string
	Sequences         []struct {
		DelayMs int
		Events  []json.RawMessage
	}
	Config struct{ FlushAt, FlushInterval, CloseMs int }
}

// report keeps what the SDK says of each event.
type report struct {
	lock   sync.Mutex
	open   sync.WaitGroup
	errors []string
}

func (r *report) Success(analytics.Message) { r.open.Done() }

func (r *report) Failure(_ analytics.Message, err error) {
	r.add(err)
	r.open.Done()
}

func (r *report) add(err error) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.errors = append(r.errors, err.Error())
}

func main() {
	var given script
	check(json.NewDecoder(os.Stdin).Decode(&given))
	said := &report{errors: []string{}}
	client, err := analytics.NewWithConfig(given.WriteKey, analytics.Config{
		Endpoint:  given.ApiHost,
		BatchSize: given.Config.FlushAt,
		Interval:  time.Duration(given.Config.FlushInterval) * time.Millisecond,
		Callback:  said,
		Logger:    analytics.StdLogger(log.New(io.Discard, "", 0)),
	})
	check(err)
	for _, sequence := range given.Sequences {
		time.Sleep(time.Duration(sequence.DelayMs) * time.Millisecond)
		for _, event := range sequence.Events {
			said.open.Add(1)
			if err := client.Enqueue(message(event)); err != nil {
				said.add(err)
				said.open.Done()
			}
		}
	}
	wait(said, client, given.Config.CloseMs)
	said.lock.Lock()
	check(json.NewEncoder(os.Stdout).Encode(map[string]any{"success": len(said.errors) == 0, "errors": said.errors}))
}

// wait waits until the SDK has said something of each event, or until the time is over.
func wait(said *report, client analytics.Client, closeMs int) {
	if closeMs == 0 {
		closeMs = 45000
	}
	done := make(chan bool)
	go func() {
		said.open.Wait()
		client.Close() // not before: a closed client does not send again
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(time.Duration(closeMs) * time.Millisecond):
	}
}

func message(event json.RawMessage) analytics.Message {
	var kind struct{ Type string }
	check(json.Unmarshal(event, &kind))
	switch kind.Type {
	case "track":
		return parsed[analytics.Track](event)
	case "identify":
		return parsed[analytics.Identify](event)
	case "page":
		return parsed[analytics.Page](event)
	case "screen":
		return parsed[analytics.Screen](event)
	case "group":
		return parsed[analytics.Group](event)
	case "alias":
		return parsed[analytics.Alias](event)
	}
	panic("no call for " + kind.Type)
}

func parsed[Message any](event json.RawMessage) Message {
	var made Message
	check(json.Unmarshal(event, &made))
	return made
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
