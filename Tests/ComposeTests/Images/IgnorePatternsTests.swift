import Testing

@testable import Compose

/// Docker's own rules, as the reference builder applies them.
@Suite struct IgnorePatternsTests {
    @Test(
        arguments: [
            ("*", "a", true), ("*", "a/b", true), ("*.txt", "a.txt", true), ("*.txt", "d/a.txt", false),
            ("**/*.txt", "d/e/a.txt", true), ("**/*.txt", "a.txt", true), ("d/**", "d/x/y", true), ("d/**", "d", false),
            ("**", "x", true), ("d", "d/e", true), ("/d/", "d/e", true), ("./d/../e", "e", true), ("?", "ab", false),
            ("a?c", "abc", true), ("a?c", "a/c", false), ("[a-c]x", "bx", true), ("[^a-c]x", "bx", false),
            ("[a-c]x", "dx", false), (#"\*"#, "*", true), (#"\*"#, "x", false), ("# d", "# d", false),
            (" d ", "d", true),
            ("a.c", "abc", false), ("**/d", "x/d/y", true), ("x**y", "x/1/y", true), ("a/*/c", "a/b/c", true),
            ("a/*/c", "a/b/b/c", false), ("\u{FEFF}d", "d", true),
        ])
    func `a pattern matches as Docker says`(_ pattern: String, _ path: String, _ isIgnored: Bool) throws {
        #expect(try IgnorePatterns(pattern).ignores(path) == isIgnored)
    }

    @Test(
        arguments: [
            ("*\n!README.md", "README.md", false), ("*\n!README.md", "other", true),
            ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true),
            ("*.md\nREADME-secret.md\n!README*.md", "README-secret.md", false),
            ("d\n!d/keep", "d/keep", false), ("d\n!d/keep", "d/other", true), ("d\n!d/keep", "d/keep/below", false),
            ("**\n! src/**/*.c", "src/a/b.c", false), ("!d\nd", "d", true),
        ])
    func `the last match decides, and an exclamation mark makes an exception`(
        _ text: String, _ path: String, _ isIgnored: Bool
    ) throws {
        #expect(try IgnorePatterns(text).ignores(path) == isIgnored)
    }

    @Test(arguments: ["!", "[a", #"a\"#, "[]", "[a-]"])
    func `what is no pattern is an error with its line`(_ pattern: String) {
        #expect(throws: IgnorePatterns.Malformed(line: 2, pattern: pattern)) {
            _ = try IgnorePatterns("# first\n\(pattern)\n")
        }
    }

    @Test func `a pattern of many stars takes no time to fail`() throws {
        let pattern = String(repeating: "**/*a*", count: 40) + "b"
        #expect(try IgnorePatterns(pattern).ignores(String(repeating: "a/", count: 200) + "c") == false)
    }

    @Test func `very many and very long patterns are refused`() throws {
        let many = (0...IgnorePatterns.most).map { "p\($0)" }.joined(separator: "\n")
        #expect(throws: IgnorePatterns.TooMany()) { _ = try IgnorePatterns(many) }
        let long = String(repeating: "a", count: 5_000)
        #expect(throws: IgnorePatterns.Malformed(line: 1, pattern: long)) { _ = try IgnorePatterns(long) }
    }

    @Test func `the comparisons that a path takes are counted`() throws {
        let patterns = try IgnorePatterns("a\n**/b\n")
        var steps = 0
        _ = patterns.judge("x/y", below: patterns.root, &steps)
        #expect(steps > 2)
    }
}
