import Testing

@testable import Compose

struct ScalarTests {
    @Test(arguments: [
        ("sleep 600", ["sleep", "600"]),
        ("a 'b c' \"d e\"", ["a", "b c", "d e"]),
        ("a\\ b c", ["a b", "c"]),
        ("a'b'\"c\"", ["abc"]),
        ("a ''", ["a", ""]),
        ("echo a; echo b", ["echo", "a"]),
        ("foo 2>x", ["foo"]),
        ("foo >x", ["foo"]),
        ("a $(b c) d", ["a", "$(b c)", "d"]),
        ("a `b c`", ["a", "`b c`"]),
        ("sh -c 'a; b | c'", ["sh", "-c", "a; b | c"]),
        ("", []),
        ("  a\tb\nc ", ["a", "b", "c"]),
    ])
    func `a command line is split into words, and ends at the first operator`(line: String, words: [String]) {
        #expect(ShellWords.split(line) == words)
    }

    @Test(arguments: ["a 'b", "a \"b", "a (b)", "a )b", "a `b", "a \\", "$(a (b))"])
    func `an unbalanced command line is refused`(line: String) {
        #expect(ShellWords.split(line) == nil)
    }

    @Test(arguments: [
        ("1024", 1024), ("1k", 1024), ("1kb", 1024), ("1KiB", 1024), ("1.5m", 1_572_864), ("64M", 67_108_864),
        ("1 g", 1_073_741_824), ("0.5b", 0), ("2t", 2_199_023_255_552), ("1p", 1_125_899_906_842_624),
    ])
    func `sizes have binary units and lose fractions of bytes`(text: String, bytes: Int) {
        #expect(ByteSize.parse(text) == bytes)
    }

    @Test(arguments: ["", "-1", "m", "1x", "1mm", "1 kx", "99999999999p", "1.2.3k"])
    func `what is no size is refused`(text: String) {
        #expect(ByteSize.parse(text) == nil)
    }

    @Test(arguments: [
        ("90s", "1m30s"), ("1h", "1h0m0s"), ("1.5s", "1.5s"), ("500ms", "500ms"), ("100us", "100µs"), ("0", "0s"),
        ("0s", "0s"), ("1d", "24h0m0s"), ("1w1ns", "168h0m0.000000001s"), ("-1m", "-1m0s"), ("12ns", "12ns"),
        ("1m30s5ms", "1m30.005s"), (".5s", "500ms"), ("+2s", "2s"), ("1.0000000001s", "1s"),
    ])
    func `durations print as Go prints them`(text: String, printed: String) throws {
        #expect(GoDuration.text(try #require(GoDuration.parse(text))) == printed)
    }

    @Test(arguments: ["", "1", "s", "1x", "1 s", "1s ", "--1s", "1e3s", "99999999999999h", "."])
    func `what is no duration is refused`(text: String) {
        #expect(GoDuration.parse(text) == nil)
    }

    @Test(arguments: [
        (1.0, "1"), (1.5, "1.5"), (1000, "1000"), (1e6, "1e+06"), (123456.5, "123456.5"), (1234567.5, "1.2345675e+06"),
        (1e8, "1e+08"), (0.0001, "0.0001"), (1e-5, "1e-05"), (1e-7, "1e-07"), (.infinity, "+Inf"), (-2.5, "-2.5"),
    ])
    func `free-form numbers print as Go prints them`(number: Double, text: String) {
        #expect(GoNumber.text(number) == text)
    }

    @Test(arguments: [(Float(0.1), "0.1"), (1, "1"), (1e-7, "1e-7"), (1e21, "1e+21"), (16_777_216, "16777216")])
    func `numbers in JSON use plain decimals`(number: Float, text: String) {
        #expect(GoNumber.json(number) == text)
    }
}
