import Testing

@testable import Compose

/// The texts are docker compose 2.40.3's own, found by asking it.
struct YAMLEmitterTests {
    @Test(arguments: [
        ("abc", "abc"), ("", #""""#), ("true", #""true""#), ("y", #""y""#), ("no", #""no""#), ("~", #""~""#),
        ("123", #""123""#), ("0777", #""0777""#), ("1e3", #""1e3""#), (".5", #"".5""#), (".inf", #"".inf""#),
        ("0x1F", #""0x1F""#), ("1_000", #""1_000""#), ("12:30:45", #""12:30:45""#),
        ("1:60", "1:60"), ("1:6", #""1:6""#), ("1:", "'1:'"), ("-1_:05.2_", #""-1_:05.2_""#), ("1:005", "1:005"),
        (".5:1", ".5:1"), ("0x", "0x"), ("+0b11", #""+0b11""#), ("0b12", "0b12"), ("0o8", "0o8"), ("0XaG", "0XaG"),
        ("-0o7", #""-0o7""#), ("0_x1", #""0_x1""#), ("2001-1-1 1:2:3Z", "2001-1-1 1:2:3Z"), ("1e", "1e"),
        ("2001-1-1  1:2:3", #""2001-1-1  1:2:3""#), ("2001-1-1T1:2:3 Z", "2001-1-1T1:2:3 Z"), ("1.2.3", "1.2.3"),
        ("2001-01-01", #""2001-01-01""#),
        ("a: b", "'a: b'"), ("a # b", "'a # b'"), (" a", "' a'"), ("a ", "'a '"), ("*a", "'*a'"), ("&a", "'&a'"),
        ("a\tb", #""a\tb""#), ("é☃ 😀", #""é☃ \U0001F600""#), ("a\u{1}b", #""a\x01b""#), ("it's \"q\"", #"it's "q""#),
        ("'a'", "'''a'''"), ("- a", "'- a'"), ("<<", "<<"), ("=", "="), ("%a", "'%a'"), ("@a", "'@a'"),
        ("`a`", "'`a`'"), ("[a]", "'[a]'"), ("{a}", "'{a}'"), ("a, b", "a, b"), ("?a", "?a"), ("? a", "'? a'"),
        (":a", ":a"), ("a:", "'a:'"), ("!a", "'!a'"), ("|a", "'|a'"), (">a", "'>a'"), (#"a\b"#, #"a\b"#),
        ("---", "'---'"), ("---a", "'---a'"), ("-a", "-a"), ("a\r\nb", #""a\r\nb""#), ("foo \nbar", #""foo \nbar""#),
        ("line one\nline two\n", "|\n  line one\n  line two"), ("a\nb", "|-\n  a\n  b"),
        ("\nfoo", "|2-\n\n  foo"), ("foo\n\n", "|+\n  foo\n"), (" foo\nbar\n", "|2\n   foo\n  bar"),
        ("\n", "|2+\n"), ("a\tb\nc", "|-\n  a\tb\n  c"),
    ])
    func `a string is quoted only where a plain one would read back as something else`(value: String, text: String) {
        #expect(YAMLScalar.text(value, indent: 2) == text)
    }

    @Test func `user keys come in natural order`() {
        let keys = ["x10", "x9", "b", "_a", "a", "1", "a-b", "ab", "10", "9", "A"]
        #expect(
            keys.sorted(by: NaturalOrder.precedes) == ["_a", "1", "9", "10", "A", "a", "a-b", "ab", "b", "x9", "x10"])
    }

    @Test func `lists are indented below their key and nested ones share a line`() {
        let document = Document.fields([
            .init(name: "a", value: .list([.list([.int(1), .int(2)]), .map(["b": .string("c"), "d": .null])])),
            .init(name: "e", value: .fields([.init(name: "f", value: .float(0.5))])),
            .init(name: "g", value: .list([])),
            .init(name: "h", value: .map([String: Document]())),
        ])
        #expect(
            YAMLEmitter.text(document) == """
                a:
                  - - 1
                    - 2
                  - b: c
                    d: null
                e:
                  f: 0.5
                g: []
                h: {}

                """)
    }
}
