// Makes cases.jsonl: texts and annotations by chance, and what golang/protobuf v1.5.4 and Go's base32, which Flyte
// reads annotations with, make of them.
//
//	go run . > cases.jsonl
package main

import (
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/golang/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// One case: what went in (text, or hex when that isn't UTF-8; or an annotation), and what came out.
type row struct {
	Text       string            `json:"text,omitempty"`
	Hex        string            `json:"hex,omitempty"`
	Annotation string            `json:"annotation,omitempty"`
	Fields     map[string]string `json:"fields,omitempty"`
	FieldsHex  map[string]string `json:"fields_hex,omitempty"`
	Mount      int32             `json:"mount,omitempty"`
	Error      string            `json:"error,omitempty"`
}

var alphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz123456").WithPadding(base32.NoPadding)

func main() {
	message := secret()
	random := rand.New(rand.NewSource(1))
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	seen := map[string]bool{}
	for len(seen) < 2000 {
		text := document(random)
		if text == "" || seen[text] {
			continue
		}
		seen[text] = true
		var r row
		if utf8.ValidString(text) {
			r.Text = text
		} else {
			r.Hex = hex.EncodeToString([]byte(text))
		}
		parse(message, text, &r)
		check(out.Encode(r))
	}
	for len(seen) < 2400 {
		annotation := scratch(random, alphabet.EncodeToString([]byte(document(random))))
		if annotation == "" || seen[annotation] {
			continue
		}
		seen[annotation] = true
		r := row{Annotation: annotation}
		if text, err := alphabet.DecodeString(annotation); err != nil {
			r.Error = err.Error()
		} else {
			parse(message, string(text), &r)
		}
		check(out.Encode(r))
	}
}

func parse(descriptor protoreflect.MessageDescriptor, text string, r *row) {
	defer func() {
		if recovered := recover(); recovered != nil {
			r.Error = "panic"
		}
	}()
	message := dynamicpb.NewMessage(descriptor)
	if err := proto.UnmarshalText(text, message); err != nil {
		// The generated type is called by its Go name.
		r.Error = strings.ReplaceAll(strings.ToValidUTF8(err.Error(), "\uFFFD"), "dynamicpb.Message", "core.Secret")
		return
	}
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		name := string(field.Name())
		switch {
		case name == "mount_requirement":
			r.Mount = int32(value.Enum())
		case utf8.ValidString(value.String()):
			if r.Fields == nil {
				r.Fields = map[string]string{}
			}
			r.Fields[name] = value.String()
		default:
			if r.FieldsHex == nil {
				r.FieldsHex = map[string]string{}
			}
			r.FieldsHex[name] = hex.EncodeToString([]byte(value.String()))
		}
		return true
	})
}

// A text: most often well-formed or nearly so, sometimes tokens in any order, sometimes bytes.
func document(random *rand.Rand) string {
	switch random.Intn(40) {
	case 0:
		bytes := make([]byte, random.Intn(12))
		random.Read(bytes)
		return string(bytes)
	case 1, 2:
		var text strings.Builder
		for range random.Intn(8) {
			text.WriteString(pick(random, fields, values, marks, spaces))
		}
		return text.String()
	}
	var text strings.Builder
	names := random.Perm(5)[:random.Intn(5)]
	for _, i := range names {
		name := fields[i]
		if odd(random, 60) {
			name = pick(random, fields, values, marks)
		}
		value := literals(random)
		if name == "mount_requirement" || odd(random, 60) {
			value = pick(random, values, values, values, values, values, marks)
		}
		colon := ":"
		if odd(random, 60) {
			colon = pick(random, marks, spaces)
		}
		text.WriteString(name + space(random) + colon + space(random) + value + space(random))
		if odd(random, 40) {
			text.WriteString(pick(random, marks))
		} else {
			text.WriteString(pick(random, []string{" ", "\n", ";", ",", "\n", ""}))
		}
	}
	return text.String()
}

func literals(random *rand.Rand) string {
	text := literal(random)
	for odd(random, 5) {
		text += space(random) + literal(random)
	}
	return text
}

func literal(random *rand.Rand) string {
	quote := pick(random, []string{`"`, `"`, `'`})
	end := quote
	if odd(random, 40) {
		end = pick(random, marks)
	}
	inside := ""
	for range random.Intn(5) {
		if odd(random, 30) {
			inside += pick(random, bad)
		} else {
			inside += pick(random, good)
		}
	}
	return quote + inside + end
}

// An annotation as it is, or with something changed in it.
func scratch(random *rand.Rand, annotation string) string {
	for odd(random, 3) {
		at := random.Intn(len(annotation) + 1)
		end := at + random.Intn(min(4, len(annotation)-at+1))
		annotation = annotation[:at] + pick(random, []string{"", "", "a", "6", "\n", "\r", "0", "7", "9", "=", "A", "é", " "}) + annotation[end:]
		annotation = strings.ToValidUTF8(annotation, "")
	}
	return annotation
}

func space(random *rand.Rand) string {
	switch {
	case odd(random, 200):
		return pick(random, noSpaces)
	case odd(random, 3):
		return pick(random, spaces)
	}
	return " "
}

func odd(random *rand.Rand, in int) bool { return random.Intn(in) == 0 }

func pick(random *rand.Rand, lists ...[]string) string {
	list := lists[random.Intn(len(lists))]
	return list[random.Intn(len(list))]
}

var (
	fields = []string{"group", "group_version", "key", "mount_requirement", "env_var",
		"Group", "groupVersion", "KEY", "envVar", "mountRequirement", "key2", "3", "ke", "key.", "k-ey", `"key"`, "flyteidl.core.Secret.key", "é"}
	values = []string{"ANY", "ENV_VAR", "FILE", "0", "1", "2", "FILE", "ENV_VAR", "file", "env_var", "-1", "+2", "7", "0x1", "0X2", "0x1F", "017", "08",
		"0o17", "0O2", "0b10", "0B1", "0b2", "1_0", "1__0", "_1", "1_", "0_1", "0x_2", "0_x2", "00", "-0", "--1", "- 1", "1.0", "1e3", "2147483647", "2147483648",
		"-2147483648", "-2147483649", "0x7fffffff", "0x80000000", "0xffffffff", "-0x80000000", "99999999999999999999", "true", "inf", `"FILE"`, `'2'`, "FILE.", "ENV-VAR"}
	marks = []string{"<", ">", "{", "}", ":", "[", "]", ";", ",", "/", "", "::", ";;", ",,", "{}", "<>", "[]", "#", "\"", "'", "\\", "=", "$", "\x00", "\xff", "é", ".", "-",
		"[a.b]", "[a/b]", "[a/b] {}", `["a/b"]`, "[", "/* c */", "// c\n", "# c\n", "key: 'z'", "\xef\xbb\xbf"}
	spaces   = []string{"", " ", "  ", "\t", "\n", "\r", "\r\n", "# c\n", "#\n", "# \"'\\\n", "#\xff\n"}
	noSpaces = []string{"#", "\v", "\f", "\u00a0"}
	good     = []string{"a", "user-info", "é", "😀", "arn:aws:x/y", " ", "\t", "\r", "#", ";", "$", `\n`, `\r`, `\t`, `\"`, `\'`, `\\`, `\?`, `\a`, `\b`, `\f`, `\v`,
		`\101`, `\000`, `\303\251`, `\x41`, `\X4a`, `\xC3\xa9`, `\u00e9`, `\U0001F600`, `\0012`, `\x411`, `\ufeff`, `\u0000`, "\x00", "\x7f"}
	bad = []string{`\0`, `\00`, `\08`, `\400`, `\777`, `\8`, `\x`, `\x4`, `\xg0`, `\x+1`, `\x_1`, `\u12`, `\u00g0`, `\ud83d\ude00`, `\ud83d`, `\U00110000`, `\U0010ffff`,
		`\Uffffffff`, `\U0000d800`, `\q`, `\é`, `\N`, `\ `, "\\\n", "\n", "\xff", "\xc3", `\xff`, `\377`, `\303`, `\x80`, `"`, `'`, `\`, `\u`, `\U0001`, "\\\xff", "\\0\u00e9"}
)

// The descriptor of flyteidl.core.Secret.
func secret() protoreflect.MessageDescriptor {
	label := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()
	field := func(name string, number int32) *descriptorpb.FieldDescriptorProto {
		return &descriptorpb.FieldDescriptorProto{Name: &name, Number: &number, Label: label, Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum()}
	}
	mount := field("mount_requirement", 4)
	mount.Type = descriptorpb.FieldDescriptorProto_TYPE_ENUM.Enum()
	mount.TypeName = proto.String(".flyteidl.core.Secret.MountType")
	value := func(name string, number int32) *descriptorpb.EnumValueDescriptorProto {
		return &descriptorpb.EnumValueDescriptorProto{Name: &name, Number: &number}
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("flyteidl/core/security.proto"), Package: proto.String("flyteidl.core"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{
			Name:  proto.String("Secret"),
			Field: []*descriptorpb.FieldDescriptorProto{field("group", 1), field("group_version", 2), field("key", 3), mount, field("env_var", 5)},
			EnumType: []*descriptorpb.EnumDescriptorProto{{
				Name:  proto.String("MountType"),
				Value: []*descriptorpb.EnumValueDescriptorProto{value("ANY", 0), value("ENV_VAR", 1), value("FILE", 2)},
			}},
		}},
	}, nil)
	check(err)
	return file.Messages().Get(0)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
