import Deploy
package import Reconcile

/// What went wrong with a repository, its remote, its cache or its checkout.
///
/// Texts never hold the userinfo or query of a URL or control characters other than line ends: they are removed on the way in.
package struct GitError: ReasonedError, Sendable, Equatable, Codable, CustomStringConvertible {
    package let reason: Reason
    package let message: String
    package let advice: String

    package init(_ reason: Reason, _ message: String, advice: String = "") {
        self.reason = reason
        self.message = message.withoutUserinfo.withoutControlCharacters(keepingLines: true)
        self.advice = advice.withoutUserinfo.withoutControlCharacters(keepingLines: true)
    }

    package var description: String { advice.isEmpty ? message : "\(message)\n\(advice)" }
}

extension String {
    /// The text without terminal control characters: C0, DEL, C1; line ends become one `\n` each, or a space.
    func withoutControlCharacters(keepingLines: Bool) -> String {
        var result = String.UnicodeScalarView()
        for character in self {
            if character.isNewline {
                result.append(keepingLines ? "\n" : " ")
                continue
            }
            for scalar in character.unicodeScalars {
                switch scalar.value {
                case 0x09: result.append(" ")
                case 0..<0x20, 0x7f..<0xa0, 0x202a...0x202e, 0x2066...0x2069: break
                default: result.append(scalar)
                }
            }
        }
        return String(result)
    }
}
