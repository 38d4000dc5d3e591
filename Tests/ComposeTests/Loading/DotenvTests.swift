import Testing

@testable import Compose

struct DotenvTests {
    private func read(_ text: String, format: Dotenv.Format = .dotenv) throws -> [String: String] {
        var variables: [String: String] = [:]
        let outside = ["SET": "outside"]
        try Dotenv(file: "f.env") { outside[$0] }.read(Array(text.utf8), format: format, into: &variables)
        return variables
    }

    @Test(arguments: [
        ("A=1", "1"), ("A = 1 ", "1"), ("export A=1", "1"), ("A: 1", "1"), ("A:1", "1"), ("A=", ""), ("A= ", ""),
        ("A=a b", "a b"), ("A=a#b", "a#b"), ("A=a #b", "a"), ("A=#b", "#b"), ("A=a\nA=b", "b"), ("A=a=b", "a=b"),
        ("A=a\r\nB=b\r\n", "a"), ("\u{FEFF}A=1", "1"), ("# c\n\n  A=1", "1"),
        ("A=\"a b\" # c", "a b"), ("A=\"a\nb\"", "a\nb"), ("A=\"a\\nb\"", "a\nb"), ("A='a\\nb'", "a\\nb"),
        ("A='a $SET'", "a $SET"), ("A=\"a $SET\"", "a outside"), ("A=$SET", "outside"), ("A=${U:-x}", "x"),
        ("A=\"\\$SET\"", "$SET"), ("A=\"\\\"q\\\"\"", "\"q\""), ("A='it\\'s'", "it's"), ("A=\"\\0101\"", "A"),
        ("A=\"\\x\"", "\\x"), ("B=b\nA=$B", "b"), ("SET=own\nA=$SET", "outside"), ("A='x\ny'\nB=1", "x\ny"),
    ])
    func `Values are read`(text: String, expected: String) throws {
        #expect(try read(text)["A"] == expected)
    }

    @Test func `A bare key takes its value from outside or is skipped`() throws {
        #expect(try read("SET\nNOT\nA=1\n") == ["SET": "outside", "A": "1"])
    }

    @Test(arguments: [
        ("A=1\nB C=2", "f.env:2:1: key cannot contain a space"),
        ("A!=1", "f.env:1:2: unexpected character \"!\" in a variable name"),
        ("\n\nA=\"x", "f.env:3:3: the quoted value is not terminated"),
        ("A=1\nB=${C:?give it}", "f.env:2:1: required variable C is missing a value: give it"),
        ("A=${", "f.env:1:1: invalid interpolation format in \"${\"; write $$ for a dollar sign"),
    ])
    func `What is not in the format is told with its place`(text: String, message: String) {
        #expect(throws: ComposeError.self) { try read(text) }
        do { _ = try read(text) } catch { #expect("\(error)" == message) }
    }

    @Test func `The raw format takes every line literally`() throws {
        let text = "# c\nA='x' # y\nB=$SET\nSET\nNOT\n\nC=a=b\n"
        #expect(try read(text, format: .raw) == ["A": "'x' # y", "B": "$SET", "SET": "outside", "C": "a=b"])
    }
}
