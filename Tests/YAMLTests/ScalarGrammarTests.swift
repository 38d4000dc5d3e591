import Testing
import YAML

/// The scanners are held against the regular expressions that state their rules.
struct ScalarGrammarTests {
    /// Every text of at most `length` of these characters.
    private func texts(of alphabet: String, upTo length: Int) -> [String] {
        var all = [""]
        var last = [""]
        for _ in 0..<length {
            last = last.flatMap { text in alphabet.map { text + String($0) } }
            all += last
        }
        return all
    }

    @Test func `A decimal number is what the rule says`() {
        let rule = /[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?/
        for text in texts(of: "-+.1eE", upTo: 5) + ["1_0", "١", "1.5e+10", " 1", "1\u{301}"] {
            #expect(ScalarGrammar.isDecimal(text) == (text.wholeMatch(of: rule) != nil), "\(text)")
        }
    }

    // Found by asking docker compose 2.40.3 which of them it writes in quotes.
    @Test(arguments: [
        ("2001-12-14", true), ("2001-1-4", true), ("0000-1-1", true), ("2001-13-1", false), ("2001-12-0", false),
        ("2001-012-14", false), ("02001-12-14", false), ("2001-12-14 ", false),
        ("2001-2-30", false), ("2004-2-29", true), ("2001-2-29", false), ("2000-2-29", true), ("1900-2-29", false),
        ("2001-12-14T1:2:3", false), ("2001-12-14T1:2:3Z", true), ("2001-12-14t1:2:3z", false),
        ("2001-12-14t1:2:3Z", true), ("2001-12-14T1:2:3 Z", false), ("2001-12-14T  1:2:3Z", false),
        ("2001-12-14T1:2:3.Z", false), ("2001-12-14T1:2:3.5Z", true), ("2001-12-14T1:2:3,5Z", true),
        ("2001-12-14T24:2:3Z", false), ("2001-12-14T23:60:3Z", false), ("2001-12-14T1:2:60Z", false),
        ("2001-12-14T1:2:3+01:00", true), ("2001-12-14T1:2:3-00:00", true), ("2001-12-14T1:2:3+24:60", true),
        ("2001-12-14T1:2:3+25:00", false), ("2001-12-14T1:2:3+00:61", false), ("2001-12-14T1:2:3+1:00", false),
        ("2001-12-14T1:2:3+0100", false), ("2001-12-14T1:2:3.12345678901234Z", true),
        ("2001-12-14 1:2", false), ("2001-12-14 1:2:3", true), ("2001-12-14   1:2:3.5", true),
        ("2001-12-14 1:2:3,5", true), ("2001-12-14 1:2:3.1234567890123", true), ("2001-12-14 1:2:3 ", false),
        ("2001-12-14 1:2:3Z", false), ("2001-12-14 1:2:3.", false), ("2001-12-14 1:2:3+01:00", false),
    ])
    func `A date is what docker compose takes for one`(text: String, isTimestamp: Bool) {
        #expect(ScalarGrammar.isTimestamp(text) == isTimestamp)
    }
}
