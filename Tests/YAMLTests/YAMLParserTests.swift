import Testing
import YAML

struct YAMLParserTests {
    private func document(_ text: String, limits: YAMLLimits = .standard) throws -> YAMLNode {
        let documents = try YAMLParser.documents(in: Array(text.utf8), file: "f.yaml", limits: limits)
        return try #require(documents.first)
    }

    private func failure(_ bytes: [UInt8], limits: YAMLLimits = .standard) -> String {
        #expect(throws: YAMLError.self) {
            try YAMLParser.documents(in: bytes, file: "f.yaml", limits: limits)
        }?.description ?? "accepted"
    }

    private func failure(_ text: String, limits: YAMLLimits = .standard) -> String {
        failure(Array(text.utf8), limits: limits)
    }

    @Test(
        arguments: [
            ("true", .bool(true)), ("False", .bool(false)), ("yes", .string("yes")), ("on", .string("on")),
            ("", .null), ("~", .null), ("Null", .null), ("12", .int(12)), ("0777", .int(511)), ("0o17", .int(15)),
            ("0x1F", .int(31)), ("0b101", .int(5)), ("-0x10", .int(-16)), ("1_000", .int(1000)), ("+5", .int(5)),
            ("08", .float(8)), ("1.50", .float(1.5)), ("1e3", .float(1000)), (".5", .float(0.5)), ("5.", .float(5)),
            (".inf", .float(.infinity)), ("-.Inf", .float(-.infinity)), ("9223372036854775807", .int(.max)),
            ("9223372036854775808", .string("9223372036854775808")),
            ("18446744073709551616", .float(18_446_744_073_709_551_616)), ("1e400", .string("1e400")),
            ("._1", .string("._1")), ("12:30:45", .string("12:30:45")),
            ("22:22", .string("22:22")), ("2001-12-14", .timestamp("2001-12-14")),
            ("2001-12-14t21:59:43.10-05:00", .timestamp("2001-12-14t21:59:43.10-05:00")),
            ("1.2.3", .string("1.2.3")), ("0x", .string("0x")), ("e5", .string("e5")),
            ("\"12\"", .string("12")), ("!!str 12", .string("12")), ("!!float 3", .float(3)), ("! 12", .int(12)),
            ("!local 12", .string("12")),
        ] as [(String, YAMLNode.Value)])
    func `Plain scalars resolve as go-yaml resolves them`(text: String, expected: YAMLNode.Value) throws {
        let value = try #require(try document("k: \(text)\n")["k"]).value
        #expect(value == expected)
    }

    @Test func `Every node knows its place`() throws {
        let node = try document("a:\n  - x\n  - ünï: 1\n")
        let item = try #require(node["a"]?.sequence?.last)
        #expect(item.location.description == "f.yaml:3:5")
        #expect(item["ünï"]?.location.description == "f.yaml:3:10")
        #expect(item.mapping?.entries.first?.keyLocation.column == 5)
    }

    @Test func `Merge keys yield to explicit keys wherever they stand, and earlier sources to none`() throws {
        let node = try document(
            """
            one: &one {a: 1, b: 1}
            two: &two {b: 2, c: 2}
            all:
              <<: [*one, *two]
              c: 3
            """)
        let all = try #require(node["all"])
        #expect(all["a"]?.int == 1)
        #expect(all["b"]?.int == 1)
        #expect(all["c"]?.int == 3)
        #expect(try document("\"<<\": x")["<<"]?.string == "x")
    }

    @Test func `Local tags are kept`() throws {
        let node = try document("a: !reset null\nb: !override [1]\n")
        #expect(node["a"]?.tag == "!reset")
        #expect(node["b"]?.tag == "!override")
        #expect(node["b"]?.sequence?.first?.int == 1)
    }

    @Test func `Documents come in order`() throws {
        let documents = try YAMLParser.documents(in: Array("a: 1\n---\nb: 2\n".utf8), file: "f")
        #expect(documents.map { $0.mapping?.keys } == [["a"], ["b"]])
        #expect(try YAMLParser.documents(in: Array("# nothing\n".utf8), file: "f").isEmpty)
    }

    @Test(arguments: [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: key \"a\" is already defined at line 1, column 1"),
        ("<<: {a: 1}\n<<: {b: 1}\n", "f.yaml:2:1: key \"<<\" is already defined at line 1, column 1"),
        ("a:\n  80: x\n", "f.yaml:2:3: a key must be a string, not the number 80; quote it"),
        ("true: x\n", "f.yaml:1:1: a key must be a string, not the boolean true; quote it"),
        ("a: *b\n", "f.yaml:1:4: unknown anchor \"b\"; no anchor is defined before it"),
        ("a: &x 1\nb: *y\n", "f.yaml:2:4: unknown anchor \"y\"; before it are defined \"x\""),
        ("a: &x\n  b: *x\n", "f.yaml:2:6: anchor \"x\" contains itself"),
        ("a: [1, 2\n", "f.yaml:2:1: did not find expected ',' or ']' while parsing a flow sequence"),
        ("<<: 5\n", "f.yaml:1:5: \"<<\" needs a mapping or a list of mappings"),
        ("a: \"\\0\"\n", "f.yaml:1:4: the text contains a NUL character"),
        ("%YAML 1.2\n---\na: 1\n", "f.yaml:1:1: YAML 1.2 is not known, only 1.1"),
        ("a: !!int x\n", "f.yaml:1:4: \"x\" does not fit its tag !!int"),
    ])
    func `What is wrong is told with its place`(text: String, message: String) {
        #expect(failure(text).hasPrefix(message))
    }

    @Test func `Bytes that are no text are refused with their place`() {
        #expect(failure([0x61, 0x3A, 0x20, 0x0A, 0x62, 0xFF]) == "f.yaml:2:2: the text is not valid UTF-8")
        #expect(failure([0x61, 0x00]) == "f.yaml:1:2: NUL byte")
        #expect(failure("a: 1\nb: \u{7}\n").hasPrefix("f.yaml:2:4: "))
    }

    @Test func `Alias bombs are refused`() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...12 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(failure(text).contains("aliases expand to more than 100000 nodes"))
    }

    @Test func `Merge keys cannot multiply mappings`() {
        let keys = (0..<1_000).map { "k\($0): v" }.joined(separator: ", ")
        let aliases = Array(repeating: "*a", count: 500).joined(separator: ", ")
        #expect(failure("a: &a {\(keys)}\nb:\n  <<: [\(aliases)]\n").contains("aliases expand to more than"))
        var text = "a0: &a0 {a: b}\n"
        for level in 1...40 { text += "a\(level): &a\(level) {<<: [*a\(level - 1)], k\(level): *a\(level - 1)}\n" }
        #expect(failure(text).contains("aliases expand to more than"))
    }

    @Test func `Nodes, texts and keys are bounded`() {
        let many = "[" + String(repeating: "[],", count: 400_000) + "]"
        #expect(failure(many) == "f.yaml:1:600000: the file has more than 400000 nodes")
        let long = String(repeating: "x", count: 1 << 20)
        #expect(failure("a: \(long)x\n") == "f.yaml:1:4: the text has more than 1048576 bytes")
        let anchors = (0...10_000).map { "&a\($0) b" }.joined(separator: ", ")
        #expect(failure("[\(anchors)]\n").hasSuffix("the document has more than 10000 anchors"))
        #expect(failure("? \(long)\n: 1\n") == "f.yaml:1:3: the key has more than 4096 bytes")
    }

    @Test func `Anchors around anchors are measured once`() {
        let open = (0..<90).map { "&a\($0) [" }.joined()
        let text = "a: \(open)" + String(repeating: "x,", count: 100_000) + String(repeating: "]", count: 90)
        #expect(throws: Never.self) { try YAMLParser.documents(in: Array(text.utf8), file: "f.yaml") }
        #expect(failure(text + "\nb: [[[[[[[[[[[*a0]]]]]]]]]]]\n").contains("nested more than 100 deep"))
    }

    @Test func `Depth and size are bounded, through aliases too`() {
        let deep = String(repeating: "[", count: 101) + String(repeating: "]", count: 101)
        #expect(failure(deep) == "f.yaml:1:101: collections are nested more than 100 deep")
        let half = String(repeating: "[", count: 60) + String(repeating: "]", count: 60)
        let nested = String(repeating: "[", count: 60) + "*a" + String(repeating: "]", count: 60)
        #expect(failure("a: &a \(half)\nb: \(nested)\n").contains("nested more than 100 deep"))
        #expect(failure("a: 1", limits: YAMLLimits(bytes: 3, depth: 9, aliasedNodes: 9)).contains("4 bytes"))
    }
}
