internal import Foundation

/// Puts ArgumentParser's help into the order of the manual page: what the statuses mean and the example come last.
enum HelpText {
    private static let heading = "\nEXIT STATUS:\n"
    private static let usage = "\nUSAGE: "

    /// The help with its `EXIT STATUS` and `EXAMPLE` moved from above `USAGE` to its end; any other text as it is.
    static func arranged(_ text: String) -> String {
        guard let explained = text.range(of: heading),
            let usage = text.range(of: usage, range: explained.upperBound..<text.endIndex)
        else { return text }
        let explanation = text[explained.lowerBound..<usage.lowerBound]
        return text[..<explained.lowerBound] + trimmed(text[usage.lowerBound...]) + "\n" + trimmed(explanation) + "\n"
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.last == "\n" { text.removeLast() }
        return String(text)
    }
}
