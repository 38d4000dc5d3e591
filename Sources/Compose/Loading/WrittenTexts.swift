import YAML

/// What stood in the file where a text was interpolated: messages quote that, because a variable may hold a secret.
struct WrittenTexts: Sendable {
    private struct Text: Sendable {
        var written: String
        var expanded: String
    }

    private var texts: [SourceLocation: Text] = [:]

    /// Keeps a text whose interpolation changed it.
    mutating func add(_ written: String, expandedTo expanded: String, at location: SourceLocation) {
        texts[location] = Text(written: written, expanded: expanded)
    }

    mutating func add(_ other: WrittenTexts) { texts.merge(other.texts) { $1 } }

    /// The same problems, with what they quote of an interpolated text as it was written.
    func quoted(in error: ComposeError) -> ComposeError {
        ComposeError(
            error.problems.map { problem in
                guard let location = problem.location, let text = texts[location] else { return problem }
                var problem = problem
                problem.message = Self.message(problem.message, quoting: text)
                return problem
            })
    }

    private static func message(_ message: String, quoting text: Text) -> String {
        if text.expanded.isEmpty { return message }
        // Quotes in the value would hide where what the message quotes ends.
        if text.expanded.contains("\""), let quote = message.firstIndex(of: "\"") {
            return "\(message[..<quote])\"\(text.written)\""
        }
        var parts = message.split(separator: "\"", omittingEmptySubsequences: false).map(String.init)
        let (expanded, written) = (text.expanded.lowercased(), text.written.lowercased())
        for index in parts.indices where !index.isMultiple(of: 2) && !parts[index].isEmpty {
            let part = parts[index].lowercased()
            let isCut = index == parts.count - 1 && part.hasSuffix("…")
            let quoted = isCut ? String(part.dropLast()) : part
            if expanded.contains(quoted), !written.contains(quoted) { parts[index] = text.written }
        }
        return parts.joined(separator: "\"")
    }
}
