import Testing

@testable import Compose

/// What a reference may consist of, held against the regular expressions that state the rules.
struct ImageReferenceGrammarTests {
    private func texts(of alphabet: String, upTo length: Int) -> [String] {
        var all = [""]
        var last = [""]
        for _ in 0..<length {
            last = last.flatMap { text in alphabet.map { text + String($0) } }
            all += last
        }
        return all
    }

    @Test func `a path component is what the rule says`() {
        let rule = /[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*/
        for text in texts(of: "a0._-A", upTo: 5) {
            #expect((ImageReference("r.example/x/\(text)") != nil) == (text.wholeMatch(of: rule) != nil), "\(text)")
        }
    }

    @Test func `a tag is what the rule says`() {
        let rule = /[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}/
        let long = [127, 128, 129].map { String(repeating: "t", count: $0) }
        for text in texts(of: "aZ0_.-é+", upTo: 3) + long {
            #expect((ImageReference("x:\(text)") != nil) == (text.wholeMatch(of: rule) != nil), "\(text)")
        }
    }

    @Test func `a digest is what the rule says`() {
        let rule = /[A-Za-z][A-Za-z0-9+._\-]*:[0-9a-fA-F]{32,}/
        let hex = String(repeating: "9aF0", count: 8)
        let digests = texts(of: "a0+_:é", upTo: 3).flatMap { ["\($0):\(hex)", "\($0)\(hex)", "a:\(hex)\($0)"] }
        for text in digests + ["a:\(hex.dropLast())", "a:\(hex)\(hex)", "a:\(hex)g"] {
            #expect((ImageReference("x@\(text)") != nil) == (text.wholeMatch(of: rule) != nil), "\(text)")
        }
    }

    @Test func `a registry is what the rule says`() {
        let rule = /(?:[A-Za-z0-9.\-]+|\[[0-9a-fA-F:]+\])(?::[0-9]+)?/
        // The colon or dot makes the first part a registry at all.
        for text in texts(of: "aG0.:-[]", upTo: 4) where text.contains(".") || text.contains(":") {
            #expect((ImageReference("\(text)/x") != nil) == (text.wholeMatch(of: rule) != nil), "\(text)")
        }
    }
}
