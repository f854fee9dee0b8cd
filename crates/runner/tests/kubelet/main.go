// Shows what the kubelet itself makes of env files and of `$(NAME)`: its own packages are asked, and the answers are
// what the runner's tests hold it to.
//
//	go run . > observed.jsonl             the cases below
//	go run . 100000 7 > /tmp/more.jsonl   and that many by chance, from that seed
package main

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/kubernetes/pkg/kubelet/util/env"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
)

// One question and its answer. Bytes are written as the characters of the same number, since JSON has no bytes.
type row struct {
	// An env file: Before, then Xs times an x, then After.
	Key    string `json:"key,omitempty"`
	Before string `json:"before,omitempty"`
	Xs     int    `json:"xs,omitempty"`
	After  string `json:"after,omitempty"`
	// The answer: a value ("" is also that for "no such key"), its length alone if it is long, or an error.
	Value  string `json:"value,omitempty"`
	Length int    `json:"length,omitempty"`
	Error  string `json:"error,omitempty"`
	// A text with references, and the text that it becomes.
	Text     string `json:"text,omitempty"`
	Expanded string `json:"expanded,omitempty"`
}

var files = []row{
	{Key: "A", Before: ""},
	{Key: "A", Before: "A='1'\n"},
	{Key: "A", Before: "A='1'"},
	{Key: "B", Before: "A='1'\nB='2'\n"},
	{Key: "C", Before: "A='1'\nB='2'\n"},
	{Key: "A", Before: "A='1'\nA='2'\n"},
	{Key: "A", Before: "A=''\nA='2'\n"},
	{Key: "A", Before: "A='one\ntwo\n\nthree\n'\n"},
	{Key: "A", Before: "A='\n'\n"},
	{Key: "A", Before: "\n \t\n# A='no'\n \t# B\n \tA='1'\n"},
	{Key: "A", Before: "A='# no comment' # comment\n"},
	{Key: "A", Before: "A='1'# comment"},
	{Key: "A", Before: "A='1' \t"},
	{Key: "A", Before: "A='1' '2'\n"},
	{Key: "A", Before: "A='1''2'\n"},
	{Key: "A", Before: "A='it'\\''s'\n"},
	{Key: "A", Before: "A='1'x\n"},
	{Key: "A", Before: "A=1\n"},
	{Key: "A", Before: "A=\"1\"\n"},
	{Key: "A", Before: "A=\n"},
	{Key: "A", Before: "A= '1'\n"},
	{Key: "A", Before: "A=\t\nA='1'\n"},
	{Key: "B", Before: "A= 'never closed\nB='2'\n"},
	{Key: "A", Before: "A ='1'\n"},
	{Key: "A", Before: "A\t='1'\n"},
	{Key: "A", Before: "='1'\n"},
	{Key: "A", Before: "export A='1'\n"},
	{Key: "export A", Before: "export A='1'\n"},
	{Key: "A", Before: "A\n"},
	{Key: "A", Before: "A='never closed\nB='2'\n"},
	{Key: "A", Before: "A='never closed"},
	{Key: "A", Before: "A='1'\nbroken\n"},
	{Key: "B", Before: "A='1'\nbroken\nB='2'\n"},
	{Key: "A", Before: "A='1'\r\n"},
	{Key: "A", Before: "A='1'\r"},
	{Key: "A", Before: "A='one\r\ntwo\r\r\nthree\r'\r\n"},
	{Key: "A", Before: "A='1\r"},
	{Key: "A", Before: "\r\nA='1'\n"},
	{Key: "A", Before: "\r\r\nA='1'\n"},
	{Key: "A", Before: "\vA='1'\n"},
	{Key: "A", Before: "A='$B ${B} $(B) `b` \\n \" \\'\n"},
	{Key: "A", Before: "A='a=b=c'\n"},
	{Key: "A", Before: "A='\x00\x01\xff\xfe'\n"},
	{Key: "\xc3\xbc", Before: "\xc3\xbc='\xc3\xbc'\n"},
	{Key: "A", Before: "\xef\xbb\xbfA='1'\n"},
	{Key: "a", Before: "A='1'\n"},
	{Key: "A", Before: "A=' 1\t'\n"},
	{Key: "A", Before: "A='", Xs: 65531, After: "'\n"},
	{Key: "A", Before: "A='", Xs: 65532, After: "'\n"},
	{Key: "A", Before: "A='", Xs: 65531, After: "'\r\n"},
	{Key: "A", Before: "A='", Xs: 65531, After: "'"},
	{Key: "A", Before: "A='", Xs: 65532, After: "'"},
	{Key: "A", Before: "A='\n", Xs: 65535, After: "\n'\n"},
	{Key: "A", Before: "A='\n", Xs: 65536, After: "\n'\n"},
	{Key: "A", Before: "#", Xs: 65535, After: "\nA='1'\n"},
	{Key: "A", Before: "A='1'\n#", Xs: 70000, After: "\n"},
	{Key: "A", Before: "B='", Xs: 60000, After: "'\nA='1'\n"},
}

var texts = []string{
	"x", "$(A)", "$(A)$(A)", "<$(B)>", "$(EMPTY)", "$(NONE)", "$()", "$$(A)", "$$$(A)", "$$$$(A)", "$A ${A} $", "$$", "$x$(A)",
	"$(A", "$(A$(A", "$(A$(A)", "$(A))", "$($$)", "$)(A)", "a$", "\xc3\xbc$\xc3\xbc$(A)",
}

var values = map[string]string{"A": "a", "B": "$(A)", "EMPTY": ""}

func main() {
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for _, file := range files {
		out.Encode(parsed(file))
	}
	for _, text := range texts {
		out.Encode(expanded(text))
	}
	if len(os.Args) < 3 {
		return
	}
	count, seed := number(os.Args[1]), number(os.Args[2])
	chance := rand.New(rand.NewSource(int64(seed)))
	for range count {
		parts := []string{"A", "B", "=", "'", "\n", "\r", " ", "\t", "#", "x", "\x00", "\xff", "A='", "B='", "'\n", "=' '"}
		if chance.Intn(4) != 0 {
			parts = []string{"A='x'\n", "A='\xff\r\n\r'\n", "B='", "'\n", "x='A'#\n", "\r\n", " \t", "# B='1'\n", "B='y'"}
		}
		out.Encode(parsed(row{Key: []string{"A", "B", "x"}[chance.Intn(3)], Before: pick(chance, parts)}))
		out.Encode(expanded(pick(chance, []string{"$", "(", ")", "A", "B", "$(", "$(A)", "$(EMPTY)", "x", "\xc3\xbc"})))
	}
}

func pick(chance *rand.Rand, parts []string) string {
	var text strings.Builder
	for range chance.Intn(16) {
		text.WriteString(parts[chance.Intn(len(parts))])
	}
	return text.String()
}

// The file's name differs from run to run.
var name = regexp.MustCompile(` "[^"]*/envfile[^"]*"`)

func parsed(r row) row {
	file, err := os.CreateTemp("", "envfile")
	check(err)
	defer os.Remove(file.Name())
	_, err = file.WriteString(r.Before + strings.Repeat("x", r.Xs) + r.After)
	check(err)
	check(file.Close())
	value, err := env.ParseEnv(file.Name(), r.Key)
	r.Key, r.Before, r.After = wide(r.Key), wide(r.Before), wide(r.After)
	switch {
	case err != nil:
		r.Error = name.ReplaceAllString(err.Error(), "")
	case len(value) > 1000:
		r.Length = len(value)
	default:
		r.Value = wide(value)
	}
	return r
}

func expanded(text string) row {
	return row{Text: wide(text), Expanded: wide(expansion.Expand(text, expansion.MappingFuncFor(values)))}
}

// Bytes as the characters of the same number.
func wide(bytes string) string {
	var text strings.Builder
	for _, b := range []byte(bytes) {
		text.WriteRune(rune(b))
	}
	return text.String()
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
